/* attack WAY PID [NUMBER]: tries something on another process or its BPF objects. Prints "done" or the errno's name; exit
 * status 0 unless it could not even be tried. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif
#ifndef SYS_pidfd_getfd
#define SYS_pidfd_getfd 438
#endif
#ifndef SYS_pidfd_send_signal
#define SYS_pidfd_send_signal 424
#endif

static long bpf_by_id(int command, __u32 id)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.map_id = id; /* at the same place as prog_id and link_id */
	return syscall(SYS_bpf, command, &attr, sizeof(attr));
}

static long link_detach(__u32 id)
{
	union bpf_attr attr;
	long fd = bpf_by_id(BPF_LINK_GET_FD_BY_ID, id);

	if (fd < 0)
		return fd;
	memset(&attr, 0, sizeof(attr));
	attr.link_detach.link_fd = fd;
	return syscall(SYS_bpf, BPF_LINK_DETACH, &attr, sizeof(attr));
}

/* A descriptor of whatever kind tells its owner by a signal when it has something to read: here at once. */
static long signal_by_descriptor(int pid)
{
	int ends[2];

	if (pipe(ends) || fcntl(ends[0], F_SETOWN, pid) || fcntl(ends[0], F_SETSIG, SIGTERM) ||
	    fcntl(ends[0], F_SETFL, O_ASYNC))
		return -1;
	return write(ends[1], "x", 1) == 1 ? 0 : -1;
}

/* Has the process close a descriptor. x86-64 only: `syscall` is two bytes long there and stands before where a process
 * that waits in a system call goes on. */
static long close_in(int pid, int fd)
{
#if defined(__x86_64__)
	struct user_regs_struct saved, regs;
	int status;

	if (ptrace(PTRACE_SEIZE, pid, 0, 0) || ptrace(PTRACE_INTERRUPT, pid, 0, 0))
		return -1;
	if (waitpid(pid, &status, __WALL) != pid || ptrace(PTRACE_GETREGS, pid, 0, &saved))
		exit(3);
	regs = saved;
	if ((long)saved.orig_rax < 0 || (ptrace(PTRACE_PEEKTEXT, pid, saved.rip - 2, 0) & 0xffff) != 0x050f)
		exit(4); /* it was not in a system call: try again */
	regs.rip = saved.rip - 2;
	regs.rax = SYS_close;
	regs.rdi = fd;
	regs.orig_rax = -1; /* nothing to restart */
	if (ptrace(PTRACE_SETREGS, pid, 0, &regs) || ptrace(PTRACE_SINGLESTEP, pid, 0, 0))
		exit(5);
	if (waitpid(pid, &status, __WALL) != pid || ptrace(PTRACE_GETREGS, pid, 0, &regs))
		exit(6);
	if (ptrace(PTRACE_SETREGS, pid, 0, &saved) || ptrace(PTRACE_DETACH, pid, 0, 0))
		exit(7);
	return regs.rax == 0 ? 0 : -1;
#else
	exit(9);
#endif
}

static long attack(const char *way, int pid, int number)
{
	struct rlimit limit = { 1, 1 };
	char byte = 0;
	struct iovec local = { &byte, 1 }, remote = { (void *)0x10000, 1 };

	if (!strcmp(way, "kill"))
		return kill(pid, number);
	if (!strcmp(way, "tgkill"))
		return syscall(SYS_tgkill, pid, number, SIGTERM);
	if (!strcmp(way, "pidfd"))
		return syscall(SYS_pidfd_send_signal, syscall(SYS_pidfd_open, pid, 0), SIGTERM, 0, 0);
	if (!strcmp(way, "sigio"))
		return signal_by_descriptor(pid);
	if (!strcmp(way, "limit"))
		return prlimit(pid, RLIMIT_CPU, &limit, 0);
	if (!strcmp(way, "close"))
		return close_in(pid, number);
	if (!strcmp(way, "getfd"))
		return syscall(SYS_pidfd_getfd, syscall(SYS_pidfd_open, pid, 0), number, 0);
	if (!strcmp(way, "write"))
		return process_vm_writev(pid, &local, 1, &remote, 1, 0);
	if (!strcmp(way, "map"))
		return bpf_by_id(BPF_MAP_GET_FD_BY_ID, number);
	if (!strcmp(way, "program"))
		return bpf_by_id(BPF_PROG_GET_FD_BY_ID, number);
	if (!strcmp(way, "link"))
		return link_detach(number);
	if (!strcmp(way, "umount"))
		return umount2("/sys/fs/bpf", 0);
	exit(2);
}

int main(int argc, char **argv)
{
	if (argc < 3)
		return 2;
	if (attack(argv[1], atoi(argv[2]), argc > 3 ? atoi(argv[3]) : 0) < 0)
		puts(strerrorname_np(errno));
	else
		puts("done");
	return 0;
}
