/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Third step of a hook: what the selector that matched asks for. */
#ifndef THUMP_ACTION_H
#define THUMP_ACTION_H

#include "action_user.h"
#include "enforcer.h"
#include "guard.h"
#include "rate_limit.h"

struct sock_owner {
	__u64 exec_id;
	__u32 pid;
	__u32 tid;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 32768);
	__type(key, __u64); /* struct sock * */
	__type(value, struct sock_owner);
} sock_owners SEC(".maps");

struct fd_key {
	__u32 pid;
	__u32 fd;
	__u32 policy_slot;
	__u32 pad;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 32768);
	__type(key, struct fd_key);
	__type(value, __u8);
} followed_fds SEC(".maps");

/* Stack traces by id. */
struct {
	__uint(type, BPF_MAP_TYPE_STACK_TRACE);
	__uint(max_entries, 8192);
	__uint(key_size, 4);
	__uint(value_size, 127 * 8);
} stacks SEC(".maps");

/* Sends `signal` to the current thread group; the flags of the event say what became of it. */
__noinline int action_signal(__u32 slot, __u32 signal)
{
	struct hook_scratch *s = scratch_of(slot);
	struct hook_counters *counters = hook_counter(0);
	__u32 spared;

	if (!s)
		return 0;
	if (!(s->state & POLICY_STATE_ENFORCE)) {
		s->event.flags |= HOOK_EVENT_MONITORED;
		return 0;
	}
	if (signal == SIGNAL_KILL) {
		spared = kill_spared(s->event.pid, s->verdict & HOOK_VERDICT_OVERRIDE, s->state);
		if (spared) {
			s->event.flags |= spared;
			if (counters)
				counters->spared++;
			return 0;
		}
		s->event.flags |= HOOK_EVENT_KILLED;
		if (counters)
			counters->kills++;
	}
	if (bpf_send_signal(signal))
		s->event.flags |= HOOK_EVENT_ACTION_FAILED;
	return 0;
}

__noinline int action_override(__u32 slot, __s32 error)
{
	struct hook_scratch *s = scratch_of(slot);
	struct hook_counters *counters = hook_counter(0);

	if (!s)
		return 0;
	if (!(s->state & POLICY_STATE_ENFORCE)) {
		s->event.flags |= HOOK_EVENT_MONITORED;
		return 0;
	}
	if (!(s->verdict & HOOK_VERDICT_OVERRIDE))
		s->error = error;
	s->verdict |= HOOK_VERDICT_OVERRIDE;
	s->event.flags |= HOOK_EVENT_PREVENTED;
	if (counters)
		counters->overrides++;
	return 0;
}

__noinline int action_notify_enforcer(__u32 slot, __u32 index)
{
	struct hook_scratch *s = scratch_of(slot);
	struct enforcer_value value = {};
	struct enforcer_key key;

	if (!s)
		return 0;
	if (!(s->state & POLICY_STATE_ENFORCE)) {
		s->event.flags |= HOOK_EVENT_MONITORED;
		return 0;
	}
	value.error = hook.actions[index & (HOOK_ACTIONS_MAX - 1)].error;
	value.signal = hook.actions[index & (HOOK_ACTIONS_MAX - 1)].signal;
	key = enforcer_key_of_thread();
	bpf_map_update_elem(&enforcer_data, &key, &value, BPF_ANY);
	return 0;
}

/* TrackSock, UntrackSock: `index` is that of the argument. */
__noinline int action_track_sock(__u32 slot, __u32 index, __u32 track)
{
	struct hook_scratch *s = scratch_of(slot);
	struct sock_owner owner = {};
	__u64 key;
	__u32 at;
	int result;

	if (!s)
		return 0;
	at = s->at[index & (HOOK_ARGUMENTS_MAX - 1)] - sizeof(struct sock_value);
	if (at > HOOK_DATA_BYTES)
		return 0;
	key = ((struct sock_value *)(s->data + at))->cookie;
	if (!track) {
		result = bpf_map_delete_elem(&sock_owners, &key);
		return result == 0;
	}
	owner.exec_id = s->event.exec_id;
	owner.pid = s->event.pid;
	owner.tid = s->event.tid;
	result = bpf_map_update_elem(&sock_owners, &key, &owner, BPF_ANY);
	return result == 0;
}

/* Gives the event to the process that owns a tracked socket: hooks below the socket layer run in whatever context. */
__noinline int sock_attribute(__u32 slot, __u32 index)
{
	struct hook_scratch *s = scratch_of(slot);
	struct sock_owner *owner;
	__u64 key;
	__u32 at;

	if (!s)
		return 0;
	at = s->at[index & (HOOK_ARGUMENTS_MAX - 1)] - sizeof(struct sock_value);
	if (at > HOOK_DATA_BYTES)
		return 0;
	key = ((struct sock_value *)(s->data + at))->cookie;
	owner = bpf_map_lookup_elem(&sock_owners, &key);
	if (!owner)
		return 0;
	s->event.exec_id = owner->exec_id;
	s->event.pid = owner->pid;
	s->event.tid = owner->tid;
	s->event.flags |= HOOK_EVENT_SOCK_OWNER;
	return 0;
}

