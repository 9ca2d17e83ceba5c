/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Readers of arguments that are files: the path as the current task sees it, and the mode. */
#ifndef THUMP_ARGUMENT_FILE_H
#define THUMP_ARGUMENT_FILE_H

#include "hook.h"

#define WALK_STEPS 32  /* components per call of path_steps */
#define WALK_ROUNDS 66 /* 66 * 32 components: more than 4096 bytes of path can have */

/* One step towards the root: 0 go on, 1 done, 2 no room. Written from the end of s->bytes backwards. */
__noinline int path_step(__u32 slot)
{
	struct hook_scratch *s = scratch_of(slot);
	struct dentry *dentry, *parent;
	struct vfsmount *vfsmount;
	struct mount *mount, *above;
	const unsigned char *name;
	__u32 at, length;

	if (!s)
		return 2;
	dentry = (struct dentry *)s->walk.dentry;
	vfsmount = (struct vfsmount *)s->walk.mount;
	if (s->walk.dentry == s->walk.root_dentry && s->walk.mount == s->walk.root_mount)
		return 1;
	parent = BPF_CORE_READ(dentry, d_parent);
	if (vfsmount && dentry == BPF_CORE_READ(vfsmount, mnt_root)) {
		mount = (void *)vfsmount - bpf_core_field_offset(struct mount, mnt);
		above = BPF_CORE_READ(mount, mnt_parent);
		if (above == mount)
			return 1; /* the root of a namespace, or a mount that nobody reaches */
		s->walk.dentry = (__u64)BPF_CORE_READ(mount, mnt_mountpoint);
		s->walk.mount = (__u64)above + bpf_core_field_offset(struct mount, mnt);
		return 0;
	}
	if (parent == dentry)
		return 1;
	length = BPF_CORE_READ(dentry, d_name.len);
	name = BPF_CORE_READ(dentry, d_name.name);
	at = s->walk.at;
	if (length > 255 || at > WALK_BYTES || length + 1 > at)
		return 2;
	at -= length;
	if (length && copy_bounded(s->bytes + (at & (WALK_BYTES - 1)), length, 255, name, 0))
		return 2;
	at -= 1;
	s->bytes[at & (WALK_BYTES - 1)] = '/';
	s->walk.at = at;
	s->walk.dentry = (__u64)parent;
	return 0;
}

__noinline int path_steps(__u32 slot)
{
	__u32 i;
	int done;

	for (i = 0; i < WALK_STEPS; i++) {
		done = path_step(slot);
		if (done)
			return done;
	}
	return 0;
}

/* Walks from walk.dentry and walk.mount to the root of the current task; the path is s->bytes[walk.at..WALK_BYTES). */
__noinline int path_walk(__u32 slot)
{
	struct hook_scratch *s = scratch_of(slot);
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	struct vfsmount *vfsmount;
	struct dentry *dentry;
	struct fs_struct *fs;
	__u32 i;
	int done = 0;

	if (!s)
		return -1;
	dentry = (struct dentry *)s->walk.dentry;
	vfsmount = (struct vfsmount *)s->walk.mount;
	fs = BPF_CORE_READ(task, fs);
	s->walk.root_dentry = (__u64)BPF_CORE_READ(fs, root.dentry);
	s->walk.root_mount = (__u64)BPF_CORE_READ(fs, root.mnt);
	s->walk.at = WALK_BYTES;
	s->walk.flags = 0;
	/* As d_path(): unlinked means unhashed and not a root of its own (pipe, socket: those have no name). */
	if (!BPF_CORE_READ(dentry, d_hash.pprev) && BPF_CORE_READ(dentry, d_parent) != dentry) {
		s->walk.at -= 10;
		__builtin_memcpy(s->bytes + WALK_BYTES - 10, " (deleted)", 10);
	}
	if (BPF_CORE_READ(dentry, d_parent) == dentry &&
	    dentry != BPF_CORE_READ(vfsmount, mnt_root)) {
		/* A pseudo file (memfd, pipe, socket) has a name but no path, as in Tetragon. */
		return 0;
	}
	for (i = 0; i < WALK_ROUNDS; i++) {
		done = path_steps(slot);
		if (done)
			break;
	}
	if (done != 1)
		s->walk.flags = HOOK_VALUE_UNRESOLVED;
	if (s->walk.at == WALK_BYTES) {
		s->walk.at = WALK_BYTES - 1;
		s->bytes[WALK_BYTES - 1] = '/';
	}
	return 0;
}

