// SPDX-License-Identifier: Apache-2.0
/* reach WAY ADDRESS PORT: sends something to an IPv4 address in one of many ways. Ends with 0 if it was sent, else with the
 * error. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define THREADS 4
#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif

static struct sockaddr_in to;

static int failed(void)
{
	return errno ? errno : EIO;
}

static int open_and_connect(int type, int protocol)
{
	int fd = socket(AF_INET, type, protocol);

	return fd < 0 || connect(fd, (void *)&to, sizeof(to)) ? -1 : fd;
}

static int way_connect(void) { return open_and_connect(SOCK_STREAM, 0) < 0 ? failed() : 0; }
static int way_mptcp(void) { return open_and_connect(SOCK_STREAM, IPPROTO_MPTCP) < 0 ? failed() : 0; }

static int way_connect_udp(void)
{
	return send(open_and_connect(SOCK_DGRAM, 0), "x", 1, 0) == 1 ? 0 : failed();
}

static int way_nonblocking(void)
{
	int fd = open_and_connect(SOCK_STREAM | SOCK_NONBLOCK, 0);

	return fd < 0 && errno != EINPROGRESS ? failed() : 0;
}

static int way_fast_open(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	return sendto(fd, "x", 1, MSG_FASTOPEN, (void *)&to, sizeof(to)) < 0 ? failed() : 0;
}

/* connect() only notes the address; the first write() connects. */
static int way_fast_open_connect(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;

	setsockopt(fd, IPPROTO_TCP, 30 /* TCP_FASTOPEN_CONNECT */, &one, sizeof(one));
	return connect(fd, (void *)&to, sizeof(to)) || write(fd, "x", 1) != 1 ? failed() : 0;
}

static int way_sendto(void)
{
	return sendto(socket(AF_INET, SOCK_DGRAM, 0), "x", 1, 0, (void *)&to, sizeof(to)) == 1 ? 0 : failed();
}

static struct iovec part = { .iov_base = "x", .iov_len = 1 };
static struct mmsghdr message = { .msg_hdr = { .msg_name = &to, .msg_namelen = sizeof(to), .msg_iov = &part,
					       .msg_iovlen = 1 } };

static int way_sendmsg(void)
{
	return sendmsg(socket(AF_INET, SOCK_DGRAM, 0), &message.msg_hdr, 0) == 1 ? 0 : failed();
}

static int way_sendmmsg(void)
{
	return sendmmsg(socket(AF_INET, SOCK_DGRAM, 0), &message, 1, 0) == 1 ? 0 : failed();
}

/* UDP over IPv4 takes AF_UNSPEC for AF_INET. */
static int way_unspecified(void)
{
	to.sin_family = AF_UNSPEC;
	return way_sendto();
}

static int to_mapped(int type)
{
	struct sockaddr_in6 mapped = { .sin6_family = AF_INET6, .sin6_port = to.sin_port };
	int fd = socket(AF_INET6, type, 0);

	mapped.sin6_addr.s6_addr[10] = mapped.sin6_addr.s6_addr[11] = 0xff;
	memcpy(mapped.sin6_addr.s6_addr + 12, &to.sin_addr, 4);
	if (type == SOCK_STREAM)
		return connect(fd, (void *)&mapped, sizeof(mapped)) ? failed() : 0;
	return sendto(fd, "x", 1, 0, (void *)&mapped, sizeof(mapped)) == 1 ? 0 : failed();
}

static int way_mapped(void) { return to_mapped(SOCK_STREAM); }
static int way_mapped_udp(void) { return to_mapped(SOCK_DGRAM); }

static int way_ipv4_on_ipv6(void)
{
	return sendto(socket(AF_INET6, SOCK_DGRAM, 0), "x", 1, 0, (void *)&to, sizeof(to)) == 1 ? 0 : failed();
}

