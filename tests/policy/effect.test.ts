import { expect, test } from 'bun:test'
import fs from 'node:fs'
import { ACTION_FLAG, ACTION_KIND, type HookAction } from '../../ffi/wire.gen.ts'
import {
  claimed,
  effectWarnings,
  isProven,
  PROVEN_HOOKS,
  skipWarnings,
  verdictOf,
  withEnforcers,
} from '../../src/policy/effect.ts'
import type { PlanFacts } from '../../src/policy/facts_type.ts'
import type { HookPlan } from '../../src/policy/plan_type.ts'

test('PROVEN_HOOKS are those that the test program tries', () => {
  const source = fs.readFileSync(`${import.meta.dirname}/../kernel/program/effect.c`, 'utf8')
  const tried = [...source.matchAll(/^\t\{ "(\w+)", /gm)].map((match) => match[1]!)
  expect(tried).toEqual([...PROVEN_HOOKS])
})

test('isProven() knows LSM hooks by the functions that ask them, and system calls', () => {
  expect(isProven({ kind: 'lsm', hook: 'file_open' })).toBe(true)
  expect(isProven({ kind: 'lsm', hook: 'kernel_read_file' })).toBe(false)
  expect(isProven({ kind: 'fmod_ret', function: 'security_bprm_check' })).toBe(true)
  expect(isProven({ kind: 'fmod_ret', function: 'security_kernel_read_file' })).toBe(false)
  expect(isProven({ kind: 'fmod_ret', function: '__x64_sys_lseek' })).toBe(true)
  expect(isProven({ kind: 'kprobe', functions: ['security_file_open'] })).toBe(false)
})

function action(kind: number, changes: Partial<HookAction> = {}): HookAction {
  return { kind, selector: 0, flags: 0, error: 0, signal: 0, ...changes } as HookAction
}

test('verdictOf() prevents where it is proven, refuses where it is not, terminates where it cannot refuse', () => {
  const kill = [action(ACTION_KIND.SIGKILL)]
  expect(verdictOf(kill, true, true)).toBe('prevents')
  expect(verdictOf(kill, true, false)).toBe('refuses')
  expect(verdictOf(kill, false, true)).toBe('terminates')
  expect(verdictOf([action(ACTION_KIND.SIGKILL, { flags: ACTION_FLAG.AT_RETURN })], true, true)).toBe('terminates')
  expect(verdictOf([action(ACTION_KIND.SIGNAL, { signal: 9 })], true, true)).toBe('terminates')
  expect(verdictOf([action(ACTION_KIND.POST)], true, true)).toBe('observes')
})

function hook(names: string[], verdict: HookPlan['verdict'], changes: object = {}): HookPlan {
  return { names, verdict, family: 'trampoline', config: { actions: [] }, ...changes } as unknown as HookPlan
}

test('effectWarnings() tells of truncation at open, and of refusals that nobody has compared', () => {
  const late = effectWarnings([hook(['security_file_permission'], 'prevents')])
  expect(late).toEqual([expect.stringContaining('file_permission is not asked when a file is truncated')])
  expect(effectWarnings([hook(['security_file_permission'], 'observes')])).toEqual([])
  expect(effectWarnings([hook(['security_file_permission'], 'prevents'), hook(['file_open'], 'prevents')])).toEqual([])
  expect(effectWarnings([hook(['security_kernel_read_file'], 'refuses')])).toEqual([
    expect.stringContaining('security_kernel_read_file answers with an error'),
  ])
})

test('withEnforcers() has a notifying hook prevent what its enforcers prevent, if they are at all its calls', () => {
  const notify = { config: { actions: [action(ACTION_KIND.NOTIFYENFORCER)] } }
  const enforcer = hook(['__x64_sys_a'], 'prevents', { family: 'enforcer' })
  const verdicts = (hooks: HookPlan[]) => withEnforcers(hooks).map(({ verdict }) => verdict)
  expect(verdicts([hook(['__x64_sys_a'], 'observes', notify), enforcer])).toEqual(['prevents', 'prevents'])
  expect(verdicts([hook(['__x64_sys_a', '__x64_sys_b'], 'observes', notify), enforcer])).toEqual([
    'observes',
    'prevents',
  ])
  expect(verdicts([hook(['__x64_sys_a'], 'observes'), enforcer])).toEqual(['observes', 'prevents'])
  const skipped = hook(['__x64_sys_a'], 'refuses', { family: 'enforcer' })
  expect(verdicts([hook(['__x64_sys_a'], 'observes', notify), skipped])).toEqual(['refuses', 'refuses'])
})

test('a kernel that preempts may skip fmod_ret, which is then not said to prevent', () => {
  const by = (kind: string) => hook(['__x64_sys_a'], 'prevents', { programs: [{ attach: { kind } }] })
  const on = (preempts: boolean) => ({ preempts }) as unknown as PlanFacts
  expect(claimed(by('fmod_ret'), on(true)).verdict).toBe('refuses')
  expect(claimed(by('fmod_ret'), on(false)).verdict).toBe('prevents')
  expect(claimed(by('lsm'), on(true)).verdict).toBe('prevents')
  expect(skipWarnings([by('fmod_ret'), by('lsm')], on(true))).toEqual([
    expect.stringContaining('__x64_sys_a (fmod_ret)'),
  ])
  expect(skipWarnings([by('fmod_ret')], on(false))).toEqual([])
})
