/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Actions that change a user program: registers at a function, memory at a static probe. */
#ifndef THUMP_ACTION_USER_H
#define THUMP_ACTION_USER_H

#include "argument_fetch.h"
#include "hook.h"

/* One register of the copy in the scratch gets its new value. */
__noinline int register_write(__u32 slot, __u32 index)
{
	struct hook_scratch *s = scratch_of(slot);
	const volatile struct register_write *write = &hook.registers[index & (REGISTER_WRITES_MAX - 1)];
	__u32 source, target, source_size = write->source_size, target_size = write->target_size;
	__u64 value = 0;

	if (!s)
		return -1;
	source = write->source & 0xff;
	target = write->target & 0xff;
	if (write->kind != REGISTER_SOURCE_CONSTANT &&
	    copy_bounded(&value, source_size, sizeof(value), (__u8 *)s->registers + source, 0))
		return -1;
	value += write->value;
	if (write->kind == REGISTER_SOURCE_MEMORY && bpf_probe_read_user(&value, sizeof(value), (void *)value))
		return -1;
	if (target > sizeof(s->registers) - sizeof(value))
		return -1;
	return copy_bounded((__u8 *)s->registers + target, target_size, sizeof(value), &value, 0);
}

/* Override in a program: the action's writes, one after the other; each sees what those before it wrote. */
__noinline int action_registers(__u32 slot, __u32 index)
{
	struct hook_scratch *s = scratch_of(slot);
	const volatile struct hook_action *action = &hook.actions[index & (HOOK_ACTIONS_MAX - 1)];
	struct hook_counters *counters = hook_counter(0);
	__u32 i;
	int failed;

	if (!s)
		return 0;
	if (!(s->state & POLICY_STATE_ENFORCE)) {
		s->event.flags |= HOOK_EVENT_MONITORED;
		return 0;
	}
	failed = bpf_probe_read_kernel(s->registers, PT_REGS_WORDS * 8, (void *)s->context);
	for (i = 0; i < REGISTER_WRITES_MAX; i++) {
		if (failed || i >= action->argument_name)
			break;
		failed = register_write(slot, action->argument + i);
	}
	if (failed) {
		s->event.flags |= HOOK_EVENT_ACTION_FAILED;
		return 0;
	}
	s->verdict |= HOOK_VERDICT_OVERRIDE;
	s->event.flags |= HOOK_EVENT_PREVENTED;
	if (counters)
		counters->overrides++;
	return 0;
}

/* Set: remembers what is to be written where. The program itself writes (memory_write), because the kernel logs every
 * program that has the helper for it, be it in code that never runs. */
__noinline int action_set(__u32 slot, __u32 index)
{
	struct hook_scratch *s = scratch_of(slot);
	const volatile struct hook_action *action = &hook.actions[index & (HOOK_ACTIONS_MAX - 1)];
	const volatile struct hook_argument *argument;
	__u64 base = 0;
	__u32 at;

	if (!s)
		return 0;
	if (!(s->state & POLICY_STATE_ENFORCE)) {
		s->event.flags |= HOOK_EVENT_MONITORED;
		return 0;
	}
	argument = &hook.arguments[action->argument & (HOOK_ARGUMENTS_MAX - 1)];
	if (memory_address(s, argument, &base)) {
		s->event.flags |= HOOK_EVENT_ACTION_FAILED;
		return 0;
	}
	at = s->verdict & HOOK_VERDICT_WRITE ? s->memory_count : 0;
	OPAQUE(at);
	if (at >= MEMORY_WRITES_MAX) {
		s->event.flags |= HOOK_EVENT_ACTION_FAILED;
		return 0;
	}
	s->memory[at].address = base;
	s->memory[at].value = action->value;
	s->memory_count = at + 1;
	s->verdict |= HOOK_VERDICT_WRITE;
	return 0;
}

/* What action_set asked for: four bytes each. */
static __always_inline void memory_write(struct hook_scratch *s)
{
	__u32 i, value;

	for (i = 0; i < MEMORY_WRITES_MAX; i++) {
		if (i >= s->memory_count)
			break;
		value = s->memory[i].value;
		if (bpf_probe_write_user((void *)s->memory[i].address, &value, sizeof(value)))
			s->event.flags |= HOOK_EVENT_ACTION_FAILED;
	}
}

#endif
