// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* One tiny program per way to attach: loaded and attached one at a time to learn what a kernel allows. */
#include "kernel.h"

/* Set by the LSM program: attaching succeeds even where the BPF LSM is not enabled, and then nothing calls it. */
int seen;

SEC("raw_tp/sched_process_exec")
int probe_raw_tp(void *ctx)
{
	return 0;
}

SEC("raw_tp/sched_prepare_exec")
int probe_prepare_exec(void *ctx)
{
	return 0;
}

SEC("tp_btf/sched_process_exec")
int probe_tp_btf(void *ctx)
{
	return 0;
}

SEC("tp/sched/sched_process_exec")
int probe_tracepoint(void *ctx)
{
	return 0;
}

SEC("fentry/security_bprm_committing_creds")
int probe_fentry(void *ctx)
{
	return 0;
}

SEC("fexit/security_bprm_committing_creds")
int probe_fexit(void *ctx)
{
	return 0;
}

/* Returning 0 lets the function run as it would have. */
SEC("fmod_ret/security_bprm_creds_for_exec")
int probe_fmod_ret(void *ctx)
{
	return 0;
}

/* The target is set for the architecture before loading; never attached. */
SEC("fmod_ret/__x64_sys_getpgid")
int probe_syscall_fmod_ret(void *ctx)
{
	return 0;
}

SEC("lsm/file_open")
int probe_lsm(void *ctx)
{
	seen = 1;
	return 0;
}

SEC("kprobe/security_bprm_committing_creds")
int probe_kprobe(void *ctx)
{
	return 0;
}

SEC("kprobe.multi/security_bprm_committing_creds")
int probe_kprobe_multi(void *ctx)
{
	return 0;
}

/* bpf_override_return is refused at load where CONFIG_BPF_KPROBE_OVERRIDE is unset. */
SEC("kprobe/__x64_sys_getpgid")
int probe_kprobe_override(struct pt_regs *ctx)
{
	bpf_override_return(ctx, 0);
	return 0;
}

SEC("uprobe")
int probe_uprobe(void *ctx)
{
	return 0;
}

/* Writing registers is allowed from 6.18 on (commit 7384893d970e). */
SEC("uprobe")
int probe_uprobe_write(struct pt_regs *ctx)
{
	__u64 zero = 0;

	asm volatile("*(u64 *)(%0 + 0) = %1" : : "r"(ctx), "r"(zero) : "memory");
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
