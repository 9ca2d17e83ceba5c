// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* --protect-agent: others can neither signal nor trace the agent, nor get at its programs and maps, nor take away its pins.
 * Each attempt is refused and told. Protection ends with the agent, for links to these programs are never pinned: whoever
 * comes next must be able to take over. */
#include "kernel.h"
#include "map.h"
#include "hook_event.h"
#include "protect.h"
#include "protect_kernel.h"

#define PARENTS_MAX 32
/* Attempts can be repeated at will: these many a second may use the reserved ring, the rest the one for telemetry. */
#define RESERVED_PER_SECOND 64
#define SECOND_NS 1000000000ULL

const volatile __u32 protect_pid SEC(".rodata.protect") = 0; /* tgid of the agent in the first pid namespace */
const volatile __u32 protect_hook_id SEC(".rodata.protect") = 0;
const volatile __u32 protect_device SEC(".rodata.protect") = 0; /* of the bpffs with its pins, 0: none */
static const volatile char pin_directory[PROTECT_NAME_BYTES] SEC(".rodata.protect") = "thump";
const volatile char protect_generation[PROTECT_NAME_BYTES] SEC(".rodata.protect") = {}; /* directory of its pins */

/* Programs and maps of the agent. It adds those that are older than these programs, and takes out what is gone. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, struct protected_object);
	__type(value, __u8);
} protect_objects SEC(".maps");

/* Threads of the agent whose present bpf() makes what is its own, or takes over what a former agent pinned. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 256);
	__type(key, __u32);
	__type(value, __u8);
} protect_making SEC(".maps");

struct protect_window {
	__u64 began_ns;
	__u64 count;
};

static struct protect_window window;

struct protect_record {
	struct hook_event event;
	struct hook_value value;
	__u64 number;
};

struct protect_name_record {
	struct hook_event event;
	struct hook_value value;
	char text[PROTECT_NAME_BYTES];
};

static __always_inline int by_agent(void)
{
	return (__u32)(bpf_get_current_pid_tgid() >> 32) == protect_pid;
}

static __always_inline int is_agent(struct task_struct *task)
{
	return (__u32)BPF_CORE_READ(task, tgid) == protect_pid;
}

static __always_inline void event_fill(struct hook_event *event, __u32 function)
{
	__u64 thread = bpf_get_current_pid_tgid();
	__u32 pid = thread >> 32;
	struct process *process = bpf_map_lookup_elem(&processes, &pid);

	__builtin_memset(event, 0, sizeof(*event));
	event_header_fill(&event->header, EVENT_TYPE_HOOK, sizeof(*event), bpf_ktime_get_ns());
	event->exec_id = process ? process->exec_id : 0;
	event->pid = pid;
	event->tid = thread;
	event->hook_id = protect_hook_id;
	event->function = function;
	event->flags = HOOK_EVENT_PREVENTED;
	event->selector = HOOK_SELECTOR_NONE;
	event->action = ACTION_KIND_OVERRIDE;
	event->value_count = 1;
}

static __always_inline int may_reserve(void)
{
	__u64 now = bpf_ktime_get_ns();

	if (now - window.began_ns >= SECOND_NS) {
		window.began_ns = now;
		window.count = 0;
	}
	__sync_fetch_and_add(&window.count, 1);
	return window.count <= RESERVED_PER_SECOND;
}

static __always_inline int send(void *record, __u64 size)
{
	if (may_reserve())
		event_output(RING_RESERVED, record, size);
	else
		event_output(RING_TELEMETRY, record, size);
	return -EPERM;
}

/* Tells of the attempt; `argument` says what `number` is. */
static __always_inline int refuse(__u32 function, __u32 argument, __u32 type, __u64 number)
{
	struct protect_record record = {};

	event_fill(&record.event, function);
	record.value.type = type;
	record.value.index = argument;
	record.value.size = sizeof(record.number);
	record.number = number;
	return send(&record, sizeof(record));
}

static __always_inline int refuse_name(__u32 function, struct dentry___protect *dentry)
{
	struct protect_name_record record = {};
	long size;

	event_fill(&record.event, function);
	record.value.type = ARGUMENT_TYPE_STRING;
	record.value.index = PROTECT_ARGUMENT_NAME;
	size = bpf_probe_read_kernel_str(record.text, sizeof(record.text), BPF_CORE_READ(dentry, d_name.name));
	if (size > 1 && size <= sizeof(record.text))
		record.value.size = size - 1;
	return send(&record, sizeof(record));
}

