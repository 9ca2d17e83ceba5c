// `call:` into the functions that it means: a function, a system call's entry, or all of a list.
import { findSyscall, syscallNames } from '../kernel/syscall.ts'
import { nearest } from '../nearest.ts'
import type { FunctionTarget } from './attach.ts'
import { unknownSyscall } from './check.ts'
import { type Path, quote, type Report } from './error.ts'
import type { PlanFacts } from './facts_type.ts'
import { patternOf } from './list.ts'
import type { FunctionHook, PolicyList } from './type.ts'

/** Functions of one hook: kprobe.multi takes them in one call, others one by one. */
export const TARGETS_MAX = 20_000

/** Empty after reporting, or where `ignore.callNotFound` skips the hook. */
export function findTargets(
  hook: FunctionHook,
  kind: 'kprobe' | 'fentry',
  lists: readonly PolicyList[],
  facts: PlanFacts,
  path: Path,
  report: Report,
): FunctionTarget[] {
  if (hook.call.startsWith('list:')) {
    const list = lists.find((each) => each.name === hook.call.slice(5))
    return list === undefined ? [] : listTargets(list, lists.indexOf(list), facts, path, report)
  }
  const found = oneTarget(hook.call, hook.syscall, kind, facts)
  if (typeof found !== 'string') {
    if (hook.syscall && found.syscall === undefined) {
      report.warn(
        [...path, 'call'],
        `${quote(hook.call)} is no system call: its arguments are read as those of a function (syscall: false)`,
      )
    }
    if (!hook.syscall && hook.args.length > 0 && /_sys_/.test(hook.call)) {
      const syscall = findSyscall(hook.call, facts.architecture)
      if (syscall !== undefined && syscall.symbol === found.symbol) {
        report.warn([...path, 'call'], `${quote(hook.call)} is a system call: say syscall: true to read its arguments`)
      }
    }
    return [found]
  }
  if (hook.ignore.callNotFound) report.warn([...path, 'call'], `${found}: hook left out, as callNotFound says`)
  else report.error([...path, 'call'], found)
  return []
}

function oneTarget(call: string, as_syscall: boolean, kind: string, facts: PlanFacts): FunctionTarget | string {
  if (as_syscall || !known(call, facts)) {
    const syscall = findSyscall(call, facts.architecture)
    if (syscall !== undefined && as_syscall) {
      // 32-bit calls are served by __ia32_compat_sys_X where there is one, though __ia32_sys_X may be there as well.
      const compat = syscall.symbol.replace('__ia32_sys_', '__ia32_compat_sys_')
      const as_written = call === syscall.symbol && known(call, facts)
      const symbol = !as_written && known(compat, facts) ? compat : syscall.symbol
      // Without BTF nobody can say; with it, a wrapper that is not there means a call that is not built in.
      if (facts.types !== null && !known(symbol, facts)) {
        if (facts.attach.raw_tp.works) return target(symbol, { ...syscall, symbol }, facts)
        return `Cannot attach ${kind} ${quote(call)}: ${symbol} is not in this kernel`
      }
      return target(symbol, { ...syscall, symbol }, facts)
    }
    if (syscall !== undefined && !as_syscall) {
      return `Cannot attach ${kind} ${
        quote(call)
      }: a system call, whose function is ${syscall.symbol}; say syscall: true`
    }
    if (as_syscall && /^(.*\/|__\w+?_)?sys_/.test(call) && !known(call, facts)) {
      return `Cannot attach ${kind} ${quote(call)}: ${unknownSyscall(call, facts.architecture)}`
    }
  }
  if (known(call, facts)) return target(call, undefined, facts)
  // Neither BTF nor a list of symbols can be read: the loader will see.
  if (facts.types === null && facts.traceable(call) === undefined) return target(call, undefined, facts)
  const close = nearest(call.slice(0, 128), closeNames(call, facts))
  const where = facts.types === null ? "not among the kernel's symbols" : 'not in kernel BTF'
  return `Cannot attach ${kind} ${quote(call)}: ${where}, closest is ${quote(close)}`
}

function known(name: string, facts: PlanFacts): boolean {
  return facts.types?.findFunction(name) !== undefined || facts.traceable(name) === true ||
    facts.moduleOf(name) !== undefined
}

function target(symbol: string, syscall: FunctionTarget['syscall'], facts: PlanFacts): FunctionTarget {
  const prototype = facts.types?.findFunction(symbol)
  if (prototype !== undefined) return { symbol, syscall, types: facts.types, prototype, module: '' }
  const module = facts.moduleOf(symbol)
  const types = module === undefined ? undefined : facts.moduleTypes(module)
  const found = types?.findFunction(symbol)
  if (module === undefined || types === undefined || found === undefined) {
    return { symbol, syscall, types: facts.types, prototype: null, module: '' }
  }
  return { symbol, syscall, types, prototype: found, module }
}

/** Edit distance over 60,000 names takes a second: only those of similar length that share a beginning or an end. */
function closeNames(call: string, facts: PlanFacts): string[] {
  const head = call.slice(0, 3)
  const tail = call.slice(-3)
  const found = new Set<string>(['tcp_connect'])
  for (const names of [facts.types?.functionNames() ?? [], facts.traceableNames()]) {
    for (const name of names) {
      if (Math.abs(name.length - call.length) <= 3 && (name.startsWith(head) || name.endsWith(tail))) found.add(name)
      if (found.size > 5000) return [...found]
    }
  }
  return [...found]
}

function listTargets(list: PolicyList, index: number, facts: PlanFacts, path: Path, report: Report): FunctionTarget[] {
  const found: FunctionTarget[] = []
  if (list.type === 'generated_syscalls') {
    for (const name of syscallNames(facts.architecture)) {
      const one = oneTarget(`sys_${name}`, true, 'kprobe', facts)
      if (typeof one !== 'string' && (one.prototype !== null || facts.types === null)) found.push(one)
    }
  } else if (list.type === 'generated_ftrace') {
    const pattern = patternOf(list.pattern)
    if (typeof pattern !== 'string') {
      for (const name of facts.traceableNames()) if (pattern.test(name)) found.push(target(name, undefined, facts))
    }
    if (found.length === 0) {
      report.error(
        ['spec', 'lists', index, 'pattern'],
        `No function matches ${quote(list.pattern)}${
          facts.traceableNames().length === 0 ? ': available_filter_functions cannot be read' : ''
        }`,
      )
    }
  } else {
    list.values.forEach((value, i) => {
      const one = oneTarget(
        value,
        list.type === 'syscalls' || findSyscall(value, facts.architecture) !== undefined,
        'kprobe',
        facts,
      )
      if (typeof one === 'string') report.error(['spec', 'lists', index, 'values', i], one)
      else found.push(one)
    })
  }
  const unique = [...new Map(found.map((one) => [one.symbol, one])).values()]
  if (unique.length <= TARGETS_MAX) return unique
  report.error([...path, 'call'], `List ${quote(list.name)} has ${unique.length} functions, at most ${TARGETS_MAX}`)
  return []
}
