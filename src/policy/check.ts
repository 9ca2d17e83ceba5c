// What is wrong with a policy whatever the kernel: names that lead nowhere, values that do not fit, what can never match.
import { COMPAT_BIT, findSyscall, syscallNames, syscallNumber } from '../kernel/syscall.ts'
import { nearest } from '../nearest.ts'
import { type HookDraft, type HookKind, newDraft, type PolicyContext } from './draft.ts'
import { type Path, quote, type Report } from './error.ts'
import { addSelectors } from './selector_plan.ts'
import { slotsOf } from './slot.ts'
import type { FunctionHook, PolicyList, Selector, TracingPolicy } from './type.ts'
import type { Abi } from '../kernel/syscall.ts'

type CheckedHook = Parameters<typeof slotsOf>[0]

export function checkPolicy(policy: TracingPolicy, report: Report): void {
  const { spec } = policy
  checkScope(policy, report)
  checkLists(spec.lists, report)
  const context: PolicyContext = {
    report,
    lists: spec.lists,
    workloads: [],
    host_namespaces: null,
    listIds: (list) => syscallIds(list, 'x64'),
  }
  const check = (hook: CheckedHook, kind: HookKind, path: Path): HookDraft => {
    const draft = newDraft(context, kind, path, slotsOf(hook, kind, path, report))
    addSelectors(draft, hook.selectors)
    return draft
  }
  const at = (key: string, i: number): Path => ['spec', key, i]
  spec.kprobes.forEach((hook, i) => {
    checkCall(hook, spec.lists, at('kprobes', i), report)
    check(hook, 'kprobe', at('kprobes', i))
  })
  spec.fentries.forEach((hook, i) => {
    checkCall(hook, spec.lists, at('fentries', i), report)
    check(hook, 'fentry', at('fentries', i))
  })
  spec.tracepoints.forEach((hook, i) => check(hook, hook.raw ? 'raw_tracepoint' : 'tracepoint', at('tracepoints', i)))
  spec.uprobes.forEach((hook, i) => check(hook, 'uprobe', at('uprobes', i)))
  spec.usdts.forEach((hook, i) => check(hook, 'usdt', at('usdts', i)))
  spec.lsmhooks.forEach((hook, i) => check(hook, 'lsm', at('lsmhooks', i)))
  checkEnforcers(policy, report)
}

function checkScope(policy: TracingPolicy, report: Report): void {
  const { spec, kind, namespace } = policy
  const count = spec.kprobes.length + spec.fentries.length + spec.tracepoints.length + spec.uprobes.length +
    spec.usdts.length + spec.lsmhooks.length + spec.enforcers.length
  if (count === 0 && !spec.loader) report.warn(['spec'], 'Policy has no hooks: it does nothing')
  if (spec.onBudget === 'monitor' && spec.killBudget === 0) {
    report.error(['spec', 'onBudget'], 'onBudget without killBudget: there is no budget to exceed')
  }
  if (kind === 'TracingPolicy') {
    if (namespace !== '') {
      report.warn(['metadata', 'namespace'], 'Namespace of a TracingPolicy means nothing, want TracingPolicyNamespaced')
    }
    return
  }
  if (namespace === '') report.error(['metadata'], 'Missing "namespace" of a TracingPolicyNamespaced')
  for (const key of ['uprobes', 'usdts'] as const) {
    if (spec[key].length > 0) {
      report.error(['spec', key], `${key} in a TracingPolicyNamespaced, works in TracingPolicy only`)
    }
  }
  if (spec.hostSelector !== null) {
    report.error(['spec', 'hostSelector'], 'hostSelector in a TracingPolicyNamespaced, works in TracingPolicy only')
  }
}