/* PID 1, the agent itself, and whoever started it. `task` is one of its threads. */
static __always_inline int may_signal(struct task_struct *task)
{
	__u32 own = bpf_get_current_pid_tgid() >> 32, pid;
	int i;

	if (own == protect_pid || own == 1)
		return 1;
	for (i = 0; i < PARENTS_MAX; i++) {
		task = BPF_CORE_READ(task, real_parent);
		pid = BPF_CORE_READ(task, tgid);
		if (pid == own)
			return 1;
		if (pid <= 1)
			return 0;
	}
	return 0;
}

/* Signals of the kernel and of a terminal's keys do not come here. */
SEC("lsm/task_kill")
int BPF_PROG(protect_kill, struct task_struct *task, void *info, int signal)
{
	if (!is_agent(task) || signal == 0 || may_signal(task))
		return 0;
	return refuse(PROTECT_FUNCTION_TASK_KILL, PROTECT_ARGUMENT_SIGNAL, ARGUMENT_TYPE_INT32, signal);
}

/* F_SETOWN and F_SETSIG let a descriptor send any signal; the agent asks for none. */
SEC("lsm/file_send_sigiotask")
int BPF_PROG(protect_sigio, struct task_struct *task, void *owner, int signal)
{
	if (!is_agent(task))
		return 0;
	return refuse(PROTECT_FUNCTION_FILE_SEND_SIGIOTASK, PROTECT_ARGUMENT_SIGNAL, ARGUMENT_TYPE_INT32, signal);
}

/* A limit of CPU time ends in a signal, one of descriptors in an agent that cannot work. */
SEC("lsm/task_setrlimit")
int BPF_PROG(protect_limit, struct task_struct *task, unsigned int resource)
{
	if (!is_agent(task) || may_signal(task))
		return 0;
	return refuse(PROTECT_FUNCTION_TASK_SETRLIMIT, PROTECT_ARGUMENT_RESOURCE, ARGUMENT_TYPE_INT32, resource);
}

/* ptrace, /proc/PID/mem, process_vm_writev, pidfd_getfd. Reading /proc is left alone: ps does it. */
SEC("lsm/ptrace_access_check")
int BPF_PROG(protect_trace, struct task_struct *task, unsigned int mode)
{
	if (!(mode & PTRACE_MODE_ATTACH) || !is_agent(task) || by_agent())
		return 0;
	return refuse(PROTECT_FUNCTION_PTRACE_ACCESS_CHECK, PROTECT_ARGUMENT_MODE, ARGUMENT_TYPE_INT32, mode);
}

static __always_inline int is_protected(__u32 kind, __u32 id)
{
	struct protected_object object = { .kind = kind, .id = id };

	return bpf_map_lookup_elem(&protect_objects, &object) != 0;
}

/* Whether a link that descriptor `fd` may stand for has a program of the agent. What is no link holds other words at that
 * place; what they lead to is no program of the agent. */
static __always_inline int is_protected_link(__u32 fd)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	struct fdtable *table = BPF_CORE_READ(task, files, fdt);
	struct file___protect *file = 0;
	struct bpf_link___protect *link;

	if (fd >= BPF_CORE_READ(table, max_fds))
		return 0;
	bpf_probe_read_kernel(&file, sizeof(file), BPF_CORE_READ(table, fd) + fd);
	link = BPF_CORE_READ(file, private_data);
	return is_protected(PROTECTED_PROGRAM, BPF_CORE_READ(link, prog, aux, id));
}

SEC("lsm/bpf")
int BPF_PROG(protect_bpf, int command, const void *attributes)
{
	__u32 tid = bpf_get_current_pid_tgid(), fd = 0;
	__u8 yes = 1;

	if (by_agent()) {
		if (command == COMMAND_MAP_CREATE || command == COMMAND_PROG_LOAD || command == COMMAND_OBJ_GET)
			bpf_map_update_elem(&protect_making, &tid, &yes, BPF_ANY);
		else
			bpf_map_delete_elem(&protect_making, &tid);
		return 0;
	}
	if (command != COMMAND_LINK_UPDATE && command != COMMAND_LINK_DETACH)
		return 0;
	/* Both begin with link_fd. */
	bpf_probe_read_kernel(&fd, sizeof(fd), attributes);
	if (!is_protected_link(fd))
		return 0;
	return refuse(PROTECT_FUNCTION_BPF, PROTECT_ARGUMENT_COMMAND, ARGUMENT_TYPE_BPF_CMD, command);
}

