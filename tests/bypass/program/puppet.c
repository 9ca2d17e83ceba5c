// SPDX-License-Identifier: Apache-2.0
/* puppet: a program that does nothing by itself. It prints where its string is and waits; who writes the name of a file
 * there makes it append to that file. */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

static volatile char order[4096];

int main(void)
{
	int i, fd;

	printf("%p\n", (void *)order);
	fflush(stdout);
	for (i = 0; i < 3000 && !order[0]; i++)
		usleep(10000);
	usleep(100000);
	fd = open((const char *)order, O_WRONLY | O_APPEND);
	return fd < 0 || write(fd, "x", 1) != 1;
}
