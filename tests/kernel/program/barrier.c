// SPDX-License-Identifier: Apache-2.0
/* barrier COUNT: so many processes of nine threads each, which all leave at the same time. */
#include <pthread.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define THREADS 9

static pthread_barrier_t barrier;

static void *leave(void *arg)
{
	pthread_barrier_wait(&barrier);
	return arg;
}

static void child(void)
{
	pthread_t thread;
	int i;

	pthread_barrier_init(&barrier, 0, THREADS);
	for (i = 1; i < THREADS; i++)
		pthread_create(&thread, 0, leave, 0);
	pthread_barrier_wait(&barrier);
	pthread_exit(0);
}

int main(int argc, char **argv)
{
	int count = argc > 1 ? atoi(argv[1]) : 1, i;

	for (i = 0; i < count; i++) {
		if (!fork())
			child();
		if (i % 4 == 3) /* a few at a time, so that they leave together on more than one CPU */
			while (wait(0) > 0)
				;
	}
	while (wait(0) > 0)
		;
	return 0;
}
