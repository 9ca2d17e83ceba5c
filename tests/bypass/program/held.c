// SPDX-License-Identifier: Apache-2.0
/* held FILE ADDRESS PORT: older than any policy. Opens FILE for writing, maps it, connects by TCP and UDP, says "ready", and
 * then does what each line of its input names (write, map, truncate, tcp, udp), answering with 0 or the error. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

static int connected(int type, const char *address, const char *port)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(atoi(port)) };
	int fd = socket(AF_INET, type, 0);

	inet_pton(AF_INET, address, &to.sin_addr);
	return connect(fd, (void *)&to, sizeof(to)) ? -1 : fd;
}

int main(int argc, char **argv)
{
	char line[64];
	int fd, tcp, udp, failed;
	char *map;

	if (argc != 4)
		return 2;
	fd = open(argv[1], O_RDWR);
	map = mmap(0, 1, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	tcp = connected(SOCK_STREAM, argv[2], argv[3]);
	udp = connected(SOCK_DGRAM, argv[2], argv[3]);
	if (fd < 0 || map == MAP_FAILED || tcp < 0 || udp < 0)
		return 1;
	printf("ready\n");
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin)) {
		errno = 0;
		failed = 0;
		if (strcmp(line, "write\n") == 0)
			failed = pwrite(fd, "x", 1, 0) != 1;
		else if (strcmp(line, "map\n") == 0)
			*map = 'y';
		else if (strcmp(line, "remap\n") == 0)
			failed = mmap(0, 1, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED;
		else if (strcmp(line, "truncate\n") == 0)
			failed = ftruncate(fd, 1);
		else if (strcmp(line, "tcp\n") == 0)
			failed = send(tcp, "x", 1, 0) != 1;
		else if (strcmp(line, "udp\n") == 0)
			failed = send(udp, "x", 1, 0) != 1;
		else
			return 2;
		printf("%d\n", failed ? errno : 0);
		fflush(stdout);
	}
	return 0;
}
