// SPDX-License-Identifier: Apache-2.0
/* flood RATE SECONDS: waits for a line on stdin, then makes RATE getppid() calls per second, paced every 500 us; prints
 * how many it made. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static unsigned long long now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

int main(int argc, char **argv)
{
	unsigned long long rate = argc > 1 ? strtoull(argv[1], 0, 10) : 100000;
	unsigned long long seconds = argc > 2 ? strtoull(argv[2], 0, 10) : 1, start, made = 0, due;

	if (getchar() == EOF)
		return 1;
	start = now();
	while (made < rate * seconds) {
		due = (now() - start) * rate / 1000000000ull;
		if (due > rate * seconds)
			due = rate * seconds;
		if (due < made + rate / 2000 && due < rate * seconds) {
			struct timespec pause = { 0, 200000 };

			nanosleep(&pause, 0);
			continue;
		}
		for (; made < due; made++)
			syscall(SYS_getppid);
	}
	printf("%llu %llu\n", made, now() - start);
	return 0;
}
