// SPDX-License-Identifier: Apache-2.0
/* storm PARENTS CHILDREN: so many parents at once start so many short processes each, one after the other. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static void start(int parent, int child)
{
	char text[32];
	pid_t pid;

	snprintf(text, sizeof(text), "%d-%d", parent, child);
	pid = vfork();
	if (!pid) {
		execl("/bin/true", "true", text, (char *)0);
		_exit(127);
	}
	waitpid(pid, 0, 0);
}

int main(int argc, char **argv)
{
	int parents = argc > 1 ? atoi(argv[1]) : 1, children = argc > 2 ? atoi(argv[2]) : 1;
	int parent, child;

	for (parent = 0; parent < parents; parent++) {
		if (fork())
			continue;
		for (child = 0; child < children; child++)
			start(parent, child);
		_exit(0);
	}
	while (wait(0) > 0)
		;
	return 0;
}
