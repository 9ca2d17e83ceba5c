// SPDX-License-Identifier: Apache-2.0
/* lives CASE [ARGUMENT]: processes that begin and end in unusual ways. Statically linked, so that it is its own chroot. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static void run(const char *text)
{
	execl("/bin/true", "true", text, (char *)0);
	_exit(127);
}

static void wait_all(void)
{
	while (wait(0) > 0)
		;
}

/* A child of its grandparent: B makes it, A gets it. */
static void clone_parent(void)
{
	if (!fork()) {
		if (!syscall(SYS_clone, CLONE_PARENT | SIGCHLD, 0, 0, 0, 0))
			run("clone-parent");
		_exit(4);
	}
	wait_all();
}

static void *sleep_and_leave(void *arg)
{
	usleep(100000);
	exit(7);
	return arg;
}

static void *sleep_and_run(void *arg)
{
	usleep(100000);
	run("leader-left");
	return arg;
}

static void leader_leaves(void *(*other)(void *))
{
	pthread_t thread;

	pthread_create(&thread, 0, other, 0);
	pthread_exit(0);
}

static void change_root(const char *root)
{
	if (chroot(root) || chdir("/inside"))
		_exit(3);
	execl("/program", "program", "nothing", (char *)0);
	_exit(127);
}

/* DEPTH directories with names of 200 characters below the working directory. */
static void deep(int depth)
{
	char name[201];

	memset(name, 'd', 200);
	name[200] = 0;
	while (depth-- > 0)
		if (mkdir(name, 0700) || chdir(name))
			_exit(3);
	run("deep");
}

static void odd_arguments(void)
{
	char *argv[] = { "true", "", "", "two\nlines", "\xff\xfe", "a\xc3(b", "", "\ttab \"q\" \\", "", 0 };

	execv("/bin/true", argv);
}

static void no_arguments(const char *program)
{
	syscall(SYS_execve, program, 0, 0);
}

static void deleted(const char *copy)
{
	char *argv[] = { "gone", "nothing", 0 };
	int fd = open(copy, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || unlink(copy))
		_exit(3);
	syscall(SYS_execveat, fd, "", argv, environ, AT_EMPTY_PATH);
	_exit(127);
}

/* C is born of B, which leaves; who takes it in is asked to wait. */
static void orphan(void)
{
	pid_t parent = getpid();

	prctl(PR_SET_CHILD_SUBREAPER, 1);
	if (!fork()) {
		pid_t middle = getpid();

		if (!fork()) {
			while (getppid() == middle)
				usleep(1000);
			if (getppid() != parent)
				_exit(3);
			run("orphan");
		}
		_exit(6);
	}
	wait_all();
}

static void namespace_init(void)
{
	if (unshare(CLONE_NEWPID))
		_exit(3);
	if (!fork()) {
		if (getpid() != 1)
			_exit(3);
		if (!fork())
			run("second");
		wait_all();
		_exit(2);
	}
	wait_all();
}

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "nothing", *argument = argc > 2 ? argv[2] : "";

	if (!strcmp(name, "clone-parent"))
		clone_parent();
	else if (!strcmp(name, "vfork") && !vfork())
		run("vfork");
	else if (!strcmp(name, "fork") && !fork())
		_exit(5);
	else if (!strcmp(name, "leader-exits"))
		leader_leaves(sleep_and_leave);
	else if (!strcmp(name, "leader-exec"))
		leader_leaves(sleep_and_run);
	else if (!strcmp(name, "chroot"))
		change_root(argument);
	else if (!strcmp(name, "deep"))
		deep(atoi(argument));
	else if (!strcmp(name, "odd-arguments"))
		odd_arguments();
	else if (!strcmp(name, "no-arguments"))
		no_arguments(argument);
	else if (!strcmp(name, "deleted"))
		deleted(argument);
	else if (!strcmp(name, "orphan"))
		orphan();
	else if (!strcmp(name, "namespace-init"))
		namespace_init();
	wait_all();
	return 0;
}