/* socketcall(SYS_CONNECT), as a program of 32 bits has it. */
static int way_int80(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	long result;
	struct {
		unsigned int arguments[3];
		struct sockaddr_in to;
	} *low = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);

	if (low == MAP_FAILED)
		return failed();
	low->to = to;
	low->arguments[0] = fd;
	low->arguments[1] = (unsigned int)(unsigned long)&low->to;
	low->arguments[2] = sizeof(to);
	asm volatile("int $0x80" : "=a"(result) : "a"(102), "b"(3), "c"(low->arguments) : "r8", "r9", "r10", "r11", "memory");
	return -result;
}

static struct {
	struct iphdr ip;
	struct udphdr udp;
	char data;
} __attribute__((packed)) packet;

static void fill_packet(void)
{
	packet.ip = (struct iphdr){ .version = 4, .ihl = 5, .ttl = 64, .protocol = IPPROTO_UDP,
				    .tot_len = htons(sizeof(packet)), .saddr = to.sin_addr.s_addr,
				    .daddr = to.sin_addr.s_addr };
	packet.udp = (struct udphdr){ .source = htons(4711), .dest = to.sin_port, .len = htons(9) };
}

/* The address in the packet is not the one that the kernel is told. */
static int way_raw(void)
{
	struct sockaddr_in near = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_RAW, IPPROTO_RAW);

	fill_packet();
	return fd < 0 || sendto(fd, &packet, sizeof(packet), 0, (void *)&near, sizeof(near)) < 0 ? failed() : 0;
}

static int way_packet(void)
{
	struct sockaddr_ll link = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_IP), .sll_halen = 6,
				    .sll_ifindex = if_nametoindex("lo") };
	int fd = socket(AF_PACKET, SOCK_DGRAM, 0);

	fill_packet();
	return fd < 0 || sendto(fd, &packet, sizeof(packet), 0, (void *)&link, sizeof(link)) < 0 ? failed() : 0;
}

static void *in_thread(void *unused)
{
	way_connect();
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
	return way_connect();
}

static int way_orphan(void)
{
	int ends[2], result = EIO;

	if (pipe(ends))
		return failed();
	if (fork() == 0) {
		if (fork() == 0) {
			while (getppid() != 1)
				usleep(1000);
			result = way_connect();
			_exit(write(ends[1], &result, sizeof(result)) < 0);
		}
		_exit(0);
	}
	wait(0);
	close(ends[1]);
	return read(ends[0], &result, sizeof(result)) == sizeof(result) ? result : EIO;
}

/* Two processes for two seconds, so that there is more to tell than anybody reads. */
static int way_flood(void)
{
	time_t until = time(0) + 2;
	int fd = socket(AF_INET, SOCK_DGRAM, 0), mine = fork();

	while (time(0) < until)
		sendto(fd, "x", 1, MSG_DONTWAIT, (void *)&to, sizeof(to));
	if (mine)
		wait(0);
	return 0;
}

#define WAY(function) { #function + 4, function }
static const struct {
	const char *name;
	int (*run)(void);
} ways[] = {
	WAY(way_connect), WAY(way_mptcp), WAY(way_connect_udp), WAY(way_nonblocking), WAY(way_fast_open),
	WAY(way_fast_open_connect), WAY(way_sendto), WAY(way_sendmsg), WAY(way_sendmmsg), WAY(way_unspecified),
	WAY(way_mapped), WAY(way_mapped_udp), WAY(way_ipv4_on_ipv6), WAY(way_int80), WAY(way_raw), WAY(way_packet),
	WAY(way_threads), WAY(way_orphan), WAY(way_flood),
};

int main(int argc, char **argv)
{
	size_t i;

	if (argc != 4)
		return 2;
	to.sin_family = AF_INET;
	to.sin_port = htons(atoi(argv[3]));
	if (inet_pton(AF_INET, argv[2], &to.sin_addr) != 1)
		return 2;
	for (i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
		if (strcmp(ways[i].name, argv[1]) == 0) {
			errno = 0;
			return ways[i].run();
		}
	return 2;
}
