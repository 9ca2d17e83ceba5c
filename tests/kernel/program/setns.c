// SPDX-License-Identifier: Apache-2.0
/* Calls setns(-1, 4711), which does nothing: for policies to find. */
#define _GNU_SOURCE
#include <sched.h>

int main(void)
{
	setns(-1, 4711);
	return 0;
}
