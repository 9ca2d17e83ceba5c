/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* The texts of an exec event: file name, working directory, cgroup name, arguments, environment. */
#ifndef THUMP_EXEC_READ_H
#define THUMP_EXEC_READ_H

#include "path.h"
#include "process.h"

/* The event grows in here: what has been put into `bytes` ends at `cursor`. */
#define EXEC_BLOB_BYTES (PATH_BYTES_MAX * 2 + CGROUP_NAME_BYTES_MAX + EXEC_INLINE_BYTES * 2)

struct exec_scratch {
	struct process process;
	__u64 cursor;
	struct exec_event event;
	__u8 bytes[EXEC_BLOB_BYTES];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, SLOTS);
	__type(key, __u32);
	__type(value, struct exec_scratch);
} exec_scratches SEC(".maps");

/* The state of loops over user memory stands here and not in registers: the verifier meets the same state at each turn
 * and each step once, where a loop of 512 turns with its state in registers takes more than the million instructions
 * that a program may have. */
struct chunk_scratch {
	__u64 start; /* user memory to be read next */
	__u64 end;
	__u32 sent; /* bytes */
	__u32 chunks;
	struct chunk_event event;
	__u8 bytes[CHUNK_BYTES];
};

enum chunk_step {
	CHUNK_STEP_ON = 0,
	CHUNK_STEP_DONE = 1,
	CHUNK_STEP_LOST = 2, /* no room in the ring */
	CHUNK_STEP_FAULT = 3,
};

#define CHUNK_STEPS 32
#define CHUNK_ROUNDS (ARGS_BYTES_MAX / CHUNK_BYTES / CHUNK_STEPS + 1)

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, SLOTS);
	__type(key, __u32);
	__type(value, struct chunk_scratch);
} chunk_scratches SEC(".maps");

static __always_inline struct exec_scratch *exec_of(__u32 slot)
{
	return bpf_map_lookup_elem(&exec_scratches, &slot);
}

/* Where the next text goes: room for `size` bytes, a constant; null when there is none left. */
static __always_inline void *blob_room(struct exec_scratch *e, __u64 size)
{
	__u64 cursor = e->cursor;

	if (cursor > EXEC_BLOB_BYTES - size)
		return 0;
	return e->bytes + cursor;
}

static __always_inline void filename_read(struct exec_scratch *e, struct linux_binprm *bprm)
{
	void *to = blob_room(e, PATH_BYTES_MAX);
	long size = to ? bpf_probe_read_kernel_str(to, PATH_BYTES_MAX, BPF_CORE_READ(bprm, filename)) : -1;

	if (size <= 0) {
		e->event.flags |= EXEC_FLAG_ERROR_FILENAME;
		return;
	}
	e->event.filename_size = size - 1;
	e->cursor += size - 1;
	if (size - 1 >= 254) /* Tetragon sends these apart, and says so */
		e->event.flags |= EXEC_FLAG_DATA_FILENAME;
}

__noinline int cwd_read(__u32 slot)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	struct exec_scratch *e = exec_of(slot);
	struct path_walk *w = path_of(slot);
	struct fs_struct *fs = BPF_CORE_READ(task, fs);
	__u32 size;
	void *to;

	if (!e || !w)
		return -1;
	if (!fs || path_read(slot, (__u64)BPF_CORE_READ(fs, pwd.dentry), (__u64)BPF_CORE_READ(fs, pwd.mnt))) {
		e->event.flags |= fs ? EXEC_FLAG_ERROR_CWD : EXEC_FLAG_NO_CWD;
		return 0;
	}
	if (w->flags & PATH_FLAG_ROOT) {
		e->event.flags |= EXEC_FLAG_ROOT_CWD;
		return 0;
	}
	if (w->flags & PATH_FLAG_UNRESOLVED)
		e->event.flags |= EXEC_FLAG_ERROR_PATH_RESOLUTION_CWD;
	to = blob_room(e, PATH_BYTES_MAX);
	size = to ? path_copy(w, to) : 0;
	e->event.cwd_size = size;
	e->cursor += size;
	if (!size)
		e->event.flags |= EXEC_FLAG_ERROR_CWD;
	return 0;
}

