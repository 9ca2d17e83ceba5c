/** Symbols of libbpf 1.1 (Debian 12) in use, each under its prototype; `library.ts` opens them. */

import type { FFIFunction } from 'bun:ffi'

export const LIBBPF_SYMBOLS = {
  // const char *libbpf_version_string(void);
  libbpf_version_string: { args: [], returns: 'ptr' },
  // libbpf_print_fn_t libbpf_set_print(libbpf_print_fn_t fn);
  libbpf_set_print: { args: ['ptr'], returns: 'ptr' },
  // int libbpf_num_possible_cpus(void);
  libbpf_num_possible_cpus: { args: [], returns: 'i32' },
  // int libbpf_probe_bpf_prog_type(enum bpf_prog_type prog_type, const void *opts);  — 1, 0 or -errno
  libbpf_probe_bpf_prog_type: { args: ['i32', 'ptr'], returns: 'i32' },
  // int libbpf_probe_bpf_map_type(enum bpf_map_type map_type, const void *opts);
  libbpf_probe_bpf_map_type: { args: ['i32', 'ptr'], returns: 'i32' },
  // int libbpf_probe_bpf_helper(enum bpf_prog_type prog_type, enum bpf_func_id helper_id, const void *opts);
  libbpf_probe_bpf_helper: { args: ['i32', 'i32', 'ptr'], returns: 'i32' },

  // struct bpf_object *bpf_object__open_file(const char *path, const struct bpf_object_open_opts *opts);
  bpf_object__open_file: { args: ['ptr', 'ptr'], returns: 'ptr' },
  // struct bpf_object *bpf_object__open_mem(const void *obj_buf, size_t obj_buf_sz, const struct bpf_object_open_opts *opts);
  bpf_object__open_mem: { args: ['ptr', 'u64', 'ptr'], returns: 'ptr' },
  // int bpf_object__load(struct bpf_object *obj);
  bpf_object__load: { args: ['ptr'], returns: 'i32' },
  // void bpf_object__close(struct bpf_object *object);
  bpf_object__close: { args: ['ptr'], returns: 'void' },
  // struct btf *bpf_object__btf(const struct bpf_object *obj);
  bpf_object__btf: { args: ['ptr'], returns: 'ptr' },
  // const void *btf__raw_data(const struct btf *btf, __u32 *size);
  btf__raw_data: { args: ['ptr', 'ptr'], returns: 'ptr' },
  // struct bpf_program *bpf_object__next_program(const struct bpf_object *obj, struct bpf_program *prog);
  bpf_object__next_program: { args: ['ptr', 'ptr'], returns: 'ptr' },
  // struct bpf_program *bpf_object__find_program_by_name(const struct bpf_object *obj, const char *name);
  bpf_object__find_program_by_name: { args: ['ptr', 'ptr'], returns: 'ptr' },
  // struct bpf_map *bpf_object__next_map(const struct bpf_object *obj, const struct bpf_map *map);
  bpf_object__next_map: { args: ['ptr', 'ptr'], returns: 'ptr' },
  // struct bpf_map *bpf_object__find_map_by_name(const struct bpf_object *obj, const char *name);
  bpf_object__find_map_by_name: { args: ['ptr', 'ptr'], returns: 'ptr' },

  // const char *bpf_program__name(const struct bpf_program *prog);
  bpf_program__name: { args: ['ptr'], returns: 'ptr' },
  // const char *bpf_program__section_name(const struct bpf_program *prog);
  bpf_program__section_name: { args: ['ptr'], returns: 'ptr' },
  // int bpf_program__fd(const struct bpf_program *prog);
  bpf_program__fd: { args: ['ptr'], returns: 'i32' },
  // size_t bpf_program__insn_cnt(const struct bpf_program *prog);
  bpf_program__insn_cnt: { args: ['ptr'], returns: 'u64' },
  // bool bpf_program__autoload(const struct bpf_program *prog);
  bpf_program__autoload: { args: ['ptr'], returns: 'bool' },
  // int bpf_program__set_autoload(struct bpf_program *prog, bool autoload);
  bpf_program__set_autoload: { args: ['ptr', 'bool'], returns: 'i32' },
  // enum bpf_prog_type bpf_program__type(const struct bpf_program *prog);
  bpf_program__type: { args: ['ptr'], returns: 'i32' },
  // int bpf_program__set_type(struct bpf_program *prog, enum bpf_prog_type type);
  bpf_program__set_type: { args: ['ptr', 'i32'], returns: 'i32' },
  // enum bpf_attach_type bpf_program__expected_attach_type(const struct bpf_program *prog);
  bpf_program__expected_attach_type: { args: ['ptr'], returns: 'i32' },
  // int bpf_program__set_expected_attach_type(struct bpf_program *prog, enum bpf_attach_type type);
  bpf_program__set_expected_attach_type: { args: ['ptr', 'i32'], returns: 'i32' },
  // int bpf_program__set_attach_target(struct bpf_program *prog, int attach_prog_fd, const char *attach_func_name);
  bpf_program__set_attach_target: { args: ['ptr', 'i32', 'ptr'], returns: 'i32' },
  // int bpf_program__set_flags(struct bpf_program *prog, __u32 flags);
  bpf_program__set_flags: { args: ['ptr', 'u32'], returns: 'i32' },
  // int bpf_program__set_log_buf(struct bpf_program *prog, char *log_buf, size_t log_size);
  bpf_program__set_log_buf: { args: ['ptr', 'ptr', 'u64'], returns: 'i32' },
  // int bpf_program__pin(struct bpf_program *prog, const char *path);
  bpf_program__pin: { args: ['ptr', 'ptr'], returns: 'i32' },

  // struct bpf_link *bpf_program__attach(const struct bpf_program *prog);
  bpf_program__attach: { args: ['ptr'], returns: 'ptr' },
  // struct bpf_link *bpf_program__attach_raw_tracepoint(const struct bpf_program *prog, const char *tp_name);
  bpf_program__attach_raw_tracepoint: { args: ['ptr', 'ptr'], returns: 'ptr' },
  // struct bpf_link *bpf_program__attach_tracepoint_opts(const struct bpf_program *prog, const char *tp_category, const char *tp_name, const struct bpf_tracepoint_opts *opts);
  bpf_program__attach_tracepoint_opts: { args: ['ptr', 'ptr', 'ptr', 'ptr'], returns: 'ptr' },
  // struct bpf_link *bpf_program__attach_kprobe_opts(const struct bpf_program *prog, const char *func_name, const struct bpf_kprobe_opts *opts);
  bpf_program__attach_kprobe_opts: { args: ['ptr', 'ptr', 'ptr'], returns: 'ptr' },
  // struct bpf_link *bpf_program__attach_kprobe_multi_opts(const struct bpf_program *prog, const char *pattern, const struct bpf_kprobe_multi_opts *opts);
  bpf_program__attach_kprobe_multi_opts: { args: ['ptr', 'ptr', 'ptr'], returns: 'ptr' },
  // struct bpf_link *bpf_program__attach_trace_opts(const struct bpf_program *prog, const struct bpf_trace_opts *opts);
  bpf_program__attach_trace_opts: { args: ['ptr', 'ptr'], returns: 'ptr' },
  // struct bpf_link *bpf_program__attach_lsm(const struct bpf_program *prog);
  bpf_program__attach_lsm: { args: ['ptr'], returns: 'ptr' },
  // struct bpf_link *bpf_program__attach_uprobe_opts(const struct bpf_program *prog, pid_t pid, const char *binary_path, size_t func_offset, const struct bpf_uprobe_opts *opts);
  bpf_program__attach_uprobe_opts: { args: ['ptr', 'i32', 'ptr', 'u64', 'ptr'], returns: 'ptr' },

  // struct bpf_link *bpf_link__open(const char *path);
  bpf_link__open: { args: ['ptr'], returns: 'ptr' },
  // int bpf_link__destroy(struct bpf_link *link);
  bpf_link__destroy: { args: ['ptr'], returns: 'i32' },
  // void bpf_link__disconnect(struct bpf_link *link);
  bpf_link__disconnect: { args: ['ptr'], returns: 'void' },
  // int bpf_link__fd(const struct bpf_link *link);
  bpf_link__fd: { args: ['ptr'], returns: 'i32' },
  // int bpf_link__pin(struct bpf_link *link, const char *path);
  bpf_link__pin: { args: ['ptr', 'ptr'], returns: 'i32' },
  // int bpf_link__unpin(struct bpf_link *link);
  bpf_link__unpin: { args: ['ptr'], returns: 'i32' },
  // int bpf_link__update_program(struct bpf_link *link, struct bpf_program *prog);
  bpf_link__update_program: { args: ['ptr', 'ptr'], returns: 'i32' },

  // const char *bpf_map__name(const struct bpf_map *map);
  bpf_map__name: { args: ['ptr'], returns: 'ptr' },
  // int bpf_map__fd(const struct bpf_map *map);
  bpf_map__fd: { args: ['ptr'], returns: 'i32' },
  // enum bpf_map_type bpf_map__type(const struct bpf_map *map);
  bpf_map__type: { args: ['ptr'], returns: 'i32' },
  // __u32 bpf_map__key_size(const struct bpf_map *map);
  bpf_map__key_size: { args: ['ptr'], returns: 'u32' },
  // __u32 bpf_map__value_size(const struct bpf_map *map);
  bpf_map__value_size: { args: ['ptr'], returns: 'u32' },
  // int bpf_map__set_value_size(struct bpf_map *map, __u32 size);
  bpf_map__set_value_size: { args: ['ptr', 'u32'], returns: 'i32' },
  // __u32 bpf_map__max_entries(const struct bpf_map *map);
  bpf_map__max_entries: { args: ['ptr'], returns: 'u32' },
  // int bpf_map__set_max_entries(struct bpf_map *map, __u32 max_entries);
  bpf_map__set_max_entries: { args: ['ptr', 'u32'], returns: 'i32' },
  // __u32 bpf_map__map_flags(const struct bpf_map *map);
  bpf_map__map_flags: { args: ['ptr'], returns: 'u32' },
  // int bpf_map__set_map_flags(struct bpf_map *map, __u32 flags);
  bpf_map__set_map_flags: { args: ['ptr', 'u32'], returns: 'i32' },
  // int bpf_map__set_type(struct bpf_map *map, enum bpf_map_type type);
  bpf_map__set_type: { args: ['ptr', 'i32'], returns: 'i32' },
  // int bpf_map__set_autocreate(struct bpf_map *map, bool autocreate);
  bpf_map__set_autocreate: { args: ['ptr', 'bool'], returns: 'i32' },
  // int bpf_map__set_inner_map_fd(struct bpf_map *map, int fd);
  bpf_map__set_inner_map_fd: { args: ['ptr', 'i32'], returns: 'i32' },
  // int bpf_map__set_pin_path(struct bpf_map *map, const char *path);
  bpf_map__set_pin_path: { args: ['ptr', 'ptr'], returns: 'i32' },
  // int bpf_map__reuse_fd(struct bpf_map *map, int fd);
  bpf_map__reuse_fd: { args: ['ptr', 'i32'], returns: 'i32' },
  // void *bpf_map__initial_value(struct bpf_map *map, size_t *psize);
  bpf_map__initial_value: { args: ['ptr', 'ptr'], returns: 'ptr' },

  // int bpf_map_create(enum bpf_map_type map_type, const char *map_name, __u32 key_size, __u32 value_size, __u32 max_entries, const struct bpf_map_create_opts *opts);
  bpf_map_create: { args: ['i32', 'ptr', 'u32', 'u32', 'u32', 'ptr'], returns: 'i32' },
  // int bpf_map_lookup_elem(int fd, const void *key, void *value);
  bpf_map_lookup_elem: { args: ['i32', 'ptr', 'ptr'], returns: 'i32' },
  // int bpf_map_lookup_and_delete_elem(int fd, const void *key, void *value);
  bpf_map_lookup_and_delete_elem: { args: ['i32', 'ptr', 'ptr'], returns: 'i32' },
  // int bpf_map_update_elem(int fd, const void *key, const void *value, __u64 flags);
  bpf_map_update_elem: { args: ['i32', 'ptr', 'ptr', 'u64'], returns: 'i32' },
  // int bpf_map_delete_elem(int fd, const void *key);
  bpf_map_delete_elem: { args: ['i32', 'ptr'], returns: 'i32' },
  // int bpf_map_get_next_key(int fd, const void *key, void *next_key);
  bpf_map_get_next_key: { args: ['i32', 'ptr', 'ptr'], returns: 'i32' },
  // int bpf_map_freeze(int fd);
  bpf_map_freeze: { args: ['i32'], returns: 'i32' },
  // int bpf_map_lookup_batch(int fd, void *in_batch, void *out_batch, void *keys, void *values, __u32 *count, const struct bpf_map_batch_opts *opts);
  bpf_map_lookup_batch: { args: ['i32', 'ptr', 'ptr', 'ptr', 'ptr', 'ptr', 'ptr'], returns: 'i32' },
  // int bpf_map_update_batch(int fd, const void *keys, const void *values, __u32 *count, const struct bpf_map_batch_opts *opts);
  bpf_map_update_batch: { args: ['i32', 'ptr', 'ptr', 'ptr', 'ptr'], returns: 'i32' },
  // int bpf_map_get_fd_by_id(__u32 id);
  bpf_map_get_fd_by_id: { args: ['u32'], returns: 'i32' },
  // int bpf_map_get_next_id(__u32 start_id, __u32 *next_id);
  bpf_map_get_next_id: { args: ['u32', 'ptr'], returns: 'i32' },
  // int bpf_btf_get_next_id(__u32 start_id, __u32 *next_id);
  bpf_btf_get_next_id: { args: ['u32', 'ptr'], returns: 'i32' },
  // int bpf_prog_get_fd_by_id(__u32 id);
  bpf_prog_get_fd_by_id: { args: ['u32'], returns: 'i32' },
  // int bpf_prog_get_next_id(__u32 start_id, __u32 *next_id);
  bpf_prog_get_next_id: { args: ['u32', 'ptr'], returns: 'i32' },
  // int bpf_link_get_fd_by_id(__u32 id);
  bpf_link_get_fd_by_id: { args: ['u32'], returns: 'i32' },
  // int bpf_link_get_next_id(__u32 start_id, __u32 *next_id);
  bpf_link_get_next_id: { args: ['u32', 'ptr'], returns: 'i32' },

  // int bpf_obj_pin(int fd, const char *pathname);
  bpf_obj_pin: { args: ['i32', 'ptr'], returns: 'i32' },
  // int bpf_obj_get(const char *pathname);
  bpf_obj_get: { args: ['ptr'], returns: 'i32' },
  // int bpf_obj_get_info_by_fd(int bpf_fd, void *info, __u32 *info_len);
  bpf_obj_get_info_by_fd: { args: ['i32', 'ptr', 'ptr'], returns: 'i32' },
  // int bpf_prog_test_run_opts(int prog_fd, struct bpf_test_run_opts *opts);
  bpf_prog_test_run_opts: { args: ['i32', 'ptr'], returns: 'i32' },
  // int bpf_iter_create(int link_fd);
  bpf_iter_create: { args: ['i32'], returns: 'i32' },
  // int bpf_enable_stats(enum bpf_stats_type type);
  bpf_enable_stats: { args: ['i32'], returns: 'i32' },
} as const satisfies Record<string, FFIFunction>
