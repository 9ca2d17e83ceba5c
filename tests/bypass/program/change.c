// SPDX-License-Identifier: Apache-2.0
/* change WAY FILE SCRATCH: changes FILE, or what stands beside it, in one of many ways. SCRATCH is a directory of the same
 * file system. Ends with 0 if the change was made, else with the error. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <linux/falloc.h>
#include <linux/openat2.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define LOW_BYTES 8192
#define THREADS 4

static const char *file, *scratch;
static char directory[4096], name[4096], other[4096];

static int failed(void)
{
	return errno ? errno : EIO;
}

static int write_to(int fd)
{
	if (fd < 0 || write(fd, "x", 1) != 1)
		return failed();
	close(fd);
	return 0;
}

static int way_open(void) { return write_to(open(file, O_WRONLY | O_APPEND)); }
static int way_creat(void) { return write_to(creat(file, 0644)); }
static int way_truncate(void) { return truncate(file, 1) ? failed() : 0; }
static int way_unlink(void) { return unlink(file) ? failed() : 0; }
static int way_chmod(void) { return chmod(file, 04777) ? failed() : 0; }
static int way_chown(void) { return chown(file, 1000, 1000) ? failed() : 0; }
static int way_mkdir(void) { return mkdir(other, 0755) ? failed() : 0; }
static int way_mknod(void) { return mknod(other, S_IFREG | 0644, 0) ? failed() : 0; }
static int way_symlink_in(void) { return symlink("/tmp", other) ? failed() : 0; }

static int way_fchmod(void)
{
	int fd = open(file, O_RDONLY);

	return fd < 0 || fchmod(fd, 04777) ? failed() : 0;
}

static int way_create_by_reading(void)
{
	return open(other, O_RDONLY | O_CREAT, 0644) < 0 ? failed() : 0;
}

static int way_openat2(void)
{
	struct open_how how = { .flags = O_WRONLY | O_APPEND };

	return write_to(syscall(SYS_openat2, AT_FDCWD, file, &how, sizeof(how)));
}

static int way_dirfd(void)
{
	return write_to(openat(open(directory, O_PATH | O_DIRECTORY), name, O_WRONLY | O_APPEND));
}

static int way_cwd(void)
{
	return chdir(directory) ? failed() : write_to(open(name, O_WRONLY | O_APPEND));
}

static int by_path(const char *format, int fd)
{
	char path[8192];

	snprintf(path, sizeof(path), format, fd, file);
	return write_to(open(path, O_WRONLY | O_APPEND));
}

static int way_proc_root(void) { return by_path("/proc/self/root%2$s", 0); }
static int way_proc_fd(void) { return by_path("/proc/self/fd/%1$d", open(file, O_RDONLY)); }
static int way_proc_path_fd(void) { return by_path("/proc/self/fd/%1$d", open(file, O_PATH)); }
static int way_dots(void) { return by_path("/usr/../proc/../%2$s", 0); }

static int way_handle(void)
{
	struct {
		struct file_handle handle;
		unsigned char bytes[128];
	} h = { .handle = { .handle_bytes = 128 } };
	int mount_id, root = open("/", O_RDONLY | O_DIRECTORY);

	if (root < 0 || name_to_handle_at(AT_FDCWD, file, &h.handle, &mount_id, 0))
		return failed();
	return write_to(open_by_handle_at(root, &h.handle, O_WRONLY | O_APPEND));
}

static int way_mmap(void)
{
	int fd = open(file, O_RDWR);
	char *at = fd < 0 ? MAP_FAILED : mmap(0, 1, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (at == MAP_FAILED)
		return failed();
	*at = 'x';
	return 0;
}

/* Something to copy from. */
static int source(void)
{
	int fd = open("/tmp", O_TMPFILE | O_RDWR, 0600);

	return fd < 0 || write(fd, "yyyy", 4) != 4 || lseek(fd, 0, SEEK_SET) ? -1 : fd;
}

static int way_sendfile(void)
{
	return sendfile(open(file, O_WRONLY), source(), 0, 4) == 4 ? 0 : failed();
}

static int way_copy_file_range(void)
{
	int from = open(scratch, O_TMPFILE | O_RDWR, 0600);

	if (from < 0 || write(from, "yyyy", 4) != 4 || lseek(from, 0, SEEK_SET))
		return failed();
	return copy_file_range(from, 0, open(file, O_WRONLY), 0, 4, 0) == 4 ? 0 : failed();
}

static int way_splice(void)
{
	int ends[2];

	if (pipe(ends) || write(ends[1], "yyyy", 4) != 4)
		return failed();
	return splice(ends[0], 0, open(file, O_WRONLY), 0, 4, 0) == 4 ? 0 : failed();
}

static int way_fallocate(void)
{
	return fallocate(open(file, O_WRONLY), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4) ? failed() : 0;
}

static int way_pwritev2(void)
{
	struct iovec part = { .iov_base = "x", .iov_len = 1 };

	return pwritev2(open(file, O_WRONLY), &part, 1, 0, RWF_SYNC) == 1 ? 0 : failed();
}

static int way_dup(void)
{
	int fd = open(file, O_WRONLY | O_APPEND);

	return fd < 0 || dup2(fd, 1) < 0 ? failed() : write_to(1);
}

static int way_tmpfile(void)
{
	char path[64];
	int fd = open(directory, O_TMPFILE | O_WRONLY, 0644);

	if (fd < 0 || write(fd, "x", 1) != 1)
		return failed();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return linkat(AT_FDCWD, path, AT_FDCWD, other, AT_SYMLINK_FOLLOW) ? failed() : 0;
}

