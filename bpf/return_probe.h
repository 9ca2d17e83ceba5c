/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Return half of a hook as a probe: kretprobe, uretprobe. */
#ifndef THUMP_RETURN_PROBE_H
#define THUMP_RETURN_PROBE_H

#include "hook_run.h"

static __always_inline int return_probe(struct pt_regs *ctx)
{
	__u32 slot;
	struct hook_scratch *s;
	int verdict;

	VERSION_JUMP_AT_RETURN(ctx);
	slot = hook_begin_return(ctx);
	s = scratch_of(slot);
	if (!s)
		return 0;
	register_parameters(slot);
	s->function = hook.flags & HOOK_FLAG_COOKIE ? bpf_get_attach_cookie(ctx) : 0;
	if (hook.flags & HOOK_FLAG_RETURN_ONLY)
		verdict = hook_entry(slot);
	else
		verdict = hook_return(slot);
	hook_end(ctx, slot, verdict);
	scratch_release(slot);
	return 0;
}

#endif