static __always_inline struct kernfs_node *kernfs_parent(struct kernfs_node *node)
{
	struct kernfs_node___since_6_15 *since = (void *)node;
	struct kernfs_node___before_6_15 *before = (void *)node;

	if (bpf_core_field_exists(since->__parent))
		return BPF_CORE_READ(since, __parent);
	return (struct kernfs_node *)BPF_CORE_READ(before, parent);
}

/* One component more of the cgroup's path: walk.dentry is the kernfs node. */
__noinline int cgroup_name_step(__u32 slot)
{
	struct path_walk *w = path_of(slot);
	struct kernfs_node *node, *parent;
	__u32 length;
	long size;

	if (!w)
		return PATH_STEP_CUT;
	node = (struct kernfs_node *)w->dentry;
	parent = kernfs_parent(node);
	if (!parent)
		return PATH_STEP_DONE;
	/* Read for its length; it is put in its place from the copy, behind the path. */
	size = bpf_probe_read_kernel_str(w->bytes + PATH_BYTES_MAX, NAME_BYTES_MAX + 1, BPF_CORE_READ(node, name));
	if (size <= 0 || size > NAME_BYTES_MAX + 1)
		return PATH_STEP_CUT;
	length = size - 1;
	if (w->at < PATH_BYTES_MAX - CGROUP_NAME_BYTES_MAX + length + 1)
		return PATH_STEP_CUT;
	w->dentry = (__u64)parent;
	return path_prepend(w, w->bytes + PATH_BYTES_MAX, length, 1);
}

#define CGROUP_DEPTH_MAX 64

/* The path of a kernfs node, `node` its address; of one that is too long the last components. */
__noinline int cgroup_name_read(__u32 slot, __u64 node)
{
	struct exec_scratch *e = exec_of(slot);
	struct path_walk *w = path_of(slot);
	__u32 i, at, size;
	int done = PATH_STEP_ON;
	void *to;

	if (!e || !w)
		return -1;
	w->at = PATH_BYTES_MAX;
	w->flags = 0;
	w->dentry = node;
	for (i = 0; i < CGROUP_DEPTH_MAX; i++) {
		done = cgroup_name_step(slot);
		if (done)
			break;
	}
	if (w->flags & PATH_FLAG_FAULT)
		return -1;
	if (w->at == PATH_BYTES_MAX) {
		w->at = PATH_BYTES_MAX - 1;
		w->bytes[PATH_BYTES_MAX - 1] = '/';
	} else if (done != PATH_STEP_DONE) {
		w->at += 1; /* without the leading slash: it is not the whole */
	}
	to = blob_room(e, CGROUP_NAME_BYTES_MAX);
	at = w->at;
	if (!to || at >= PATH_BYTES_MAX)
		return -1;
	size = PATH_BYTES_MAX - at;
	if (size > CGROUP_NAME_BYTES_MAX || bpf_probe_read_kernel(to, size, w->bytes + at))
		return -1;
	e->event.cgroup_name_size = size;
	e->cursor += size;
	return 0;
}

static __always_inline struct chunk_scratch *chunk_of(__u32 slot)
{
	return bpf_map_lookup_elem(&chunk_scratches, &slot);
}

__noinline int chunk_step(__u32 slot)
{
	struct chunk_scratch *c = chunk_of(slot);
	__u64 left;

	if (!c)
		return CHUNK_STEP_FAULT;
	if (c->start >= c->end)
		return CHUNK_STEP_DONE;
	left = c->end - c->start;
	if (left > CHUNK_BYTES)
		left = CHUNK_BYTES;
	if (bpf_probe_read_user(c->bytes, left, (void *)c->start))
		return CHUNK_STEP_FAULT;
	c->event.header.ktime_ns = bpf_ktime_get_ns();
	c->event.index = c->chunks;
	c->event.bytes = left;
	if (event_output(RING_TELEMETRY, &c->event, sizeof(c->event) + left))
		return CHUNK_STEP_LOST;
	c->start += left;
	c->sent += left;
	c->chunks++;
	return CHUNK_STEP_ON;
}

__noinline int chunk_steps(__u32 slot)
{
	__u32 i;
	int done;

	for (i = 0; i < CHUNK_STEPS; i++) {
		done = chunk_step(slot);
		if (done)
			return done;
	}
	return CHUNK_STEP_ON;
}

