// SPDX-License-Identifier: Apache-2.0
/* Calls setns(-1, 4711), which does nothing: for policies to find. A number as argument is called with instead; a word: only once SIGUSR1 has come. */
#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
	sigset_t wanted;
	int signal;
	int number = argc > 1 ? atoi(argv[1]) : 4711;

	if (number == 0) {
		number = 4711;
		sigemptyset(&wanted);
		sigaddset(&wanted, SIGUSR1);
		sigprocmask(SIG_BLOCK, &wanted, 0);
		sigwait(&wanted, &signal);
	}
	setns(-1, number);
	return 0;
}