/* The descriptor that argument `index` is. */
static __always_inline __u32 descriptor_of(struct hook_scratch *s, __u32 index)
{
	__u32 at;

	index &= HOOK_ARGUMENTS_MAX - 1;
	if (hook.arguments[index].type != ARGUMENT_TYPE_FD)
		return s->number[index];
	at = s->at[index] - sizeof(struct path_value);
	if (at > HOOK_DATA_BYTES)
		return -1;
	return ((struct path_value *)(s->data + at))->fd;
}

/* Is the descriptor followed by this policy? */
__noinline int fd_followed(__u32 slot, __u32 index)
{
	struct hook_scratch *s = scratch_of(slot);
	struct fd_key key = {};

	if (!s)
		return 0;
	key.pid = s->event.pid;
	key.policy_slot = hook.policy_slot;
	key.fd = descriptor_of(s, index);
	return bpf_map_lookup_elem(&followed_fds, &key) != 0;
}

/* FollowFD, UnfollowFD, CopyFD. */
__noinline int action_follow_fd(__u32 slot, __u32 index)
{
	struct hook_scratch *s = scratch_of(slot);
	const volatile struct hook_action *a;
	struct fd_key key = {}, from = {};
	__u8 one = 1;

	if (!s)
		return 0;
	a = &hook.actions[index & (HOOK_ACTIONS_MAX - 1)];
	key.pid = s->event.pid;
	key.policy_slot = hook.policy_slot;
	key.fd = descriptor_of(s, a->argument);
	if (a->kind == ACTION_KIND_UNFOLLOWFD) {
		bpf_map_delete_elem(&followed_fds, &key);
		return 0;
	}
	if (a->kind == ACTION_KIND_COPYFD) {
		from = key;
		key.fd = descriptor_of(s, a->argument_name);
		if (!bpf_map_lookup_elem(&followed_fds, &from))
			return 0;
	}
	bpf_map_update_elem(&followed_fds, &key, &one, BPF_ANY);
	return 0;
}

/* Runs the actions of `selector` for one half, in order. Returns 1 when the event is to be posted. */
static __always_inline int actions_run(__u32 slot, struct hook_scratch *s, __u32 selector, __u32 half)
{
	__u32 i, post = 1, last = ACTION_KIND_POST, before;

	for (i = 0; i < HOOK_ACTIONS_MAX; i++) {
		if (i >= hook.action_count)
			break;
		if ((hook.actions[i].flags & ACTION_FLAG_AT_RETURN) != half)
			continue;
		if (hook.actions[i].selector != selector)
			continue;
		before = last;
		last = hook.actions[i].kind;
		if (i < 32)
			s->event.actions |= 1U << i;
		switch (hook.actions[i].kind) {
		case ACTION_KIND_POST:
			if (hook.actions[i].rate_interval_ns && !rate_allow(slot, i)) {
				post = 0;
				struct hook_counters *counters = hook_counter(0);
				if (counters)
					counters->suppressed++;
			}
			if (hook.actions[i].flags & ACTION_FLAG_KERNEL_STACK)
				s->verdict |= HOOK_VERDICT_KERNEL_STACK;
			if (hook.actions[i].flags & ACTION_FLAG_USER_STACK)
				s->verdict |= HOOK_VERDICT_USER_STACK;
			if (hook.actions[i].flags & ACTION_FLAG_IMA_HASH)
				s->verdict |= HOOK_VERDICT_HASH;
			break;
		case ACTION_KIND_NOPOST:
			post = 0;
			break;
		case ACTION_KIND_SIGKILL:
			if (hook.actions[i].flags & ACTION_FLAG_REFUSE)
				action_override(slot, hook.actions[i].error);
			action_signal(slot, SIGNAL_KILL);
			break;
		case ACTION_KIND_SIGNAL:
			action_signal(slot, hook.actions[i].signal);
			break;
		case ACTION_KIND_OVERRIDE:
			if (hook.flags & HOOK_FLAG_WRITES_REGISTERS)
				action_registers(slot, i);
			else
				action_override(slot, hook.actions[i].error);
			break;
		case ACTION_KIND_SET:
			action_set(slot, i);
			break;
		case ACTION_KIND_NOTIFYENFORCER:
			action_notify_enforcer(slot, i);
			break;
		case ACTION_KIND_CLEANUPENFORCERNOTIFICATION: {
			struct enforcer_key key = enforcer_key_of_thread();

			bpf_map_delete_elem(&enforcer_data, &key);
			break;
		}
		case ACTION_KIND_TRACKSOCK:
			action_track_sock(slot, hook.actions[i].argument, 1);
			break;
		case ACTION_KIND_UNTRACKSOCK:
			/* As Tetragon tells it: only of a socket that was tracked. */
			if (!action_track_sock(slot, hook.actions[i].argument, 0))
				last = before;
			break;
		case ACTION_KIND_FOLLOWFD:
		case ACTION_KIND_UNFOLLOWFD:
		case ACTION_KIND_COPYFD:
			action_follow_fd(slot, i);
			break;
		}
	}
	if (half)
		s->event.return_action = last;
	else
		s->event.action = last;
	return post;
}

#endif
