// SPDX-License-Identifier: Apache-2.0
/* payload MARK: makes a file by which it is seen to have run. */
#include <fcntl.h>

int main(int argc, char **argv)
{
	return argc != 2 || creat(argv[1], 0644) < 0;
}