function checkLists(lists: readonly PolicyList[], report: Report): void {
  const seen = new Set<string>()
  lists.forEach((list, i) => {
    if (seen.has(list.name)) report.error(['spec', 'lists', i, 'name'], `Two lists with the name ${quote(list.name)}`)
    seen.add(list.name)
    if (list.type !== 'syscalls') return
    list.values.forEach((value, n) => {
      if (findSyscall(value, 'x64') !== undefined || findSyscall(value, 'arm64') !== undefined) return
      report.error(['spec', 'lists', i, 'values', n], unknownSyscall(value, 'x64'))
    })
  })
}

export function unknownSyscall(value: string, abi: Abi): string {
  const bare = value.replace(/^.*\//, '').replace(/^(__\w+?_)?sys_/, '')
  const close = nearest(bare.slice(0, 64), syscallNames(abi))
  return `Unknown system call ${quote(value)}, nearest is ${quote(`sys_${close}`)}`
}

function checkCall(hook: FunctionHook, lists: readonly PolicyList[], path: Path, report: Report): void {
  checkListName(hook.call, lists, [...path, 'call'], report)
  if (hook.returnArgAction === 'TrackSock' || hook.returnArgAction === 'UntrackSock') {
    const type = hook.returnArg?.type
    if (type !== undefined && type !== 'sock' && type !== 'socket' && type !== 'auto') {
      report.error(
        [...path, 'returnArgAction'],
        `returnArgAction ${hook.returnArgAction} with returnArg of type ${type}, want sock`,
      )
    }
  }
  if (hook.returnArgAction.endsWith('Sock') && hook.returnArg === null) {
    report.error(
      [...path, 'returnArgAction'],
      `returnArgAction ${hook.returnArgAction} needs return: true and returnArg`,
    )
  }
}

function checkListName(call: string, lists: readonly PolicyList[], path: Path, report: Report): void {
  if (!call.startsWith('list:') || lists.some((list) => list.name === call.slice(5))) return
  const names = lists.map((list) => list.name)
  const close = names.length === 0
    ? 'the policy has no lists'
    : `nearest is ${quote(`list:${nearest(call.slice(5), names)}`)}`
  report.error(path, `Unknown list ${quote(call)}, ${close}`)
}

function checkEnforcers({ spec }: TracingPolicy, report: Report): void {
  spec.enforcers.forEach((enforcer, i) =>
    enforcer.calls.forEach((call, n) => {
      const path = ['spec', 'enforcers', i, 'calls', n]
      checkListName(call, spec.lists, path, report)
      if (call.startsWith('list:') || call.startsWith('security_')) return
      if (findSyscall(call, 'x64') !== undefined || findSyscall(call, 'arm64') !== undefined) return
      report.error(
        path,
        `${unknownSyscall(call, 'x64')}; enforcers take system calls, lists of them and security_ functions`,
      )
    })
  )
  if (spec.enforcers.length > 0) return
  for (const key of ['kprobes', 'fentries', 'tracepoints', 'uprobes', 'usdts', 'lsmhooks'] as const) {
    spec[key].forEach((hook: { readonly selectors: readonly Selector[] }, i) =>
      hook.selectors.forEach((selector, s) =>
        selector.matchActions.forEach((action, a) => {
          if (action.action !== 'NotifyEnforcer') return
          const path = ['spec', key, i, 'selectors', s, 'matchActions', a]
          report.error(path, 'NotifyEnforcer in a policy without enforcers: there is nobody to notify')
        })
      )
    )
  }
}

/** Ids as filters compare them: the number, with COMPAT_BIT for 32-bit ABIs. */
export function syscallIds(list: PolicyList, native: Abi): readonly bigint[] | string {
  if (list.type === 'generated_ftrace') return 'it holds functions, want system calls'
  if (list.type === 'generated_syscalls') {
    return syscallNames(native).map((name) => BigInt(syscallNumber(native, name) ?? 0))
  }
  const ids: bigint[] = []
  for (const value of list.values) {
    const target = findSyscall(value, native)
    if (target === undefined) return `${quote(value)} is no system call`
    ids.push(BigInt(target.number) | (target.abi === 'i386' ? BigInt(COMPAT_BIT) : 0n))
  }
  return ids
}
