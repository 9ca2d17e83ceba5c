// SPDX-License-Identifier: Apache-2.0
/* attempt fork|loop OPERATION COUNT WORKERS TARGET [PAUSE_US]: does an operation COUNT times in all, from WORKERS processes at once,
 * each time in a process of its own (fork) or all in one (loop), and prints for each worker `PID OUTCOMES`, one letter
 * per attempt: d done, r refused (EPERM), k killed, e any other error. TARGET is a file, or ADDRESS:PORT. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define THREADS 4

static const char *target;
static int file = -1;

static int append(void)
{
	int fd = open(target, O_WRONLY | O_APPEND);
	int error = fd < 0 || write(fd, "x", 1) != 1 ? errno : 0;

	if (fd >= 0)
		close(fd);
	return error;
}

static int in_place(void)
{
	if (file < 0)
		file = open(target, O_WRONLY);
	return file < 0 || pwrite(file, "x", 1, 0) != 1 ? errno : 0;
}

static int address(struct sockaddr_in *to)
{
	char host[64];
	const char *colon = strchr(target, ':');

	if (!colon || colon - target >= (long)sizeof(host))
		return -1;
	memcpy(host, target, colon - target);
	host[colon - target] = 0;
	memset(to, 0, sizeof(*to));
	to->sin_family = AF_INET;
	to->sin_port = htons(atoi(colon + 1));
	return inet_pton(AF_INET, host, &to->sin_addr) == 1 ? 0 : -1;
}

static int dial(int fast)
{
	struct sockaddr_in to;
	int fd = socket(AF_INET, SOCK_STREAM, 0), error = 0;

	if (fd < 0 || address(&to))
		return EINVAL;
	if (fast ? sendto(fd, "x", 1, MSG_FASTOPEN, (struct sockaddr *)&to, sizeof(to)) < 0 :
		   connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0)
		error = errno;
	close(fd);
	return error;
}

static int dial_plain(void)
{
	return dial(0);
}

static int dial_fast(void)
{
	return dial(1);
}

static int (*operation)(void);

static void *run(void *unused)
{
	operation();
	return unused;
}

/* The same from several threads at once; all of them end with the first that is killed. */
static int threads(void)
{
	pthread_t all[THREADS];
	int i;

	for (i = 0; i < THREADS; i++)
		if (pthread_create(&all[i], 0, run, 0))
			return EAGAIN;
	for (i = 0; i < THREADS; i++)
		pthread_join(all[i], 0);
	return 0;
}

static char outcome(int error)
{
	return error == 0 ? 'd' : error == EPERM ? 'r' : 'e';
}

static char in_child(int (*attempt)(void))
{
	pid_t child = fork();
	int status;

	if (child == 0)
		_exit(attempt());
	if (child < 0 || waitpid(child, &status, 0) != child)
		return 'e';
	if (WIFSIGNALED(status))
		return WTERMSIG(status) == 9 ? 'k' : 'e';
	return outcome(WEXITSTATUS(status));
}

int main(int argc, char **argv)
{
	int count, workers, i, n, forks, several = 0, pause_us = 0;
	char *outcomes;

	if (argc != 6 && argc != 7)
		return 2;
	if (argc == 7)
		pause_us = atoi(argv[6]);
	forks = strcmp(argv[1], "fork") == 0;
	if (strncmp(argv[2], "threads-", 8) == 0) {
		several = 1;
		argv[2] += 8;
	}
	if (strcmp(argv[2], "append") == 0)
		operation = append;
	else if (strcmp(argv[2], "in-place") == 0)
		operation = in_place;
	else if (strcmp(argv[2], "connect") == 0)
		operation = dial_plain;
	else if (strcmp(argv[2], "fast-open") == 0)
		operation = dial_fast;
	else
		return 2;
	count = atoi(argv[3]);
	workers = atoi(argv[4]);
	target = argv[5];
	if (count < 1 || workers < 1)
		return 2;
	for (i = 0; i < workers; i++) {
		if (fork() != 0)
			continue;
		outcomes = malloc(count + 1);
		for (n = 0; i + n * workers < count; n++) {
			outcomes[n] = forks ? in_child(several ? threads : operation) : outcome(operation());
			if (pause_us)
				usleep(pause_us);
		}
		outcomes[n] = 0;
		dprintf(1, "%d %s\n", getpid(), outcomes);
		return 0;
	}
	while (wait(0) > 0)
		;
	return 0;
}
