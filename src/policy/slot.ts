// The arguments of a hook in one list, with what the policy alone tells of their types.
import { argumentType } from './argument_type.ts'
import { ARGUMENTS_MAX } from './argument.ts'
import type { ArgumentSlot, HookKind } from './draft.ts'
import type { Path, Report } from './error.ts'
import { type Argument, CREDENTIAL_NAMES, type CredentialName, type Selector } from './type.ts'

export interface HookArguments {
  readonly args: readonly Argument[]
  readonly data?: readonly Argument[]
  readonly returnArg?: Argument | null
  readonly selectors: readonly Selector[]
}

/** Where credentials that matchCurrentCred names stand in task_struct. */
export const CREDENTIAL: Omit<Argument, 'label' | 'resolve'> = {
  index: 0,
  type: 'uint32',
  source: 'current_task',
  btfType: '',
  btfTypeModule: '',
  sizeArgIndex: 0,
  returnCopy: false,
  maxData: false,
}

/** Order: args, data, hidden, return value. Reports what is wrong with them without asking a kernel. */
export function slotsOf(hook: HookArguments, kind: HookKind, path: Path, report: Report): ArgumentSlot[] {
  const slots: ArgumentSlot[] = []
  const add = (argument: Argument, list: ArgumentSlot['list'], position: number, at: Path) => {
    checkArgument(argument, list, kind, at, report)
    // `resolve` ends at a type that only the kernel knows; what the policy says is not used then.
    const type = argument.type === 'auto' || argument.resolve !== '' ? null : argumentType(argument.type) ?? null
    slots.push({ argument, list, position, path: at, type })
  }
  hook.args.forEach((argument, i) => add(argument, 'args', i, [...path, 'args', i]))
  hook.data?.forEach((argument, i) => add(argument, 'data', i, [...path, 'data', i]))
  credentialNames(hook.selectors).forEach((name, i) =>
    add({ ...CREDENTIAL, label: name, resolve: `cred.${name}.val` }, 'hidden', i, [...path, 'selectors'])
  )
  if (hook.returnArg != null) add(hook.returnArg, 'return', 0, [...path, 'returnArg'])
  const read = slots.filter((slot) => slot.argument.type !== 'nop').length
  if (read > ARGUMENTS_MAX) {
    report.error(path, `${read} arguments, data and return value together, at most ${ARGUMENTS_MAX}`)
  }
  return slots
}

function credentialNames(selectors: readonly Selector[]): CredentialName[] {
  return CREDENTIAL_NAMES.filter((name) =>
    selectors.some((selector) => selector.matchCurrentCred.some((match) => match[name] !== null))
  )
}

function checkArgument(
  argument: Argument,
  list: ArgumentSlot['list'],
  kind: HookKind,
  path: Path,
  report: Report,
): void {
  const { type } = argument
  const buffer = type === 'char_buf' || type === 'char_iovec'
  if (argument.source !== '' && list !== 'data' && list !== 'hidden') {
    report.error([...path, 'source'], `source ${argument.source} in ${list}, works in data only`)
  }
  if (argument.source === '' && list === 'data') {
    report.error(path, 'Missing "source" in data, want current_task or pt_regs')
  }
  if (argument.source === 'pt_regs' && argument.resolve === '') {
    report.error(path, 'Missing "resolve" of source pt_regs, want a register such as rax')
  }
  if (argument.source === 'current_task' && argument.resolve === '') {
    report.error(path, 'Missing "resolve" of source current_task, want a path such as cred.uid.val')
  }
  if (argument.btfType !== '' && argument.resolve === '') {
    report.error([...path, 'btfType'], `btfType ${argument.btfType} without resolve: there is nothing to cast`)
  }
  // The format of a tracepoint says later whether it is one.
  if (argument.sizeArgIndex > 0 && !buffer && !(kind === 'tracepoint' && type === 'auto')) {
    report.error([...path, 'sizeArgIndex'], `sizeArgIndex with type ${type}, works with char_buf and char_iovec only`)
  }
  if (argument.returnCopy && !buffer) {
    report.error([...path, 'returnCopy'], `returnCopy with type ${type}, works with char_buf and char_iovec only`)
  }
  if (argument.maxData && !buffer && type !== 'iov_iter') {
    report.warn([...path, 'maxData'], `maxData with type ${type}, works with char_buf, char_iovec and iov_iter only`)
  }
  if (argument.maxData && argument.returnCopy) {
    report.error([...path, 'maxData'], 'maxData and returnCopy exclude each other')
  }
  if (argument.maxData && (type === 'char_iovec' || type === 'iov_iter')) {
    report.warn([...path, 'maxData'], `maxData with type ${type}: of several vectors 4096 bytes together are sent`)
  }
  if (type === 'syscall64' && kind !== 'tracepoint' && kind !== 'raw_tracepoint') {
    report.error([...path, 'type'], 'Type syscall64 works in tracepoints only')
  }
  if (type === 'data_loc' && kind !== 'tracepoint') {
    report.error([...path, 'type'], `Type ${type} works in tracepoints only`)
  }
  if (list === 'return' && argument.index !== 0) {
    report.warn([...path, 'index'], `Index ${argument.index} of returnArg means nothing: there is one return value`)
  }
  const depth = argument.resolve === '' ? 0 : argument.resolve.split('.').length
  if (depth > RESOLVE_NAMES_MAX) {
    report.error([...path, 'resolve'], `${depth} names in resolve, at most ${RESOLVE_NAMES_MAX}`)
  }
}

/** Longer than anything that stays within RESOLVE_STEPS_MAX dereferences; keeps the walk through BTF short. */
const RESOLVE_NAMES_MAX = 32