/* Sends user memory in chunks until one is lost; what was sent is in chunks and sent of the scratch. */
__noinline int chunks_send(__u32 slot, __u64 start, __u64 end, __u32 kind)
{
	struct exec_scratch *e = exec_of(slot);
	struct chunk_scratch *c = chunk_of(slot);
	__u32 i;
	int done;

	if (!e || !c)
		return CHUNK_STEP_FAULT;
	event_header_fill(&c->event.header, EVENT_TYPE_CHUNK, sizeof(c->event), 0);
	c->event.id = e->event.exec_id;
	c->event.kind = kind;
	c->event.pad = 0;
	c->start = start;
	c->end = end;
	c->sent = 0;
	c->chunks = 0;
	for (i = 0; i < CHUNK_ROUNDS; i++) {
		done = chunk_steps(slot);
		if (done)
			return done;
	}
	return CHUNK_STEP_LOST;
}

__noinline int skip_step(__u32 slot)
{
	struct chunk_scratch *c = chunk_of(slot);
	long size;

	if (!c)
		return CHUNK_STEP_FAULT;
	if (c->start >= c->end)
		return CHUNK_STEP_DONE;
	size = bpf_probe_read_user_str(c->bytes, CHUNK_BYTES, (void *)c->start);
	if (size <= 0)
		return CHUNK_STEP_FAULT;
	if (size < CHUNK_BYTES) {
		c->start += size;
		return CHUNK_STEP_DONE;
	}
	c->start += CHUNK_BYTES - 1; /* the last byte was made NUL */
	return CHUNK_STEP_ON;
}

__noinline int skip_steps(__u32 slot)
{
	__u32 i;
	int done;

	for (i = 0; i < CHUNK_STEPS; i++) {
		done = skip_step(slot);
		if (done)
			return done;
	}
	return CHUNK_STEP_ON;
}

/* Moves start of the scratch behind the first string of [start, end), argv[0], of any length; not 0: unreadable. */
__noinline int string_skip(__u32 slot, __u64 start, __u64 end)
{
	struct chunk_scratch *c = chunk_of(slot);
	__u32 i;
	int done;

	if (!c)
		return -1;
	c->start = start;
	c->end = end;
	for (i = 0; i < CHUNK_ROUNDS; i++) {
		done = skip_steps(slot);
		if (done)
			return done != CHUNK_STEP_DONE;
	}
	return -1;
}

/* Arguments or environment: [start, end) of user memory, inline where it fits, else in chunks sent before the event. */
__noinline int strings_read(__u32 slot, __u64 start, __u64 end, __u32 kind, __u32 max)
{
	struct exec_scratch *e = exec_of(slot);
	struct chunk_scratch *c = chunk_of(slot);
	__u64 total, size;
	__u32 chunks = 0, cut = 0, error = 0;
	int done;
	void *to;

	if (!e || !c)
		return -1;
	total = end > start ? end - start : 0;
	size = total;
	if (size > max) {
		size = max;
		cut = 1;
	}
	if (size <= EXEC_INLINE_BYTES) {
		to = blob_room(e, EXEC_INLINE_BYTES);
		if (size && (!to || bpf_probe_read_user(to, size, (void *)start))) {
			error = 1;
			size = 0;
		}
		e->cursor += size;
	} else {
		done = chunks_send(slot, start, start + size, kind);
		cut |= done == CHUNK_STEP_LOST;
		error = done == CHUNK_STEP_FAULT;
		size = c->sent;
		chunks = c->chunks;
	}
	if (total > ~0U)
		total = ~0U;
	if (kind == CHUNK_KIND_ARGS) {
		e->event.args_size = size;
		e->event.args_total = total;
		e->event.args_chunks = chunks;
		e->event.flags |= (cut ? EXEC_FLAG_TRUNC_ARGS : 0) | (error ? EXEC_FLAG_ERROR_ARGS : 0);
	} else {
		e->event.envs_size = size;
		e->event.envs_total = total;
		e->event.envs_chunks = chunks;
		e->event.flags |= (cut ? EXEC_FLAG_TRUNC_ENVS : 0) | (error ? EXEC_FLAG_ERROR_ENVS : 0);
	}
	return 0;
}

#endif
