/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* From a dentry and its mount to the path that the current task sees, as d_path() builds it: from the last component
 * backwards to the task's root. The walk's state lives in a per-CPU map, so the verifier meets the same state at each
 * step and each function is verified once; global functions take numbers only, which is all that 5.10 allows. */
#ifndef THUMP_PATH_H
#define THUMP_PATH_H

#include "entry.h"
#include "slot.h"

#define PATH_STEPS 32  /* per call of path_steps() */
#define PATH_ROUNDS 66 /* 66 * 32 steps: more than 4096 bytes of components and their mounts need */
#define NAME_BYTES_MAX 255

enum path_flag {
	PATH_FLAG_UNRESOLVED = 0x1, /* components missing at its beginning */
	PATH_FLAG_ROOT = 0x2,	    /* the task's root itself */
	PATH_FLAG_FAULT = 0x4,
};

enum path_step {
	PATH_STEP_ON = 0,
	PATH_STEP_DONE = 1,
	PATH_STEP_CUT = 2,
};

/* bytes[at..PATH_BYTES_MAX) is the path; what is behind belongs to nobody. */
struct path_walk {
	__u64 dentry; /* kernel addresses */
	__u64 mount;  /* struct mount */
	__u64 root_dentry;
	__u64 root_mount;
	__u32 at;
	__u32 flags; /* enum path_flag */
	__u8 bytes[PATH_BYTES_MAX + NAME_BYTES_MAX + 1];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, SLOTS);
	__type(key, __u32);
	__type(value, struct path_walk);
} path_walks SEC(".maps");

static __always_inline struct path_walk *path_of(__u32 slot)
{
	return bpf_map_lookup_elem(&path_walks, &slot);
}

static __always_inline __u64 mount_of(struct vfsmount *vfsmount)
{
	return vfsmount ? (__u64)vfsmount - bpf_core_field_offset(struct mount, mnt) : 0;
}

/* Puts `length` bytes of kernel memory, at most 255, and the slash before them in front of the path. */
static __always_inline int path_prepend(struct path_walk *w, const void *name, __u32 length, __u32 slash)
{
	__u32 at = w->at;

	if (length > NAME_BYTES_MAX || at > PATH_BYTES_MAX || length + slash > at)
		return PATH_STEP_CUT;
	at -= length;
	if (length && bpf_probe_read_kernel(w->bytes + (at & (PATH_BYTES_MAX - 1)), length & NAME_BYTES_MAX, name)) {
		w->flags |= PATH_FLAG_FAULT;
		return PATH_STEP_CUT;
	}
	if (slash) {
		at -= 1;
		w->bytes[at & (PATH_BYTES_MAX - 1)] = '/';
	}
	w->at = at;
	return PATH_STEP_ON;
}

static __always_inline int path_step(struct path_walk *w)
{
	struct dentry *dentry = (struct dentry *)w->dentry, *parent;
	struct mount *mount = (struct mount *)w->mount, *above;

	if (w->dentry == w->root_dentry && w->mount == w->root_mount)
		return PATH_STEP_DONE;
	parent = BPF_CORE_READ(dentry, d_parent);
	if (dentry == parent || dentry == BPF_CORE_READ(mount, mnt.mnt_root)) {
		above = BPF_CORE_READ(mount, mnt_parent);
		if (!mount || above == mount)
			return PATH_STEP_DONE; /* root of the mount namespace, or a mount detached from it */
		w->dentry = (__u64)BPF_CORE_READ(mount, mnt_mountpoint);
		w->mount = (__u64)above;
		return PATH_STEP_ON;
	}
	w->dentry = (__u64)parent;
	return path_prepend(w, BPF_CORE_READ(dentry, d_name.name), BPF_CORE_READ(dentry, d_name.len), 1);
}

__noinline int path_steps(__u32 slot)
{
	struct path_walk *w = path_of(slot);
	__u32 i;
	int done;

	if (!w)
		return PATH_STEP_CUT;
	for (i = 0; i < PATH_STEPS; i++) {
		done = path_step(w);
		if (done)
			return done;
	}
	return PATH_STEP_ON;
}

/* Reads the path of a struct path's dentry and mnt into this slot's walk; 0, or -1 when there is none. */
__noinline int path_read(__u32 slot, __u64 dentry, __u64 vfsmount)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	struct path_walk *w = path_of(slot);
	struct dentry *d = (struct dentry *)dentry, *parent;
	struct fs_struct *fs;
	int done = PATH_STEP_ON, pseudo;
	__u32 i;

	if (!w)
		return -1;
	w->at = PATH_BYTES_MAX;
	w->flags = 0;
	if (!dentry)
		return -1;
	fs = BPF_CORE_READ(task, fs);
	w->dentry = dentry;
	w->mount = mount_of((struct vfsmount *)vfsmount);
	w->root_dentry = (__u64)BPF_CORE_READ(fs, root.dentry);
	w->root_mount = mount_of(BPF_CORE_READ(fs, root.mnt));
	parent = BPF_CORE_READ(d, d_parent);
	pseudo = parent == d && BPF_CORE_READ((struct vfsmount *)vfsmount, mnt_root) != d;
	/* d_unlinked(): unhashed, and no root of a mount, which never is hashed. d_path() says it of memfd as well. */
	if ((parent != d || pseudo) && !BPF_CORE_READ(d, d_hash.pprev)) {
		w->at -= 10;
		__builtin_memcpy(w->bytes + PATH_BYTES_MAX - 10, " (deleted)", 10);
	}
	/* A pseudo file: its name; that of a pipe or a socket is a number that d_dname() makes up, and is not read. */
	if (pseudo)
		return path_prepend(w, BPF_CORE_READ(d, d_name.name), BPF_CORE_READ(d, d_name.len), 1) ? -1 : 0;
	for (i = 0; i < PATH_ROUNDS; i++) {
		done = path_steps(slot);
		if (done)
			break;
	}
	if (done != PATH_STEP_DONE)
		w->flags |= PATH_FLAG_UNRESOLVED;
	if (w->at == PATH_BYTES_MAX) {
		w->flags |= PATH_FLAG_ROOT;
		w->at = PATH_BYTES_MAX - 1;
		w->bytes[PATH_BYTES_MAX - 1] = '/';
	}
	return 0;
}

/* Copies the path to `to`, which has room for PATH_BYTES_MAX; returns its size. */
static __always_inline __u32 path_copy(struct path_walk *w, void *to)
{
	__u32 at = w->at, size;

	if (at >= PATH_BYTES_MAX)
		return 0;
	size = PATH_BYTES_MAX - at;
	if (bpf_probe_read_kernel(to, size, w->bytes + at))
		return 0;
	return size;
}

#endif
