// SPDX-License-Identifier: Apache-2.0
/* crowd WORKERS SECONDS: WORKERS processes of one CPU open packet sockets as fast as they can, each interrupting the others
 * wherever the kernel can be preempted. Prints `TRIED DONE`: how many calls were made, and how many gave a socket. */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec + time.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
	int workers = argc > 1 ? atoi(argv[1]) : 0;
	double seconds = argc > 2 ? atof(argv[2]) : 0;
	long *count;
	cpu_set_t cpus;

	if (workers < 1 || seconds <= 0)
		return 2;
	count = mmap(0, 2 * sizeof(*count), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CPU_ZERO(&cpus);
	CPU_SET(0, &cpus);
	if (count == MAP_FAILED || sched_setaffinity(0, sizeof(cpus), &cpus) != 0)
		return 1;
	for (int i = 0; i < workers; i++) {
		double until = now() + seconds;

		if (fork() != 0)
			continue;
		while (now() < until) {
			int fd = socket(AF_PACKET, SOCK_RAW, 0);

			__sync_fetch_and_add(&count[0], 1);
			if (fd < 0 && errno != EPERM)
				return 1;
			if (fd < 0)
				continue;
			__sync_fetch_and_add(&count[1], 1);
			close(fd);
		}
		return 0;
	}
	for (int status; wait(&status) > 0;)
		if (status != 0)
			return 1;
	printf("%ld %ld\n", count[0], count[1]);
	return 0;
}
