/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* What NotifyEnforcer leaves for the enforcers of its policy. */
#ifndef THUMP_ENFORCER_H
#define THUMP_ENFORCER_H

#include "hook.h"

struct enforcer_key {
	__u64 thread; /* pid_tgid */
	__u32 policy_slot;
	__u32 pad;
};

struct enforcer_value {
	__s32 error;
	__u32 signal;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 32768);
	__type(key, struct enforcer_key);
	__type(value, struct enforcer_value);
} enforcer_data SEC(".maps");

static __always_inline struct enforcer_key enforcer_key_of_thread(void)
{
	struct enforcer_key key = {};

	key.thread = bpf_get_current_pid_tgid();
	key.policy_slot = hook.policy_slot;
	return key;
}

#endif
