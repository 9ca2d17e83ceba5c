// Tracepoint events in compact form; raw_syscalls/sys_enter as a call with the kernel's own argument names.

import { type Json, type JsonObject, listAt, objectAt, textAt } from '../filter/json.ts'
import type { Parts } from './compact_kprobe.ts'
import { type Abi, COMPAT_BIT, syscallName } from '../kernel/syscall.ts'
import { maybeQuote } from './compact_style.ts'
import { SYSCALL_ARGUMENTS } from './syscall_arguments.gen.ts'

export function tracepointParts(event: JsonObject): Parts {
  const subsys = textAt(event, 'subsys')
  const name = textAt(event, 'event')
  if (subsys === 'raw_syscalls' && name === 'sys_enter') {
    return { symbol: '☎ ', name: 'syscall', details: [call(listAt(event, 'args'))] }
  }
  return { symbol: '⁉️', name: 'tracepoint', details: [maybeQuote(subsys), maybeQuote(name)] }
}

/** `openat(int dfd=3, const char * filename=?)`: what the policy did not ask for is a question mark. */
function call(args: readonly Json[]): string {
  const id = objectAt(args[0], 'syscall_id')
  const abi = textAt(id, 'abi') || 'x64'
  const number = id ? Number(id['id'] ?? 0) : Number(textAt(args[0], 'long_arg') || textAt(args[0], 'size_arg') || -1)
  const name = isAbi(abi) ? syscallName(abi, number >= COMPAT_BIT ? number - COMPAT_BIT : number) : undefined
  if (name === undefined) return 'unknown'
  const declared = Object.hasOwn(SYSCALL_ARGUMENTS, name) ? SYSCALL_ARGUMENTS[name] : undefined
  const parts = (declared ?? '').split(', ').filter((argument) => argument !== '')
    .map((argument, index) => argumentText(argument, args[index + 1]))
  return `${abi === 'x64' || abi === 'arm64' ? '' : `${abi}/`}${name}(${parts.join(', ')})`
}

function isAbi(text: string): text is Abi {
  return text === 'x64' || text === 'i386' || text === 'arm64'
}

function argumentText(argument: string, value: Json | undefined): string {
  const space = argument.lastIndexOf(' ')
  const type = argument.slice(0, space)
  const name = argument.slice(space + 1)
  const number = textAt(value, 'size_arg') || textAt(value, 'long_arg')
  if (number === '') return `${type} ${name}=?`
  return type.endsWith('*') ? `${type}${name}=0x${BigInt(number).toString(16)}` : `${type} ${name}=${number}`
}
