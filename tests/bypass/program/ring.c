// SPDX-License-Identifier: Apache-2.0
/* ring plain|async|poll WAY ARGUMENT...: does things by io_uring instead of system calls; `async` asks for one of its worker
 * threads, `poll` for its polling thread. write FILE | unlink FILE | rename FROM TO | link FROM TO | connect ADDRESS PORT |
 * send ADDRESS PORT | fast-open ADDRESS PORT. Ends with 0 if done, else with the error. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ENTRIES 4

static int ring, polled;
static unsigned char flags;
static unsigned int *sq_tail, *sq_mask, *sq_array, *sq_flags, *cq_head, *cq_tail, *cq_mask;
static struct io_uring_sqe *sqes;
static struct io_uring_cqe *cqes;

static int begin(void)
{
	struct io_uring_params p = { .flags = polled ? IORING_SETUP_SQPOLL : 0, .sq_thread_idle = 1000 };
	char *sq, *cq;

	ring = syscall(SYS_io_uring_setup, ENTRIES, &p);
	if (ring < 0)
		return errno;
	sq = mmap(0, p.sq_off.array + p.sq_entries * 4, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring,
		  IORING_OFF_SQ_RING);
	cq = mmap(0, p.cq_off.cqes + p.cq_entries * sizeof(*cqes), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE,
		  ring, IORING_OFF_CQ_RING);
	sqes = mmap(0, p.sq_entries * sizeof(*sqes), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring,
		    IORING_OFF_SQES);
	if (sq == MAP_FAILED || cq == MAP_FAILED || sqes == MAP_FAILED)
		return errno;
	sq_tail = (void *)(sq + p.sq_off.tail);
	sq_mask = (void *)(sq + p.sq_off.ring_mask);
	sq_array = (void *)(sq + p.sq_off.array);
	sq_flags = (void *)(sq + p.sq_off.flags);
	cq_head = (void *)(cq + p.cq_off.head);
	cq_tail = (void *)(cq + p.cq_off.tail);
	cq_mask = (void *)(cq + p.cq_off.ring_mask);
	cqes = (void *)(cq + p.cq_off.cqes);
	return 0;
}

/* One request and its result. */
static int submit(struct io_uring_sqe sqe)
{
	unsigned int tail = *sq_tail, head = *cq_head;
	int result;

	sqe.flags |= flags;
	sqes[tail & *sq_mask] = sqe;
	sq_array[tail & *sq_mask] = tail & *sq_mask;
	__atomic_store_n(sq_tail, tail + 1, __ATOMIC_RELEASE);
	if (polled) {
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		if (*sq_flags & IORING_SQ_NEED_WAKEUP)
			syscall(SYS_io_uring_enter, ring, 1, 0, IORING_ENTER_SQ_WAKEUP, 0, 0);
	} else if (syscall(SYS_io_uring_enter, ring, 1, 1, IORING_ENTER_GETEVENTS, 0, 0) < 0) {
		return -errno;
	}
	while (__atomic_load_n(cq_tail, __ATOMIC_ACQUIRE) == head)
		usleep(1000);
	result = cqes[head & *cq_mask].res;
	__atomic_store_n(cq_head, head + 1, __ATOMIC_RELEASE);
	return result;
}

static int append(const char *file)
{
	int fd = submit((struct io_uring_sqe){ .opcode = IORING_OP_OPENAT, .fd = AT_FDCWD, .addr = (__u64)file,
					       .open_flags = O_WRONLY | O_APPEND });
	int result;

	if (fd < 0)
		return -fd;
	result = submit((struct io_uring_sqe){ .opcode = IORING_OP_WRITE, .fd = fd, .addr = (__u64) "x", .len = 1 });
	return result == 1 ? 0 : result < 0 ? -result : EIO;
}

static int two_names(int opcode, const char *from, const char *to)
{
	return -submit((struct io_uring_sqe){ .opcode = opcode, .fd = AT_FDCWD, .addr = (__u64)from,
					      .len = AT_FDCWD, .addr2 = (__u64)to });
}

static int reach(const char *way, const char *address, const char *port)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(atoi(port)) };
	struct iovec part = { .iov_base = "x", .iov_len = 1 };
	struct msghdr message = { .msg_name = &to, .msg_namelen = sizeof(to), .msg_iov = &part, .msg_iovlen = 1 };
	int datagram = strcmp(way, "send") == 0, result;
	int fd = socket(AF_INET, datagram ? SOCK_DGRAM : SOCK_STREAM, 0);

	if (fd < 0 || inet_pton(AF_INET, address, &to.sin_addr) != 1)
		return EINVAL;
	if (strcmp(way, "connect") == 0)
		result = submit((struct io_uring_sqe){ .opcode = IORING_OP_CONNECT, .fd = fd, .addr = (__u64)&to,
						       .off = sizeof(to) });
	else
		result = submit((struct io_uring_sqe){ .opcode = IORING_OP_SENDMSG, .fd = fd, .addr = (__u64)&message,
						       .len = 1, .msg_flags = datagram ? 0 : MSG_FASTOPEN });
	return result < 0 ? -result : 0;
}

int main(int argc, char **argv)
{
	int error;

	if (argc < 4)
		return 2;
	polled = strcmp(argv[1], "poll") == 0;
	flags = strcmp(argv[1], "async") == 0 ? IOSQE_ASYNC : 0;
	error = begin();
	if (error)
		return error;
	if (strcmp(argv[2], "write") == 0)
		return append(argv[3]);
	if (strcmp(argv[2], "unlink") == 0)
		return -submit((struct io_uring_sqe){ .opcode = IORING_OP_UNLINKAT, .fd = AT_FDCWD,
						      .addr = (__u64)argv[3] });
	if (argc != 5)
		return 2;
	if (strcmp(argv[2], "rename") == 0)
		return two_names(IORING_OP_RENAMEAT, argv[3], argv[4]);
	if (strcmp(argv[2], "link") == 0)
		return two_names(IORING_OP_LINKAT, argv[3], argv[4]);
	return reach(argv[2], argv[3], argv[4]);
}
