// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Unit programs for path.h, binary.h and slot.h: inputs and outputs are in map unit, the subject is the calling task. */
#include "kernel.h"
#include "process.h"
#include "binary.h"

/* tests/kernel/path.test.ts knows the offsets. */
struct unit {
	__u32 wanted_fd;
	__u32 walk_flags;
	__u32 path_size;
	__u32 binary_id;
	__u32 lineage_parent;
	__u32 lineage_binary;
	__u32 lineage_id;
	__u32 lineage_flags;
	__u32 claimed[10];
	__u64 hash[2];
	__u8 path[PATH_BYTES_MAX];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct unit);
} unit SEC(".maps");

static __always_inline struct unit *unit_state(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&unit, &zero);
}

SEC("raw_tp/path_of_fd")
int path_of_fd(void *ctx)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	struct file **files = BPF_CORE_READ(task, files, fdt, fd);
	struct unit *u = unit_state();
	struct file *file = 0;
	struct path_walk *w;
	struct binary_scratch *b;
	__u32 slot = slot_claim();

	if (slot == SLOTS)
		return 1;
	w = path_of(slot);
	b = binary_of(slot);
	if (u && w && b) {
		bpf_probe_read_kernel(&file, sizeof(file), files + u->wanted_fd);
		path_read(slot, (__u64)BPF_CORE_READ(file, f_path.dentry), (__u64)BPF_CORE_READ(file, f_path.mnt));
		u->walk_flags = w->flags;
		u->path_size = path_copy(w, u->path);
		u->binary_id = 0;
		if (!binary_intern(slot)) {
			u->binary_id = b->binary.id;
			u->hash[0] = b->key.hash[0];
			u->hash[1] = b->key.hash[1];
		}
	}
	slot_release(slot);
	return 0;
}

SEC("raw_tp/lineage_of")
int lineage_of(void *ctx)
{
	__u32 slot = slot_claim();
	struct binary_scratch *b = binary_of(slot);
	struct unit *u = unit_state();

	if (slot == SLOTS)
		return 1;
	if (b && u) {
		b->binary.id = u->lineage_binary;
		b->key.hash[0] = u->lineage_binary;
		b->key.hash[1] = 0;
		u->lineage_flags = 0;
		u->lineage_id = lineage_intern(slot, u->lineage_parent, &u->lineage_flags);
	}
	slot_release(slot);
	return 0;
}

/* Takes every slot, asks for one more, gives the third back and asks again. */
SEC("raw_tp/slots_taken")
int slots_taken(void *ctx)
{
	struct unit *u = unit_state();

	if (!u)
		return 1;
	u->claimed[0] = slot_claim();
	u->claimed[1] = slot_claim();
	u->claimed[2] = slot_claim();
	u->claimed[3] = slot_claim();
	u->claimed[4] = slot_claim();
	u->claimed[5] = slot_claim();
	u->claimed[6] = slot_claim();
	u->claimed[7] = slot_claim();
	u->claimed[8] = slot_claim();
	slot_release(2);
	u->claimed[9] = slot_claim();
	slot_release(0);
	slot_release(1);
	slot_release(2);
	slot_release(3);
	slot_release(4);
	slot_release(5);
	slot_release(6);
	slot_release(7);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
