// SPDX-License-Identifier: Apache-2.0
/* mounted WAY FILE SCRATCH: reaches FILE under another name that a mount or a root gives it, and appends to it; or puts
 * something in its place. Ends with 0 if that was done, else with the error. Mounts are taken away again, except those
 * over FILE. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_open_tree
#define SYS_open_tree 428
#define SYS_move_mount 429
#endif
#define TREE_CLONE 1
#define FROM_EMPTY_PATH 0x4

static const char *file, *scratch;
static char directory[4096], name[4096], point[4200], path[8400];

static int failed(void)
{
	return errno ? errno : EIO;
}

static int append(const char *to)
{
	int fd = open(to, O_WRONLY | O_APPEND);

	if (fd < 0 || write(fd, "x", 1) != 1)
		return failed();
	close(fd);
	return 0;
}

static int append_below(const char *root)
{
	snprintf(path, sizeof(path), "%s/%s", root, name);
	return append(path);
}

static int private_mounts(void)
{
	return unshare(CLONE_NEWNS) || mount(0, "/", 0, MS_REC | MS_PRIVATE, 0) ? failed() : 0;
}

static int way_bind(void)
{
	int result;

	if (mount(directory, point, 0, MS_BIND, 0))
		return failed();
	result = append_below(point);
	umount2(point, MNT_DETACH);
	return result;
}

static int way_bind_file(void)
{
	int result;

	snprintf(path, sizeof(path), "%s/bound", scratch);
	close(creat(path, 0644));
	if (mount(file, path, 0, MS_BIND, 0))
		return failed();
	result = append(path);
	umount2(path, MNT_DETACH);
	return result;
}

static int way_namespace(void)
{
	int result = private_mounts();

	return result ? result : way_bind();
}

/* A mount that is nowhere: its files have paths without a beginning. */
static int way_open_tree(void)
{
	int fd = syscall(SYS_open_tree, AT_FDCWD, directory, TREE_CLONE | O_CLOEXEC);
	int found = fd < 0 ? -1 : openat(fd, name, O_WRONLY | O_APPEND);

	return found < 0 || write(found, "x", 1) != 1 ? failed() : 0;
}

static int way_detached(void)
{
	int fd;

	if (mount(directory, point, 0, MS_BIND, 0))
		return failed();
	fd = open(point, O_PATH | O_DIRECTORY);
	if (fd < 0 || umount2(point, MNT_DETACH))
		return failed();
	fd = openat(fd, name, O_WRONLY | O_APPEND);
	return fd < 0 || write(fd, "x", 1) != 1 ? failed() : 0;
}

static int way_chroot(void)
{
	if (chroot(directory) || chdir("/"))
		return failed();
	snprintf(path, sizeof(path), "/%s", name);
	return append(path);
}

/* The file lies in the upper layer. */
static int way_overlay(void)
{
	char options[13000], lower[4300], work[4300];
	int result = private_mounts();

	snprintf(lower, sizeof(lower), "%s/lower", scratch);
	snprintf(work, sizeof(work), "%s/work", scratch);
	mkdir(lower, 0755);
	mkdir(work, 0755);
	snprintf(options, sizeof(options), "lowerdir=%s,upperdir=%s,workdir=%s", lower, directory, work);
	if (result || mount("overlay", point, "overlay", 0, options))
		return failed();
	return append_below(point);
}

/* The same, and another file put in its place through the overlay. */
static int way_overlay_rename(void)
{
	char from[8400];
	int result = way_overlay();

	if (result && result != EPERM)
		return result;
	snprintf(from, sizeof(from), "%s/.new", point);
	snprintf(path, sizeof(path), "%s/%s", point, name);
	close(creat(from, 0644));
	return rename(from, path) ? failed() : 0;
}

static int way_over_file(void)
{
	snprintf(path, sizeof(path), "%s/in-its-place", scratch);
	close(creat(path, 0644));
	return mount(path, file, 0, MS_BIND, 0) ? failed() : 0;
}

static int way_over_directory(void)
{
	return mount("none", directory, "tmpfs", 0, 0) ? failed() : 0;
}

static int way_move_mount(void)
{
	int fd = syscall(SYS_open_tree, AT_FDCWD, point, TREE_CLONE | O_CLOEXEC);

	if (fd < 0 || syscall(SYS_move_mount, fd, "", AT_FDCWD, directory, FROM_EMPTY_PATH))
		return failed();
	return 0;
}

#define WAY(function) { #function + 4, function }
static const struct {
	const char *name;
	int (*run)(void);
} ways[] = {
	WAY(way_bind), WAY(way_bind_file), WAY(way_namespace), WAY(way_open_tree), WAY(way_detached), WAY(way_chroot),
	WAY(way_overlay), WAY(way_overlay_rename), WAY(way_over_file), WAY(way_over_directory), WAY(way_move_mount),
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
	snprintf(point, sizeof(point), "%s/mnt", scratch);
	mkdir(point, 0755);
	for (i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
		if (strcmp(ways[i].name, argv[1]) == 0) {
			errno = 0;
			return ways[i].run();
		}
	return 2;
}
