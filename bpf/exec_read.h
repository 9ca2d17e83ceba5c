/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* The texts of an exec event: file name, working directory, cgroup name, arguments, environment. */
#ifndef THUMP_EXEC_READ_H
#define THUMP_EXEC_READ_H

#include "chunk.h"
#include "path.h"
#include "process.h"

/* The event grows in here: what has been put into `bytes` ends at `cursor`. */
#define EXEC_BLOB_BYTES (PATH_BYTES_MAX * 2 + CGROUP_NAME_BYTES_MAX + EXEC_INLINE_BYTES * 2)

struct exec_scratch {
	struct process process;
	__u64 cursor;
	struct exec_event event;
	__u8 bytes[EXEC_BLOB_BYTES];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, SLOTS);
	__type(key, __u32);
	__type(value, struct exec_scratch);
} exec_scratches SEC(".maps");

static __always_inline struct exec_scratch *exec_of(__u32 slot)
{
	return bpf_map_lookup_elem(&exec_scratches, &slot);
}

/* Where the next text goes: room for `size` bytes, a constant; null when there is none left. */
static __always_inline void *blob_room(struct exec_scratch *e, __u64 size)
{
	__u64 cursor = e->cursor;

	if (cursor > EXEC_BLOB_BYTES - size)
		return 0;
	return e->bytes + cursor;
}

static __always_inline void filename_read(struct exec_scratch *e, struct linux_binprm *bprm)
{
	void *to = blob_room(e, PATH_BYTES_MAX);
	long size = to ? bpf_probe_read_kernel_str(to, PATH_BYTES_MAX, BPF_CORE_READ(bprm, filename)) : -1;

	if (size <= 0) {
		e->event.flags |= EXEC_FLAG_ERROR_FILENAME;
		return;
	}
	e->event.filename_size = size - 1;
	e->cursor += size - 1;
	if (size - 1 >= 254) /* Tetragon sends these apart, and says so */
		e->event.flags |= EXEC_FLAG_DATA_FILENAME;
}

__noinline int cwd_read(__u32 slot)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	struct exec_scratch *e = exec_of(slot);
	struct path_walk *w = path_of(slot);
	struct fs_struct *fs = BPF_CORE_READ(task, fs);
	__u32 size;
	void *to;

	if (!e || !w)
		return -1;
	if (!fs || path_read(slot, (__u64)BPF_CORE_READ(fs, pwd.dentry), (__u64)BPF_CORE_READ(fs, pwd.mnt))) {
		e->event.flags |= fs ? EXEC_FLAG_ERROR_CWD : EXEC_FLAG_NO_CWD;
		return 0;
	}
	if (w->flags & PATH_FLAG_ROOT) {
		e->event.flags |= EXEC_FLAG_ROOT_CWD;
		return 0;
	}
	if (w->flags & PATH_FLAG_UNRESOLVED)
		e->event.flags |= EXEC_FLAG_ERROR_PATH_RESOLUTION_CWD;
	to = blob_room(e, PATH_BYTES_MAX);
	size = to ? path_copy(w, to) : 0;
	e->event.cwd_size = size;
	e->cursor += size;
	if (!size)
		e->event.flags |= EXEC_FLAG_ERROR_CWD;
	return 0;
}

/* One component more of the cgroup's path: walk.dentry is the kernfs node. */
__noinline int cgroup_name_step(__u32 slot)
{
	struct path_walk *w = path_of(slot);
	struct kernfs_node *node, *parent;
	__u32 length;
	long size;

	if (!w)
		return PATH_STEP_CUT;
	node = (struct kernfs_node *)w->dentry;
	parent = kernfs_parent(node);
	if (!parent)
		return PATH_STEP_DONE;
	/* Read for its length; it is put in its place from the copy, behind the path. */
	size = bpf_probe_read_kernel_str(w->bytes + PATH_BYTES_MAX, NAME_BYTES_MAX + 1, BPF_CORE_READ(node, name));
	if (size <= 0 || size > NAME_BYTES_MAX + 1)
		return PATH_STEP_CUT;
	length = size - 1;
	if (w->at < PATH_BYTES_MAX - CGROUP_NAME_BYTES_MAX + length + 1)
		return PATH_STEP_CUT;
	w->dentry = (__u64)parent;
	return path_prepend(w, w->bytes + PATH_BYTES_MAX, length, 1);
}

#define CGROUP_DEPTH_MAX 64

/* The path of a kernfs node, `node` its address; of one that is too long the last components. */
__noinline int cgroup_name_read(__u32 slot, __u64 node)
{
	struct exec_scratch *e = exec_of(slot);
	struct path_walk *w = path_of(slot);
	__u32 i, at, size;
	int done = PATH_STEP_ON;
	void *to;

	if (!e || !w)
		return -1;
	w->at = PATH_BYTES_MAX;
	w->flags = 0;
	w->dentry = node;
	for (i = 0; i < CGROUP_DEPTH_MAX; i++) {
		done = cgroup_name_step(slot);
		if (done)
			break;
	}
	if (w->flags & PATH_FLAG_FAULT)
		return -1;
	if (w->at == PATH_BYTES_MAX) {
		w->at = PATH_BYTES_MAX - 1;
		w->bytes[PATH_BYTES_MAX - 1] = '/';
	} else if (done != PATH_STEP_DONE) {
		w->at += 1; /* without the leading slash: it is not the whole */
	}
	to = blob_room(e, CGROUP_NAME_BYTES_MAX);
	at = w->at;
	if (!to || at >= PATH_BYTES_MAX)
		return -1;
	size = PATH_BYTES_MAX - at;
	if (size > CGROUP_NAME_BYTES_MAX || bpf_probe_read_kernel(to, size, w->bytes + at))
		return -1;
	e->event.cgroup_name_size = size;
	e->cursor += size;
	return 0;
}

/* Arguments or environment: [start, end) of user memory, inline where it fits, else in chunks sent before the event. */
__noinline int strings_read(__u32 slot, __u64 start, __u64 end, __u32 kind, __u32 max)
{
	struct exec_scratch *e = exec_of(slot);
	struct chunk_scratch *c = chunk_of(slot);
	__u64 total, size;
	__u32 chunks = 0, cut = 0, error = 0;
	int done;
	void *to;

	if (!e || !c)
		return -1;
	total = end > start ? end - start : 0;
	size = total;
	if (size > max) {
		size = max;
		cut = 1;
	}
	if (size <= EXEC_INLINE_BYTES) {
		to = blob_room(e, EXEC_INLINE_BYTES);
		if (size && (!to || bpf_probe_read_user(to, size, (void *)start))) {
			error = 1;
			size = 0;
		}
		e->cursor += size;
	} else {
		done = chunks_send(slot, e->event.exec_id, start, start + size, kind);
		cut |= done == CHUNK_STEP_LOST;
		error = done == CHUNK_STEP_FAULT;
		size = c->sent;
		chunks = c->chunks;
	}
	if (total > ~0U)
		total = ~0U;
	if (kind == CHUNK_KIND_ARGS) {
		e->event.args_size = size;
		e->event.args_total = total;
		e->event.args_chunks = chunks;
		e->event.flags |= (cut ? EXEC_FLAG_TRUNC_ARGS : 0) | (error ? EXEC_FLAG_ERROR_ARGS : 0);
	} else {
		e->event.envs_size = size;
		e->event.envs_total = total;
		e->event.envs_chunks = chunks;
		e->event.flags |= (cut ? EXEC_FLAG_TRUNC_ENVS : 0) | (error ? EXEC_FLAG_ERROR_ENVS : 0);
	}
	return 0;
}

#endif
