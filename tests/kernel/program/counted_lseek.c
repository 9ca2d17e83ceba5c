// SPDX-License-Identifier: Apache-2.0
/* counted_lseek THREADS SECONDS: calls lseek(-1, n, 4711 + thread) with n = 0, 1, 2, ... in each thread until the time is
 * up; prints how many each thread made. A third argument is a
 * pause behind each call in microseconds. */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define THREADS_MAX 64
#define WHENCE_FIRST 4711

static double seconds;
static long pause_us;
static uint64_t counts[THREADS_MAX];

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static void *run(void *argument)
{
	long thread = (long)argument;
	double until = now() + seconds;
	uint64_t n = 0;

	while (now() < until) {
		lseek(-1, n++, WHENCE_FIRST + thread);
		if (pause_us)
			usleep(pause_us);
	}
	counts[thread] = n;
	return 0;
}

int main(int argc, char **argv)
{
	long threads = argc > 1 ? atol(argv[1]) : 1;
	pthread_t ids[THREADS_MAX];

	if (threads < 1 || threads > THREADS_MAX)
		return 2;
	seconds = argc > 2 ? atof(argv[2]) : 1;
	pause_us = argc > 3 ? atol(argv[3]) : 0;
	for (long i = 0; i < threads; i++)
		pthread_create(&ids[i], 0, run, (void *)i);
	for (long i = 0; i < threads; i++)
		pthread_join(ids[i], 0);
	for (long i = 0; i < threads; i++)
		printf("%lu\n", counts[i]);
	return 0;
}
