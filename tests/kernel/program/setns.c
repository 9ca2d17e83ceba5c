// SPDX-License-Identifier: Apache-2.0
/* Calls setns(-1, 4711), which does nothing: for policies to find. With an argument, only once SIGUSR1 has come. */
#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>

int main(int argc, char **argv)
{
	sigset_t wanted;
	int signal;

	(void)argv;
	if (argc > 1) {
		sigemptyset(&wanted);
		sigaddset(&wanted, SIGUSR1);
		sigprocmask(SIG_BLOCK, &wanted, 0);
		sigwait(&wanted, &signal);
	}
	setns(-1, 4711);
	return 0;
}
