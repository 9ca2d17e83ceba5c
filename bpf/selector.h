/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Second step of a hook: which selectors are still alive after each filter. Loops run over constants, so the verifier
 * follows only the filters that there are. */
#ifndef THUMP_SELECTOR_H
#define THUMP_SELECTOR_H

#include "hook.h"
#include "selector_value.h"
#include "selector_string.h"
#include "selector_process.h"
#include "selector_expression.h"

/* 1 yes, 0 no, -1 no answer. `operator` and `type` are constants at every call. */
static __always_inline int filter_argument(__u32 slot, __u32 index, __u32 operator, __u32 type)
{
	switch (operator) {
	case FILTER_OPERATOR_STRINGS:
	case FILTER_OPERATOR_PREFIXES:
	case FILTER_OPERATOR_POSTFIXES:
		return filter_string(slot, index);
	case FILTER_OPERATOR_SUBSTRINGS:
	case FILTER_OPERATOR_SUBSTRINGS_CASELESS:
		return filter_substring(slot, index);
	case FILTER_OPERATOR_SOURCE_ADDRESS:
	case FILTER_OPERATOR_DESTINATION_ADDRESS:
	case FILTER_OPERATOR_SOURCE_PORT:
	case FILTER_OPERATOR_DESTINATION_PORT:
	case FILTER_OPERATOR_PROTOCOL:
	case FILTER_OPERATOR_FAMILY:
	case FILTER_OPERATOR_STATE:
		return filter_address(slot, index);
	case FILTER_OPERATOR_FILE_TYPE:
		return filter_file_type(slot, index);
	case FILTER_OPERATOR_CAPABILITIES_GAINED:
		return filter_capabilities_gained(slot, index);
	case FILTER_OPERATOR_EXPRESSION:
		return filter_expression(slot, index);
	}
	return filter_number(slot, index);
}

/* The argument after whose reading a filter can be answered. */
static __always_inline __u32 filter_due(const volatile struct hook_filter *f)
{
	if (f->operator == FILTER_OPERATOR_EXPRESSION)
		return HOOK_ARGUMENTS_MAX;
	if (f->operator == FILTER_OPERATOR_CAPABILITIES_GAINED && f->argument_new > f->argument)
		return f->argument_new;
	return f->argument;
}

/* Filters of `kind` on `argument` (HOOK_ARGUMENTS_MAX: those that need all of them). */
static __always_inline void select_argument(__u32 slot, struct hook_scratch *s, __u32 argument, __u32 kind)
{
	const volatile struct hook_filter *f;
	__u32 i;
	int answer;

	for (i = 0; i < HOOK_FILTERS_MAX; i++) {
		if (i >= hook.filter_count)
			break;
		f = &hook.filters[i];
		if (f->kind != kind || filter_due(f) != argument)
			continue;
		if (!(s->alive & (1U << (f->selector & 31))))
			continue;
		answer = -1;
		if (f->operator == FILTER_OPERATOR_EXPRESSION || s->read & (1U << (f->argument & 31)))
			answer = filter_argument(slot, i, f->operator,
						 hook.arguments[f->argument & (HOOK_ARGUMENTS_MAX - 1)].type);
		if (answer < 0 || (answer != 0) == ((f->flags & FILTER_FLAG_NEGATE) != 0))
			s->alive &= ~(1U << (f->selector & 31));
	}
}

/* Filters on the process; they come first, before any argument is read. */
static __always_inline void select_process(__u32 slot, struct hook_scratch *s)
{
	const volatile struct hook_filter *f;
	__u32 i;
	int answer;

	for (i = 0; i < HOOK_FILTERS_MAX; i++) {
		if (i >= hook.filter_count)
			break;
		f = &hook.filters[i];
		if (f->kind == FILTER_KIND_ARGUMENT || f->kind == FILTER_KIND_RETURN)
			continue;
		if (!(s->alive & (1U << (f->selector & 31))))
			continue;
		switch (f->kind) {
		case FILTER_KIND_PID:
			answer = filter_pid(slot, i);
			break;
		case FILTER_KIND_BINARY:
		case FILTER_KIND_PARENT_BINARY:
			answer = filter_binary(slot, i);
			break;
		case FILTER_KIND_NAMESPACE:
			answer = filter_namespace(slot, i);
			break;
		case FILTER_KIND_NAMESPACE_CHANGE:
			answer = filter_namespace_change(slot, i);
			break;
		case FILTER_KIND_CAPABILITY:
			answer = filter_capability(slot, i);
			break;
		case FILTER_KIND_CAPABILITY_CHANGE:
			answer = filter_capability_change(slot, i);
			break;
		case FILTER_KIND_CGROUP:
			answer = filter_cgroup(slot, f->set);
			break;
		default:
			answer = -1;
		}
		if (answer < 0 || (answer != 0) == ((f->flags & FILTER_FLAG_NEGATE) != 0))
			s->alive &= ~(1U << (f->selector & 31));
	}
}

#endif
