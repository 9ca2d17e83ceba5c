/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Since 7.0 (commit a46023d5616e) tracepoints run preemptible, yet the kernel skips a program that another task on the CPU
 * is in the middle of (bpf_prog_get_recursion_context()). So each program of the base sensor is attached several times
 * there: the first copy that nobody is in the middle of does the work, and the others see that it is done. */
#ifndef THUMP_AGAIN_H
#define THUMP_AGAIN_H

/* A program and its copies, which have names that end in _again_N and are loaded by user space only where they are needed. `body` is a
 * function of the context. With three copies an event is missed when four tasks of one CPU are preempted inside. */
#define PROGRAM_AND_COPIES(section, name, body)                                                                        \
	SEC(section) int name(struct bpf_raw_tracepoint_args *ctx) { return body(ctx); }                               \
	SEC(section) int name##_again_1(struct bpf_raw_tracepoint_args *ctx) { return body(ctx); }                 \
	SEC(section) int name##_again_2(struct bpf_raw_tracepoint_args *ctx) { return body(ctx); }                 \
	SEC(section) int name##_again_3(struct bpf_raw_tracepoint_args *ctx) { return body(ctx); }

#endif