/* Moves the walked path into the record. */
__noinline int argument_path_put(__u32 slot, __u32 index)
{
	struct hook_scratch *s = scratch_of(slot);
	__u32 type = hook.arguments[index & (HOOK_ARGUMENTS_MAX - 1)].type;
	struct path_value *to;
	__u32 at, length;

	if (!s)
		return -1;
	to = value_begin(s, index, type, sizeof(*to));
	if (!to)
		return 0;
	to->mode = s->number[index & (HOOK_ARGUMENTS_MAX - 1)];
	to->fd = s->value;
	at = s->walk.at;
	if (at > WALK_BYTES)
		return -1;
	length = WALK_BYTES - at;
	if (length && copy_bounded(to + 1, length, WALK_BYTES, s->bytes + (at & (WALK_BYTES - 1)), 0))
		return -1;
	value_end(s, index, sizeof(*to), length, s->walk.flags);
	return 0;
}

static __always_inline struct file *file_of_fd(__u32 fd)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	struct fdtable *table = BPF_CORE_READ(task, files, fdt);
	struct file **files, *file = 0;

	if (fd >= BPF_CORE_READ(table, max_fds))
		return 0;
	files = BPF_CORE_READ(table, fd);
	bpf_probe_read_kernel(&file, sizeof(file), files + fd);
	return file;
}

/* file, fd, kiocb, linux_binprm, path, dentry. */
__noinline int argument_file(__u32 slot, __u32 index)
{
	struct hook_scratch *s = scratch_of(slot);
	__u32 type = hook.arguments[index & (HOOK_ARGUMENTS_MAX - 1)].type;
	struct file *file = 0;
	struct dentry *dentry;
	struct linux_binprm *bprm;
	struct vfsmount *mount;
	struct kiocb *kiocb;
	struct path *path;

	if (!s)
		return -1;
	switch (type) {
	case ARGUMENT_TYPE_FD:
		file = file_of_fd(s->value);
		break;
	case ARGUMENT_TYPE_KIOCB:
		kiocb = (struct kiocb *)s->value;
		file = BPF_CORE_READ(kiocb, ki_filp);
		break;
	case ARGUMENT_TYPE_LINUX_BINPRM:
		bprm = (struct linux_binprm *)s->value;
		file = BPF_CORE_READ(bprm, file);
		break;
	case ARGUMENT_TYPE_FILE:
		file = (struct file *)s->value;
		break;
	}
	if (type == ARGUMENT_TYPE_DENTRY) {
		dentry = (struct dentry *)s->value;
		mount = 0;
	} else if (type == ARGUMENT_TYPE_PATH) {
		path = (struct path *)s->value;
		dentry = BPF_CORE_READ(path, dentry);
		mount = BPF_CORE_READ(path, mnt);
	} else {
		dentry = BPF_CORE_READ(file, f_path.dentry);
		mount = BPF_CORE_READ(file, f_path.mnt);
	}
	s->walk.dentry = (__u64)dentry;
	s->walk.mount = (__u64)mount;
	s->number[index & (HOOK_ARGUMENTS_MAX - 1)] = BPF_CORE_READ(dentry, d_inode, i_mode);
	if (!dentry) {
		s->walk.at = WALK_BYTES;
		s->walk.flags = HOOK_VALUE_EMPTY;
	} else if (path_walk(slot)) {
		return -1;
	}
	return argument_path_put(slot, index);
}

/* struct filename: the name that user space gave. */
__noinline int argument_filename(__u32 slot, __u32 index)
{
	struct hook_scratch *s = scratch_of(slot);
	struct filename *filename;
	__s64 size;
	void *to;

	if (!s)
		return -1;
	filename = (struct filename *)s->value;
	to = value_begin(s, index, ARGUMENT_TYPE_FILENAME, 0);
	if (!to)
		return 0;
	size = bpf_probe_read_kernel_str(to, STRING_BYTES_MAX, BPF_CORE_READ(filename, name));
	if (size < 1 || size > STRING_BYTES_MAX)
		return -1;
	value_end(s, index, 0, size - 1, 0);
	return 0;
}

#endif
