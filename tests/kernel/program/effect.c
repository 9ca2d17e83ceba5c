/* effect DIRECTORY: does the operation that an LSM hook decides about, named after the program's own file name
 * (DIRECTORY is empty, or holds a file `a`), and prints `BEFORE RESULT AFTER`: what there was to see of it before, "done" or the
 * errno's name, and what there was after. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <linux/bpf.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

static char a[256], b[256];
static int fd = -1, peer = -1, child = -1;
static struct sockaddr_in address = { .sin_family = AF_INET };
static void *const place = (void *)0x200000000UL;

static long exists(const char *path)
{
	struct stat status;

	return lstat(path, &status) == 0;
}

static long size_of(void)
{
	struct stat status;

	return stat(a, &status) ? -1 : status.st_size;
}

static long mode_of(void)
{
	struct stat status;

	return stat(a, &status) ? -1 : (long)(status.st_mode & 07777);
}

static long owner_of(void)
{
	struct stat status;

	return stat(a, &status) ? -1 : (long)status.st_uid;
}

static long has_a(void) { return exists(a); }
static long has_b(void) { return exists(b); }
static long has_attribute(void) { return getxattr(a, "trusted.effect", 0, 0) >= 0; }
static long listens(void)
{
	int yes = 0;
	socklen_t size = sizeof(yes);

	getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &yes, &size);
	return yes;
}

static long port_of(void)
{
	struct sockaddr_in own = {};
	socklen_t size = sizeof(own);

	getsockname(fd, (struct sockaddr *)&own, &size);
	return ntohs(own.sin_port) != 0;
}

static long connected(void)
{
	struct sockaddr_in other;
	socklen_t size = sizeof(other);

	return getpeername(fd, (struct sockaddr *)&other, &size) == 0;
}

static long arrived(void)
{
	char byte;

	return recv(peer, &byte, 1, MSG_DONTWAIT | MSG_PEEK) == 1;
}

static long mapped(void)
{
	unsigned char core;

	return mincore(place, 4096, &core) == 0;
}

static long traced(void)
{
	char path[64], line[128];
	int tracer = 0;
	FILE *status;

	snprintf(path, sizeof(path), "/proc/%d/status", child);
	status = fopen(path, "r");
	while (status && fgets(line, sizeof(line), status))
		sscanf(line, "TracerPid: %d", &tracer);
	return tracer != 0;
}

static long alive(void)
{
	usleep(100000);
	return waitpid(child, 0, WNOHANG) == 0;
}

static long mounted(void)
{
	struct stat inner, outer;
	char up[300];

	snprintf(up, sizeof(up), "%s/..", a);
	return stat(a, &inner) == 0 && stat(up, &outer) == 0 && inner.st_dev != outer.st_dev;
}

static long moved(void)
{
	struct stat inner, outer;
	char up[300];

	snprintf(up, sizeof(up), "%s/..", b);
	return stat(b, &inner) == 0 && stat(up, &outer) == 0 && inner.st_dev != outer.st_dev;
}

static long readable(void)
{
	int ends[2];

	return pipe(ends) == 0 && write(ends[1], place, 1) == 1;
}

static long user(void) { return geteuid(); }
static long descriptors(void)
{
	int next = dup(0);

	close(next);
	return next;
}

static long host(void)
{
	char name[65] = "";

	gethostname(name, sizeof(name));
	return strcmp(name, "effect") == 0;
}

static void opened(void) { fd = open(a, O_RDWR); }
static void directory(void) { mkdir(a, 0755); }
static void tree(void) { directory(); mount("effect", a, "tmpfs", 0, 0); }
static void clone_tree(void)
{
	tree();
	mkdir(b, 0755);
	fd = syscall(SYS_open_tree, AT_FDCWD, a, 1 /* OPEN_TREE_CLONE */);
}

static void page(void) { mmap(place, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0); }
static void tcp(void) { fd = socket(AF_INET, SOCK_STREAM, 0); address.sin_addr.s_addr = htonl(INADDR_LOOPBACK); }
static void listener(void)
{
	socklen_t size = sizeof(address);
	int waits;

	tcp();
	waits = socket(AF_INET, SOCK_STREAM, 0);
	if (bind(waits, (struct sockaddr *)&address, size) || listen(waits, 1) ||
	    getsockname(waits, (struct sockaddr *)&address, &size))
		exit(3);
}

static void pair(void)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends))
		exit(3);
	fd = ends[0];
	peer = ends[1];
}

static void sleeper(void)
{
	child = fork();
	if (child == 0) {
		alarm(10); /* for who may not kill it */
		for (;;)
			pause();
	}
}

static void nothing(void)
{
}

static long do_permission(void) { return write(fd, "1234567890", 10); }
static long do_open(void) { return open(a, O_RDWR | O_TRUNC); }
static long do_truncate(void) { return truncate(a, 0); }
static long do_unlink(void) { return unlink(a); }
static long do_mkdir(void) { return mkdir(a, 0755); }
static long do_rmdir(void) { return rmdir(a); }
static long do_rename(void) { return rename(a, b); }
static long do_link(void) { return link(a, b); }
static long do_symlink(void) { return symlink("x", b); }
static long do_mknod(void) { return mkfifo(b, 0600); }
static long do_create(void) { return open(b, O_CREAT | O_WRONLY, 0600); }
static long do_chmod(void) { return chmod(a, 0700); }
static long do_chown(void) { return chown(a, 1000, 1000); }
static long do_setxattr(void) { return setxattr(a, "trusted.effect", "x", 1, 0); }
static long do_socket(void) { return socket(AF_INET, SOCK_DGRAM, 0); }
static long do_bind(void) { return bind(fd, (struct sockaddr *)&address, sizeof(address)); }
static long do_listen(void) { return listen(fd, 1); }
static long do_connect(void) { return connect(fd, (struct sockaddr *)&address, sizeof(address)); }
static long do_send(void) { return send(fd, "x", 1, 0); }
static long do_map(void)
{
	return mmap(place, 4096, PROT_READ, MAP_PRIVATE | MAP_FIXED, fd, 0) == MAP_FAILED ? -1 : 0;
}