/* A name in SCRATCH; with `content`, a file there. */
static const char *mine(const char *last, int content)
{
	static char path[2][4200];
	static int next;
	char *to = path[next++ & 1];

	snprintf(to, sizeof(path[0]), "%s/%s", scratch, last);
	if (content)
		write_to(creat(to, 0644));
	return to;
}

static int way_rename_over(void) { return rename(mine("new", 1), file) ? failed() : 0; }
static int way_rename_away(void) { return rename(file, mine("away", 0)) ? failed() : 0; }
static int way_exchange(void)
{
	return renameat2(AT_FDCWD, mine("new", 1), AT_FDCWD, file, RENAME_EXCHANGE) ? failed() : 0;
}
static int way_rename_directory(void) { return rename(directory, mine("away", 0)) ? failed() : 0; }
static int way_link_in(void) { return link(mine("new", 1), other) ? failed() : 0; }

static int way_symlink(void)
{
	const char *path = mine("symlink", 0);

	return symlink(file, path) ? failed() : write_to(open(path, O_WRONLY | O_APPEND));
}

static int way_symlink_directory(void)
{
	char path[8400];
	const char *link = mine("symlink", 0);

	if (symlink(directory, link))
		return failed();
	snprintf(path, sizeof(path), "%s/%s", link, name);
	return write_to(open(path, O_WRONLY | O_APPEND));
}

static int way_hard_link(void)
{
	const char *path = mine("hard", 0);

	return link(file, path) ? failed() : write_to(open(path, O_WRONLY | O_APPEND));
}

/* The link was made before. */
static int way_old_link(void) { return write_to(open(mine("old", 0), O_WRONLY | O_APPEND)); }

static long int80(long number, const void *first, long second, long third)
{
	long result;

	asm volatile("int $0x80" : "=a"(result) : "a"(number), "b"(first), "c"(second), "d"(third)
		     : "r8", "r9", "r10", "r11", "memory");
	if (result < 0)
		errno = -result;
	return result < 0 ? -1 : result;
}

/* System calls of 32 bits see 32 bits of each pointer. */
static int way_int80(void)
{
	char *low = mmap(0, LOW_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	long fd;

	if (low == MAP_FAILED)
		return failed();
	snprintf(low, LOW_BYTES, "%s", file);
	fd = int80(5, low, O_WRONLY | O_APPEND, 0);
	return fd < 0 || int80(4, (void *)fd, (long)low, 1) != 1 ? failed() : 0;
}

static int way_x32(void)
{
	return write_to(syscall(0x40000000 | SYS_open, file, O_WRONLY | O_APPEND, 0));
}

static void *in_thread(void *unused)
{
	way_open();
	return unused;
}

static int way_threads(void)
{
	pthread_t all[THREADS];
	int i;

	for (i = 0; i < THREADS; i++)
		if (pthread_create(&all[i], 0, in_thread, 0))
			return failed();
	for (i = 0; i < THREADS; i++)
		pthread_join(all[i], 0);
	return way_open();
}

/* A process whose parents have all gone. */
static int way_orphan(void)
{
	int ends[2], result = EIO;

	if (pipe(ends))
		return failed();
	if (fork() == 0) {
		if (fork() == 0) {
			while (getppid() != 1)
				usleep(1000);
			result = way_open();
			_exit(write(ends[1], &result, sizeof(result)) < 0);
		}
		_exit(0);
	}
	wait(0);
	close(ends[1]);
	return read(ends[0], &result, sizeof(result)) == sizeof(result) ? result : EIO;
}

static int way_setuid(void)
{
	/* Keeps what it may by capability, and is somebody else for whoever remembers its exec. */
	return seteuid(1000) || seteuid(0) ? failed() : way_open();
}

#define WAY(function) { #function + 4, function }
static const struct {
	const char *name;
	int (*run)(void);
} ways[] = {
	WAY(way_open), WAY(way_creat), WAY(way_truncate), WAY(way_unlink), WAY(way_chmod), WAY(way_chown),
	WAY(way_mkdir), WAY(way_mknod), WAY(way_symlink_in), WAY(way_fchmod), WAY(way_create_by_reading),
	WAY(way_openat2), WAY(way_dirfd), WAY(way_cwd), WAY(way_proc_root), WAY(way_proc_fd), WAY(way_proc_path_fd),
	WAY(way_dots), WAY(way_handle), WAY(way_mmap), WAY(way_sendfile), WAY(way_copy_file_range), WAY(way_splice),
	WAY(way_fallocate), WAY(way_pwritev2), WAY(way_dup), WAY(way_tmpfile), WAY(way_rename_over),
	WAY(way_rename_away), WAY(way_exchange), WAY(way_rename_directory), WAY(way_link_in), WAY(way_symlink),
	WAY(way_symlink_directory), WAY(way_hard_link), WAY(way_old_link), WAY(way_int80), WAY(way_x32),
	WAY(way_threads), WAY(way_orphan), WAY(way_setuid),
};

int main(int argc, char **argv)
{
	char copy[4096];
	size_t i;

	if (argc != 4)
		return 2;
	file = argv[2];
	scratch = argv[3];
	snprintf(copy, sizeof(copy), "%s", file);
	snprintf(name, sizeof(name), "%s", basename(copy));
	snprintf(directory, sizeof(directory), "%s", dirname(copy));
	snprintf(other, sizeof(other), "%.4000s/other", directory);
	for (i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
		if (strcmp(ways[i].name, argv[1]) == 0) {
			errno = 0;
			return ways[i].run();
		}
	return 2;
}
