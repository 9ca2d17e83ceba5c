// SPDX-License-Identifier: Apache-2.0
/* Functions and a static probe that policies change. user_change WORD NUMBER, the exit status tells what came of it:
 *   call NUMBER    change_target(NUMBER), which gives NUMBER + 1
 *   two NUMBER     change_target(NUMBER) + change_second(NUMBER)
 *   point TEXT     a static probe thump:point whose arguments are the address of TEXT, in a register and in memory
 *   gate NUMBER    a static probe thump:gate whose argument is a variable of NUMBER, then that variable
 *   table NUMBER   a static probe thump:table whose arguments are found with a second register (elements NUMBER and
 *                  NUMBER - 1 of two tables) and by name, then the latter element */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

__attribute__((noinline, noclone, used)) int change_target(int number)
{
	__asm__ volatile("" : "+r"(number));
	return number + 1;
}

__attribute__((noinline, noclone, used)) int change_second(int number)
{
	__asm__ volatile("" : "+r"(number));
	return number + 2;
}

__attribute__((noinline, noclone, used)) int change_other(int number)
{
	__asm__ volatile("" : "+r"(number));
	return number + 50;
}

/* As sys/sdt.h leaves it. */
#define PROBE(name, arguments, ...)                                                                                    \
	__asm__ volatile("990: nop\n"                                                                                  \
			 ".pushsection .note.stapsdt,\"\",\"note\"\n"                                                  \
			 ".balign 4\n"                                                                                 \
			 ".4byte 992f-991f, 994f-993f, 3\n"                                                            \
			 "991: .asciz \"stapsdt\"\n"                                                                   \
			 "992: .balign 4\n"                                                                            \
			 "993: .8byte 990b\n"                                                                          \
			 ".8byte 0\n"                                                                                  \
			 ".8byte 0\n"                                                                                  \
			 ".asciz \"thump\"\n"                                                                          \
			 ".asciz \"" name "\"\n"                                                                       \
			 ".asciz \"" arguments "\"\n"                                                                  \
			 ".balign 4\n"                                                                                 \
			 "994:\n"                                                                                      \
			 ".popsection"                                                                                 \
			 : __VA_ARGS__)

static volatile int64_t wide_table[] = {100, 101, 1LL << 40, 103};
static volatile int32_t narrow_table[] = {-10, -11, -12, -13};
static volatile int32_t named = 77;

int main(int argc, char **argv)
{
	int number = argc > 2 ? atoi(argv[2]) : 0;
	volatile int32_t variable = number;

	if (argc > 2 && !strcmp(argv[1], "call"))
		return change_target(number);
	if (argc > 2 && !strcmp(argv[1], "two"))
		return change_target(number) + change_second(number);
	if (argc > 2 && !strcmp(argv[1], "gate")) {
		PROBE("gate", "-4@%0", "+m"(variable));
		return variable;
	}
#ifdef __x86_64__
	if (argc > 2 && !strcmp(argv[1], "table") && number > 0 && number < 4) {
		PROBE("table", "8@(%0,%1,8) -4@-4(%2,%1,4) -4@%3",
		      : "r"(wide_table), "r"((long)number), "r"(narrow_table), "m"(named)
		      : "memory");
		return narrow_table[number - 1];
	}
#endif
	if (argc > 2 && !strcmp(argv[1], "point")) {
		const char *volatile place = argv[2];

		PROBE("point", "8@%0 8@%1", : "r"(argv[2]), "m"(place));
		return 0;
	}
	return 255;
}