static long do_ftruncate(void) { return ftruncate(fd, 0); }
static long do_protect(void) { return mprotect(place, 4096, PROT_READ | PROT_EXEC); }
static long do_move(void) { return syscall(SYS_move_mount, fd, "", AT_FDCWD, b, 4 /* MOVE_MOUNT_F_EMPTY_PATH */); }
static long do_trace(void) { return ptrace(PTRACE_SEIZE, child, 0, 0); }
static long do_kill(void) { return kill(child, SIGKILL); }
static long do_mount(void) { return mount("effect", a, "tmpfs", 0, 0); }
static long do_umount(void) { return umount(a); }
static long do_setuid(void) { return setuid(1000); }
static long do_hostname(void) { return sethostname("effect", 6); }
static long do_bpf(void)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.map_type = BPF_MAP_TYPE_ARRAY;
	attr.key_size = attr.value_size = 4;
	attr.max_entries = 1;
	return syscall(SYS_bpf, BPF_MAP_CREATE, &attr, sizeof(attr));
}

/* The program writes its own file: whether it ran shows. */
static long do_exec(void)
{
	int status;

	child = fork();
	if (child == 0) {
		execl("/bin/mkdir", "mkdir", b, (char *)0);
		_exit(errno == EPERM ? 77 : 78);
	}
	waitpid(child, &status, 0);
	errno = EPERM;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -1;
}

static const struct row {
	const char *hook;
	void (*prepare)(void);
	long (*operation)(void);
	long (*state)(void);
} rows[] = {
	{ "bpf", nothing, do_bpf, descriptors },
	{ "bprm_check_security", nothing, do_exec, has_b },
	{ "bprm_creds_for_exec", nothing, do_exec, has_b },
	{ "capable", nothing, do_hostname, host },
	{ "file_mprotect", page, do_protect, readable },
	{ "file_open", nothing, do_open, size_of },
	{ "file_permission", opened, do_permission, size_of },
	{ "file_truncate", opened, do_ftruncate, size_of },
	{ "inode_create", nothing, do_create, has_b },
	{ "inode_link", nothing, do_link, has_b },
	{ "inode_mkdir", nothing, do_mkdir, has_a },
	{ "inode_mknod", nothing, do_mknod, has_b },
	{ "inode_rename", nothing, do_rename, has_b },
	{ "inode_rmdir", directory, do_rmdir, has_a },
	{ "inode_setattr", nothing, do_chmod, mode_of },
	{ "inode_setxattr", nothing, do_setxattr, has_attribute },
	{ "inode_symlink", nothing, do_symlink, has_b },
	{ "inode_unlink", nothing, do_unlink, has_a },
	{ "mmap_file", opened, do_map, mapped },
	{ "move_mount", clone_tree, do_move, moved },
	{ "path_chmod", nothing, do_chmod, mode_of },
	{ "path_chown", nothing, do_chown, owner_of },
	{ "path_link", nothing, do_link, has_b },
	{ "path_mkdir", nothing, do_mkdir, has_a },
	{ "path_mknod", nothing, do_mknod, has_b },
	{ "path_rename", nothing, do_rename, has_b },
	{ "path_rmdir", directory, do_rmdir, has_a },
	{ "path_symlink", nothing, do_symlink, has_b },
	{ "path_truncate", nothing, do_truncate, size_of },
	{ "path_unlink", nothing, do_unlink, has_a },
	{ "ptrace_access_check", sleeper, do_trace, traced },
	{ "sb_mount", directory, do_mount, mounted },
	{ "sb_umount", tree, do_umount, mounted },
	{ "socket_bind", tcp, do_bind, port_of },
	{ "socket_connect", listener, do_connect, connected },
	{ "socket_create", nothing, do_socket, descriptors },
	{ "socket_listen", tcp, do_listen, listens },
	{ "socket_sendmsg", pair, do_send, arrived },
	{ "task_fix_setuid", nothing, do_setuid, user },
	{ "task_kill", sleeper, do_kill, alive },
};

int main(int argc, char **argv)
{
	const char *name = basename(argv[0]), *result = "done";
	long before;
	unsigned i;

	if (argc != 2)
		return 2;
	snprintf(a, sizeof(a), "%s/a", argv[1]);
	snprintf(b, sizeof(b), "%s/b", argv[1]);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (strcmp(rows[i].hook, name))
			continue;
		rows[i].prepare();
		before = rows[i].state();
		if (rows[i].operation() < 0)
			result = strerrorname_np(errno);
		printf("%ld %s %ld\n", before, result, rows[i].state());
		fflush(stdout);
		if (child > 0)
			syscall(SYS_tgkill, child, child, SIGKILL);
		return 0;
	}
	return 2;
}
