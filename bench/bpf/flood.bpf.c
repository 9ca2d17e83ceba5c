// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* A small event for each system call of one kind by one process: the source of the bench of sustained rates. */
#include "kernel.h"
#include "map.h"

const volatile __u32 flood_pid = 0;
const volatile __u64 flood_syscall = 0;

struct flood_event {
	struct event_header header;
	__u64 exec_id;
	__u32 pid;
	__u32 tid;
	__u64 argument;
	__u64 padding;
};

SEC("raw_tp/sys_enter")
int flood(struct bpf_raw_tracepoint_args *ctx)
{
	__u64 both = bpf_get_current_pid_tgid();
	struct flood_event event = {};
	struct process *process;
	__u32 pid = both >> 32;

	if (pid != flood_pid || ctx->args[1] != flood_syscall)
		return 0;
	process = bpf_map_lookup_elem(&processes, &pid);
	event_header_fill(&event.header, EVENT_TYPE_TEST, sizeof(event), bpf_ktime_get_ns());
	event.exec_id = process ? process->exec_id : 0;
	event.pid = pid;
	event.tid = both;
	event.argument = event.header.ktime_ns;
	event_output(RING_TELEMETRY, &event, sizeof(event));
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
