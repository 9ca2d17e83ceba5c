/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Hooks on LSM decisions: what the program returns is the decision. */
#include "kernel.h"
#include "map.h"
#include "hook_run.h"

SEC("lsm")
int hook_lsm(void *ctx)
{
	__u32 slot;
	struct hook_scratch *s;
	int error;

	VERSION_JUMP(ctx);
	slot = hook_begin(ctx);
	s = scratch_of(slot);
	if (!s)
		return 0;
	CTX_PARAMETERS(s, ctx);
	error = hook_end(ctx, slot, hook_entry(slot));
	scratch_release(slot);
	/* The verifier wants to see the range of an LSM result (6.12, 5d99e198be27). */
	if (error < -4095 || error > 0)
		return -1;
	return error;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
