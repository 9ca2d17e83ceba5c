// SPDX-License-Identifier: Apache-2.0
/* start WAY PROGRAM MARK: runs PROGRAM with the argument MARK in one of many ways, or maps its code. Ends with 0 if that was
 * possible, else with the error. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static char *program, *mark;
static char *arguments[3], *environment[] = { "PATH=/usr/bin:/bin", 0 };

static int failed(void)
{
	return errno ? errno : EIO;
}

/* Only comes back when it did not work. */
static int by_descriptor(int fd)
{
	syscall(SYS_execveat, fd, "", arguments, environment, AT_EMPTY_PATH);
	return failed();
}

static int by_path(const char *path)
{
	execve(path, arguments, environment);
	return failed();
}

static int copy_to(int fd)
{
	struct stat about;
	int from = open(program, O_RDONLY);
	long done = 0, some;

	if (fd < 0 || from < 0 || fstat(from, &about))
		return -1;
	while (done < about.st_size && (some = sendfile(fd, from, 0, about.st_size - done)) > 0)
		done += some;
	return done == about.st_size ? 0 : -1;
}

static int way_execve(void) { return by_path(program); }
static int way_descriptor(void) { return by_descriptor(open(program, O_PATH | O_CLOEXEC)); }

static int way_proc_root(void)
{
	char path[8192];

	snprintf(path, sizeof(path), "/proc/self/root%s", program);
	return by_path(path);
}

static int way_cwd(void)
{
	char copy[4096], path[4200];

	snprintf(copy, sizeof(copy), "%s", program);
	snprintf(path, sizeof(path), "./%s", basename(program));
	return chdir(dirname(copy)) ? failed() : by_path(path);
}

static int way_argument(void)
{
	arguments[0] = "/usr/bin/runc";
	return by_path(program);
}

static int way_memfd(void)
{
	int fd = memfd_create("runc", MFD_CLOEXEC);

	return copy_to(fd) ? failed() : by_descriptor(fd);
}

static int way_memfd_path(void)
{
	char path[64];
	int fd = memfd_create("runc", 0);

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return copy_to(fd) ? failed() : by_path(path);
}

/* A file of the disk, where programs may lie, without a name. */
static int way_nameless(void)
{
	char path[64];
	int fd = open("/var", O_TMPFILE | O_RDWR, 0755), again;

	if (copy_to(fd))
		return failed();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	again = open(path, O_RDONLY | O_CLOEXEC);
	close(fd);
	return by_descriptor(again);
}

static int way_deleted(void)
{
	int fd = open("/var/thump-deleted", O_CREAT | O_RDWR, 0755), again;

	if (copy_to(fd))
		return failed();
	again = open("/var/thump-deleted", O_RDONLY | O_CLOEXEC);
	close(fd);
	unlink("/var/thump-deleted");
	return by_descriptor(again);
}

static int way_int80(void)
{
	struct {
		unsigned int arguments[4], environment[2];
		char program[4096], mark[4096];
	} *low = mmap(0, sizeof(*low), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	long result;

	if (low == MAP_FAILED)
		return failed();
	snprintf(low->program, sizeof(low->program), "%s", program);
	snprintf(low->mark, sizeof(low->mark), "%s", mark);
	low->arguments[0] = (unsigned int)(unsigned long)low->program;
	low->arguments[1] = (unsigned int)(unsigned long)low->mark;
	asm volatile("int $0x80" : "=a"(result)
		     : "a"(11), "b"(low->program), "c"(low->arguments), "d"(low->environment)
		     : "r8", "r9", "r10", "r11", "memory");
	return -result;
}

static int way_map(void)
{
	int fd = open(program, O_RDONLY);

	return mmap(0, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0) == MAP_FAILED ? failed() : 0;
}

static int way_protect(void)
{
	void *at = mmap(0, 4096, PROT_READ, MAP_PRIVATE, open(program, O_RDONLY), 0);

	return at == MAP_FAILED || mprotect(at, 4096, PROT_READ | PROT_EXEC) ? failed() : 0;
}

/* Code that was read like data: no hook sees more than memory made executable. */
static int way_read(void)
{
	void *at = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (read(open(program, O_RDONLY), at, 4096) != 4096)
		return failed();
	return mprotect(at, 4096, PROT_READ | PROT_EXEC) ? failed() : 0;
}

static int bound(const char *point)
{
	char copy[4096], path[8200];
	int result;
	pid_t child;

	mkdir(point, 0755);
	snprintf(copy, sizeof(copy), "%s", program);
	snprintf(path, sizeof(path), "%s/%s", point, basename(program));
	if (mount(dirname(copy), point, 0, MS_BIND, 0))
		return failed();
	child = fork();
	if (child == 0)
		_exit(by_path(path));
	waitpid(child, &result, 0);
	umount2(point, MNT_DETACH);
	return WIFEXITED(result) ? WEXITSTATUS(result) : EIO;
}

static int way_bind(void) { return bound("/usr/thump-bound"); }

static int way_namespace(void)
{
	return unshare(CLONE_NEWNS) || mount(0, "/", 0, MS_REC | MS_PRIVATE, 0) ? failed() : way_bind();
}

/* Whoever may not mount makes a user namespace, where he may. */
static int way_user_namespace(void)
{
	int fd, map;

	if (unshare(CLONE_NEWUSER | CLONE_NEWNS))
		return failed();
	map = open("/proc/self/uid_map", O_WRONLY);
	if (write(map, "0 0 1", 5) != 5 || write(open("/proc/self/setgroups", O_WRONLY), "deny", 4) != 4 ||
	    write(open("/proc/self/gid_map", O_WRONLY), "0 0 1", 5) != 5)
		return failed();
	if (mount("none", "/mnt", "tmpfs", 0, 0))
		return failed();
	fd = open("/mnt/program", O_CREAT | O_WRONLY, 0755);
	if (copy_to(fd))
		return failed();
	close(fd);
	return by_path("/mnt/program");
}

static int way_chroot(void)
{
	char copy[4096], path[4200];

	snprintf(copy, sizeof(copy), "%s", program);
	snprintf(path, sizeof(path), "/%s", basename(program));
	/* The mark lies beside the program. */
	arguments[1] = "/mark";
	return chroot(dirname(copy)) || chdir("/") ? failed() : by_path(path);
}

#define WAY(function) { #function + 4, function }
static const struct {
	const char *name;
	int (*run)(void);
} ways[] = {
	WAY(way_execve), WAY(way_descriptor), WAY(way_proc_root), WAY(way_cwd), WAY(way_argument), WAY(way_memfd),
	WAY(way_memfd_path), WAY(way_nameless), WAY(way_deleted), WAY(way_int80), WAY(way_map), WAY(way_protect),
	WAY(way_read), WAY(way_bind), WAY(way_namespace), WAY(way_user_namespace), WAY(way_chroot),
};

int main(int argc, char **argv)
{
	size_t i;

	if (argc != 4)
		return 2;
	program = arguments[0] = argv[2];
	mark = arguments[1] = argv[3];
	for (i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
		if (strcmp(ways[i].name, argv[1]) == 0) {
			errno = 0;
			return ways[i].run();
		}
	return 2;
}
