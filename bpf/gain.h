/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* What a program gained by setuid, setgid or file capabilities: seen where both the caller's credentials and the new
 * ones are at hand, and kept until sched_process_exec of the same task, where the old ones are gone. */
#ifndef THUMP_GAIN_H
#define THUMP_GAIN_H

#include "map.h"
#include "process.h"

/* By task_struct, because another than the leading thread takes over the leader's number on the way. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, __u64);
	__type(value, __u32);
} gains SEC(".maps");

/* As Tetragon judges. `per_clear` is 0 unless bprm_creds_from_file() found a setuid, setgid or file capability program
 * that counts (fs/exec.c, security/commoncap.c). */
static __always_inline __u32 gained_by(struct linux_binprm *bprm, struct task_struct *task)
{
	const struct cred *before = BPF_CORE_READ(task, cred);
	const struct cred *after = BPF_CORE_READ(bprm, cred);
	__u64 had, has;
	__u32 gained = 0;

	if (!BPF_CORE_READ(bprm, per_clear))
		return 0;
	if (BPF_CORE_READ(after, euid.val) != BPF_CORE_READ(before, uid.val))
		gained |= GAINED_SETUID;
	if (BPF_CORE_READ(after, egid.val) != BPF_CORE_READ(before, gid.val))
		gained |= GAINED_SETGID;
	/* Ambient capabilities and capabilities of the file exclude each other. */
	if (capabilities_read(__builtin_preserve_access_index(&after->cap_ambient)))
		return gained;
	had = capabilities_read(__builtin_preserve_access_index(&before->cap_permitted));
	has = capabilities_read(__builtin_preserve_access_index(&after->cap_permitted));
	if ((has & ~had) && !(gained & GAINED_SETUID))
		gained |= GAINED_FILE_CAP;
	return gained;
}

static __always_inline int gain_keep(struct linux_binprm *bprm)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	__u64 key = (__u64)task;
	__u32 gained = gained_by(bprm, task);

	if (!gained) {
		bpf_map_delete_elem(&gains, &key); /* of an exec that failed after this point, or a task before it */
		return 0;
	}
	if (bpf_map_update_elem(&gains, &key, &gained, BPF_ANY))
		fault_count(FAULT_GAINS_FULL);
	return 0;
}

static __always_inline __u32 gain_take(struct task_struct *task)
{
	__u64 key = (__u64)task;
	__u32 *kept = bpf_map_lookup_elem(&gains, &key);
	__u32 gained;

	if (!kept)
		return 0;
	gained = *kept;
	bpf_map_delete_elem(&gains, &key);
	return gained;
}

#endif
