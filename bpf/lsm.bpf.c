/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Hooks on LSM decisions: what the program returns is the decision. */
#include "kernel.h"
#include "map.h"
#include "return_probe.h"
#include "alone.h"

/* The verifier wants to see the range of an LSM result (6.12, 5d99e198be27). */
#define LSM_RESULT(error) ((error) < -4095 || (error) > 0 ? -1 : (error))

static __always_inline int lsm_entry(void *ctx)
{
	__u32 slot = hook_begin(ctx);
	struct hook_scratch *s = scratch_of(slot);
	int error;

	if (!s)
		return 0;
	CTX_PARAMETERS(s, ctx);
	error = hook_end(ctx, slot, hook_entry(slot));
	scratch_release(slot);
	return error;
}

SEC("lsm")
int hook_lsm(void *ctx)
{
	int error;

	/* What waits for the hash of a file has a program of each version behind it. */
	if (!(hook.flags & HOOK_FLAG_HASHES))
		VERSION_JUMP(ctx);
	else
		hook_forget();
	alone_begin();
	error = lsm_entry(ctx);
	alone_end();
	return LSM_RESULT(error);
}

/* Behind the security_ function that asked the hook: what it returned. */
SEC("kretprobe.multi")
int hook_lsm_return(struct pt_regs *ctx)
{
	return return_probe(ctx);
}

/* Second half of a hook with imaHash: reading a file may sleep, which what filters need (tries, maps of programs) does not
 * allow. The first half, which runs before it, kept the record; this one adds the hash, sends it, and refuses if that was
 * decided. */
static __always_inline int lsm_hash_end(struct file *file)
{
	struct ima_hash_value hash = {};
	struct hook_counters *counters;
	struct hook_scratch *s;
	struct ima_hash_value *to;
	__u32 slot, verdict;
	int error;

	verdict = hook_kept(&error);
	if (!verdict)
		return 0;
	hash.algorithm = -1;
	if (file)
		hash.algorithm = bpf_ima_file_hash(file, hash.bytes, sizeof(hash.bytes));
	slot = scratch_claim();
	s = scratch_of(slot);
	if (!s) {
		counters = hook_counter(0);
		if (counters)
			counters->lost++;
		hook_forget();
	} else {
		if (hook_take(slot)) {
			to = value_begin(s, HOOK_ARGUMENTS_MAX - 1, ARGUMENT_TYPE_IMA_HASH, sizeof(*to));
			if (to) {
				bpf_probe_read_kernel(to, sizeof(*to), &hash);
				value_end(s, HOOK_ARGUMENTS_MAX - 1, sizeof(*to), 0, 0);
			}
			hook_post(slot);
		}
		scratch_release(slot);
	}
	return verdict & HOOK_VERDICT_OVERRIDE ? LSM_RESULT(error) : 0;
}

SEC("lsm.s")
int hook_lsm_hash_file(void *ctx)
{
	return lsm_hash_end((struct file *)CTX_WORD(ctx, 0));
}

SEC("lsm.s")
int hook_lsm_hash_bprm(void *ctx)
{
	struct linux_binprm *bprm = (struct linux_binprm *)CTX_WORD(ctx, 0);

	return lsm_hash_end(bprm->file);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
