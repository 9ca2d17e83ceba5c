// SPDX-License-Identifier: Apache-2.0
/* inject ptrace|vm|mem PUPPET FILE: starts PUPPET, writes FILE into its memory in one of three ways and so makes it append to
 * that file. Ends with the puppet's status, or with the error. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

static int by_ptrace(pid_t pid, char *at, const char *text, size_t size)
{
	size_t i;
	long word;

	if (ptrace(PTRACE_SEIZE, pid, 0, 0) || ptrace(PTRACE_INTERRUPT, pid, 0, 0) || waitpid(pid, 0, __WALL) != pid)
		return errno;
	for (i = 0; i < size; i += sizeof(word)) {
		word = 0;
		memcpy(&word, text + i, size - i < sizeof(word) ? size - i : sizeof(word));
		if (ptrace(PTRACE_POKEDATA, pid, at + i, word))
			return errno;
	}
	return ptrace(PTRACE_DETACH, pid, 0, 0) ? errno : 0;
}

static int by_vm(pid_t pid, char *at, const char *text, size_t size)
{
	struct iovec here = { .iov_base = (void *)text, .iov_len = size }, there = { .iov_base = at, .iov_len = size };

	return process_vm_writev(pid, &here, 1, &there, 1, 0) == (ssize_t)size ? 0 : errno;
}

static int by_mem(pid_t pid, char *at, const char *text, size_t size)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	return pwrite(open(path, O_WRONLY), text, size, (off_t)at) == (ssize_t)size ? 0 : errno;
}

int main(int argc, char **argv)
{
	char line[64] = "";
	int ends[2], status, error;
	void *at = 0;
	pid_t pid;

	if (argc != 4 || pipe(ends))
		return 2;
	pid = fork();
	if (pid == 0) {
		dup2(ends[1], 1);
		execl(argv[2], argv[2], NULL);
		_exit(127);
	}
	if (read(ends[0], line, sizeof(line) - 1) < 1 || sscanf(line, "%p", &at) != 1)
		return EIO;
	error = (argv[1][0] == 'p' ? by_ptrace : argv[1][0] == 'v' ? by_vm : by_mem)(pid, at, argv[3], strlen(argv[3]) + 1);
	if (error)
		kill(pid, 9);
	waitpid(pid, &status, 0);
	return error ? error : WIFEXITED(status) ? WEXITSTATUS(status) : EIO;
}
