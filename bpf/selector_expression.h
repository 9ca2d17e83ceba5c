/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* CelExpr filters: a stack machine over the numbers of the arguments. */
#ifndef THUMP_SELECTOR_EXPRESSION_H
#define THUMP_SELECTOR_EXPRESSION_H

#include "hook.h"

#define EXPRESSION_STACK 16
#define EXPRESSION_STACK_MASK (EXPRESSION_STACK - 1)

/* One step; s->bytes holds the stack, s->hash[0] its height. -1: an argument was not read. */
__noinline int expression_step(__u32 slot, __u32 step)
{
	struct hook_scratch *s = scratch_of(slot);
	const volatile struct expression_step *e;
	__u64 *stack, left, right, value = 0;
	__u32 top, argument;

	if (!s)
		return -1;
	e = &hook.expression[step & (EXPRESSION_STEPS_MAX - 1)];
	stack = (__u64 *)s->bytes;
	top = s->hash[0];
	if (e->operator == EXPRESSION_OPERATOR_CONSTANT || e->operator == EXPRESSION_OPERATOR_ARGUMENT) {
		value = e->value;
		if (e->operator == EXPRESSION_OPERATOR_ARGUMENT) {
			argument = value & (HOOK_ARGUMENTS_MAX - 1);
			if (!(s->read & (1U << argument)))
				return -1;
			value = s->number[argument];
		}
		stack[top & EXPRESSION_STACK_MASK] = value;
		s->hash[0] = top + 1;
		return 0;
	}
	right = stack[(top - 1) & EXPRESSION_STACK_MASK];
	if (e->operator == EXPRESSION_OPERATOR_NOT || e->operator == EXPRESSION_OPERATOR_INT32 ||
	    e->operator == EXPRESSION_OPERATOR_UINT32 || e->operator == EXPRESSION_OPERATOR_BIT_NOT) {
		switch (e->operator) {
		case EXPRESSION_OPERATOR_NOT:
			value = !right;
			break;
		case EXPRESSION_OPERATOR_INT32:
			value = (__u64)(__s64)(__s32)right;
			break;
		case EXPRESSION_OPERATOR_UINT32:
			value = (__u32)right;
			break;
		case EXPRESSION_OPERATOR_BIT_NOT:
			value = ~right;
			break;
		}
		stack[(top - 1) & EXPRESSION_STACK_MASK] = value;
		return 0;
	}
	left = stack[(top - 2) & EXPRESSION_STACK_MASK];
	switch (e->operator) {
	case EXPRESSION_OPERATOR_ADD:
		value = left + right;
		break;
	case EXPRESSION_OPERATOR_SUBTRACT:
		value = left - right;
		break;
	case EXPRESSION_OPERATOR_AND:
		value = left && right;
		break;
	case EXPRESSION_OPERATOR_OR:
		value = left || right;
		break;
	case EXPRESSION_OPERATOR_EQUAL:
		value = left == right;
		break;
	case EXPRESSION_OPERATOR_NOT_EQUAL:
		value = left != right;
		break;
	case EXPRESSION_OPERATOR_LESS_SIGNED:
		value = (__s64)left < (__s64)right;
		break;
	case EXPRESSION_OPERATOR_LESS_UNSIGNED:
		value = left < right;
		break;
	case EXPRESSION_OPERATOR_LESS_EQUAL_SIGNED:
		value = (__s64)left <= (__s64)right;
		break;
	case EXPRESSION_OPERATOR_LESS_EQUAL_UNSIGNED:
		value = left <= right;
		break;
	case EXPRESSION_OPERATOR_BIT_AND:
		value = left & right;
		break;
	case EXPRESSION_OPERATOR_BIT_OR:
		value = left | right;
		break;
	case EXPRESSION_OPERATOR_BIT_XOR:
		value = left ^ right;
		break;
	}
	stack[(top - 2) & EXPRESSION_STACK_MASK] = value;
	s->hash[0] = top - 1;
	return 0;
}

__noinline int filter_expression(__u32 slot, __u32 index)
{
	struct hook_scratch *s = scratch_of(slot);
	const volatile struct hook_filter *f;
	__u32 i;

	if (!s)
		return -1;
	f = &hook.filters[index & (HOOK_FILTERS_MAX - 1)];
	s->hash[0] = 0;
	for (i = 0; i < EXPRESSION_STEPS_MAX; i++) {
		if (i >= f->values[1])
			break;
		if (expression_step(slot, f->values[0] + i))
			return -1;
	}
	return *(__u64 *)s->bytes != 0;
}

#endif