/* Asked for each new descriptor of an object: adds what the agent makes, refuses it to others. */
static __always_inline int object_access(__u32 kind, __u32 id, __u32 function, __u32 argument)
{
	struct protected_object object = { .kind = kind, .id = id };
	__u32 tid = bpf_get_current_pid_tgid();
	__u8 yes = 1;

	if (by_agent()) {
		if (bpf_map_lookup_elem(&protect_making, &tid))
			bpf_map_update_elem(&protect_objects, &object, &yes, BPF_ANY);
		return 0;
	}
	if (!bpf_map_lookup_elem(&protect_objects, &object))
		return 0;
	return refuse(function, argument, ARGUMENT_TYPE_UINT32, id);
}

/* Reading stays allowed, with BPF_F_RDONLY. */
SEC("lsm/bpf_map")
int BPF_PROG(protect_map, struct bpf_map___protect *map, unsigned int mode)
{
	if (!(mode & FMODE_WRITE))
		return 0;
	return object_access(PROTECTED_MAP, BPF_CORE_READ(map, id), PROTECT_FUNCTION_BPF_MAP, PROTECT_ARGUMENT_MAP);
}

/* With a descriptor of a program another one can be put in place of its functions (BPF_PROG_TYPE_EXT), or it be run with
 * made-up arguments. */
SEC("lsm/bpf_prog")
int BPF_PROG(protect_program, struct bpf_prog___protect *program)
{
	__u32 id = BPF_CORE_READ(program, aux, id);

	return object_access(PROTECTED_PROGRAM, id, PROTECT_FUNCTION_BPF_PROG, PROTECT_ARGUMENT_PROGRAM);
}

static __always_inline int has_name(struct dentry___protect *dentry, const volatile char *name)
{
	char own[PROTECT_NAME_BYTES] = {};
	int i;

	bpf_probe_read_kernel_str(own, sizeof(own), BPF_CORE_READ(dentry, d_name.name));
	for (i = 0; i < PROTECT_NAME_BYTES; i++) {
		if (own[i] != name[i])
			return 0;
		if (!own[i])
			break;
	}
	return 1;
}

static __always_inline int has_pins(struct super_block___protect *sb)
{
	return protect_device && BPF_CORE_READ(sb, s_magic) == BPF_FS_MAGIC && BPF_CORE_READ(sb, s_dev) == protect_device;
}

/* Of the agent's generation below thump/ in its bpffs, or thump/ itself. What former agents left can be removed. */
static __always_inline int is_pin(struct dentry___protect *dentry)
{
	struct dentry___protect *top = 0, *second = 0, *next;
	int i;

	if (!has_pins(BPF_CORE_READ(dentry, d_sb)))
		return 0;
	for (i = 0; i < 8; i++) {
		next = BPF_CORE_READ(dentry, d_parent);
		if (next == dentry)
			break;
		second = top;
		top = dentry;
		dentry = next;
	}
	if (!top || !has_name(top, pin_directory))
		return 0;
	return !second || has_name(second, protect_generation);
}

SEC("lsm/inode_unlink")
int BPF_PROG(protect_unlink, void *directory, struct dentry___protect *dentry)
{
	if (by_agent() || !is_pin(dentry))
		return 0;
	return refuse_name(PROTECT_FUNCTION_INODE_UNLINK, dentry);
}

SEC("lsm/inode_rmdir")
int BPF_PROG(protect_rmdir, void *directory, struct dentry___protect *dentry)
{
	if (by_agent() || !is_pin(dentry))
		return 0;
	return refuse_name(PROTECT_FUNCTION_INODE_RMDIR, dentry);
}

SEC("lsm/inode_rename")
int BPF_PROG(protect_rename, void *from, struct dentry___protect *dentry, void *to, struct dentry___protect *over)
{
	if (by_agent())
		return 0;
	if (is_pin(dentry))
		return refuse_name(PROTECT_FUNCTION_INODE_RENAME, dentry);
	if (is_pin(over))
		return refuse_name(PROTECT_FUNCTION_INODE_RENAME, over);
	return 0;
}

/* Pins go with their file system. PID 1 may: a machine that shuts down. */
SEC("lsm/sb_umount")
int BPF_PROG(protect_umount, struct vfsmount___protect *mount, int flags)
{
	__u32 own = bpf_get_current_pid_tgid() >> 32;

	if (own == protect_pid || own == 1 || !has_pins(BPF_CORE_READ(mount, mnt_sb)))
		return 0;
	return refuse(PROTECT_FUNCTION_SB_UMOUNT, PROTECT_ARGUMENT_FLAGS, ARGUMENT_TYPE_INT32, flags);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
