// SPDX-License-Identifier: Apache-2.0
/* Calls that policies of tests/kernel/hook_*.test.ts are for. hook_calls WORD...:
 *   lseek OFFSET WHENCE     lseek(-1, OFFSET, WHENCE)
 *   open PATH               openat(AT_FDCWD, PATH, O_RDONLY), and close
 *   truncate PATH           truncate(PATH, 7)
 *   connect ADDRESS PORT    connect a TCP socket to an IPv4 or IPv6 address, and close it
 *   unix NAME               connect to a Unix socket, @NAME for an abstract one, and close
 *   write TEXT              write(1, TEXT)
 *   fill SIZE               write(1, SIZE bytes "abc...zabc..."), from the heap
 *   follow PATH             writes one, two (through a duplicate), and behind each close what nobody follows
 *   dial PORT               TCP to 127.0.0.1:PORT, 5 bytes, close
 *   probe NUMBER TEXT       hook_probe(NUMBER, TEXT), a function of its own for uprobes
 *   repeat COUNT OFFSET WHENCE   the same lseek COUNT times
 *   readv PATH SIZE SIZE    read a file into two buffers full of "x"
 *   lseek32 OFFSET WHENCE   the same as lseek by the 32 bit system call
 *   unshare                 enters a UTS namespace of its own
 *   become UID              setuid(UID), which takes root's capabilities away
 *   sendfile PATH           copies a file to stdout inside the kernel
 *   sleep SECONDS           lives on, for who asks about it */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

__attribute__((noinline, used)) int hook_probe(long number, const char *text)
{
	__asm__ volatile("" : : "r"(text) : "memory");
	return (int)number + 1;
}

/* The descriptor number of PATH is used again for another file. */
static int follow(const char *path)
{
	int file = open(path, O_CREAT | O_WRONLY, 0600), result = 0, other;

	result |= write(file, "one", 3) != 3;
	result |= dup2(file, 100) != 100;
	result |= write(100, "two", 3) != 3;
	close(100);
	result |= write(100, "behind", 6) != -1;
	close(file);
	other = open("/dev/null", O_WRONLY);
	result |= other != file;
	result |= write(other, "other", 5) != 5;
	close(other);
	return result;
}

static int dial(int port)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(port) };
	int sock = socket(AF_INET, SOCK_STREAM, 0), result;

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	result = connect(sock, (struct sockaddr *)&address, sizeof(address));
	if (!result)
		result = send(sock, "hello", 5, 0) != 5;
	close(sock);
	return result;
}

static void connect_tcp(const char *address, int port)
{
	struct sockaddr_in four = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct sockaddr_in6 six = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	int is_six = strchr(address, ':') != NULL;
	int fd = socket(is_six ? AF_INET6 : AF_INET, SOCK_STREAM, 0);

	inet_pton(AF_INET, address, &four.sin_addr);
	inet_pton(AF_INET6, address, &six.sin6_addr);
	if (is_six)
		connect(fd, (struct sockaddr *)&six, sizeof(six));
	else
		connect(fd, (struct sockaddr *)&four, sizeof(four));
	close(fd);
}

/* What stands behind an abstract name is not part of it. */
static void connect_unix(const char *name)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	memset(to.sun_path, 'x', sizeof(to.sun_path));
	strncpy(to.sun_path, name, sizeof(to.sun_path) - 1);
	if (name[0] == '@')
		to.sun_path[0] = 0;
	connect(fd, (struct sockaddr *)&to, offsetof(struct sockaddr_un, sun_path) + strlen(name) + (name[0] != '@'));
	close(fd);
}

static void read_vectors(const char *path, int first, int second)
{
	static char buffers[2][64];
	struct iovec vectors[] = { { buffers[0], first }, { buffers[1], second } };
	int fd = open(path, O_RDONLY);

	memset(buffers, 'x', sizeof(buffers));
	(void)!readv(fd, vectors, 2);
	close(fd);
}

static void seek32(int offset, int whence)
{
#ifdef __x86_64__
	long result = 19; /* arch/x86/entry/syscalls/syscall_32.tbl */

	__asm__ volatile("int $0x80" : "+a"(result) : "b"(-1L), "c"((long)offset), "d"((long)whence) : "memory");
#endif
}

static int copy_inside(const char *path)
{
	int fd = open(path, O_RDONLY);
	long sent = sendfile(1, fd, NULL, 4096);

	close(fd);
	return sent < 0;
}

int main(int argc, char **argv)
{
	int result = 0;

	for (int i = 1; i < argc; i++) {
		char *word = argv[i];

		if (!strcmp(word, "lseek") && i + 2 < argc) {
			lseek(-1, atol(argv[i + 1]), atoi(argv[i + 2]));
			i += 2;
		} else if (!strcmp(word, "lseek32") && i + 2 < argc) {
			seek32(atoi(argv[i + 1]), atoi(argv[i + 2]));
			i += 2;
		} else if (!strcmp(word, "unshare")) {
			result += unshare(CLONE_NEWUTS);
		} else if (!strcmp(word, "become") && i + 1 < argc) {
			result += setuid(atoi(argv[++i]));
		} else if (!strcmp(word, "sendfile") && i + 1 < argc) {
			result += copy_inside(argv[++i]);
		} else if (!strcmp(word, "repeat") && i + 3 < argc) {
			for (long n = atol(argv[i + 1]); n > 0; n--)
				lseek(-1, atol(argv[i + 2]), atoi(argv[i + 3]));
			i += 3;
		} else if (!strcmp(word, "readv") && i + 3 < argc) {
			read_vectors(argv[i + 1], atoi(argv[i + 2]), atoi(argv[i + 3]));
			i += 3;
		} else if (!strcmp(word, "sleep") && i + 1 < argc) {
			sleep(atoi(argv[++i]));
		} else if (!strcmp(word, "open") && i + 1 < argc) {
			int fd = openat(AT_FDCWD, argv[++i], O_RDONLY);

			if (fd >= 0)
				close(fd);
		} else if (!strcmp(word, "truncate") && i + 1 < argc) {
			/* Which of them fail is the test's business. */
			(void)!truncate(argv[++i], 7);
		} else if (!strcmp(word, "connect") && i + 2 < argc) {
			connect_tcp(argv[i + 1], atoi(argv[i + 2]));
			i += 2;
		} else if (!strcmp(word, "unix") && i + 1 < argc) {
			connect_unix(argv[++i]);
		} else if (!strcmp(word, "write") && i + 1 < argc) {
			i++;
			result += write(1, argv[i], strlen(argv[i])) < 0;
		} else if (!strcmp(word, "fill") && i + 1 < argc) {
			long size = atol(argv[++i]);
			char *bytes = malloc(size);

			if (!bytes)
				return 3;
			for (long n = 0; n < size; n++)
				bytes[n] = 'a' + n % 26;
			result += write(1, bytes, size) < 0;
			free(bytes);
		} else if (!strcmp(word, "follow") && i + 1 < argc) {
			result += follow(argv[++i]);
		} else if (!strcmp(word, "dial") && i + 1 < argc) {
			result += dial(atoi(argv[++i])) != 0;
		} else if (!strcmp(word, "probe") && i + 2 < argc) {
			result += hook_probe(atol(argv[i + 1]), argv[i + 2]) == 0;
			i += 2;
		} else {
			return 2;
		}
	}
	return result ? 1 : 0;
}
