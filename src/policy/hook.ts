// The hook kinds of the language: kprobes, fentries, tracepoints, uprobes, usdts, lsmhooks.
import { argumentList, returnArgument } from './argument.ts'
import type { Path, Report } from './error.ts'
import { address, choice, flag, list, object, optional, type Reader, text, words } from './reader.ts'
import { selectorList } from './selector.ts'
import type { FunctionHook, LsmHook, TracepointHook, UprobeHook, UsdtHook } from './type.ts'

/** Hooks of one kind in one policy. */
export const HOOKS_MAX = 512
/** Symbols, offsets and addresses of one uprobe. */
const SITES_MAX = 4096
const FILE_MAX = 4095

/** A kernel symbol, possibly with an ABI before it, or a list. */
const symbol = text({
  min: 1,
  max: 512,
  pattern: /^(list:[\w.-]+|([a-z0-9]+\/)?[A-Za-z_][\w.$]*)$/,
  want: 'a function such as tcp_connect, a system call such as sys_write, or list:NAME',
})
/** Bytes of a message and of a tag that stand in events. */
const MESSAGE_BYTES_MAX = 256
const TAG_BYTES_MAX = 128
const message = optional(words(MESSAGE_BYTES_MAX, true), '')
const tags = list(words(TAG_BYTES_MAX, false), { max: 16 })
const file = text({ min: 1, max: FILE_MAX, pattern: /^[^\0]+$/, want: 'the path of a file' })

function returnRule<T extends { readonly return: boolean; readonly returnArg: unknown }>(
  hook: T,
  path: Path,
  report: Report,
): void {
  if (hook.return && hook.returnArg === null) {
    report.error(path, 'Missing "returnArg": return is true, so it must say the type of the return value')
  }
}

function checked<T>(reader: Reader<T>, check: (hook: T, path: Path, report: Report) => void): Reader<T> {
  return {
    fallback: undefined,
    read(value, path, report) {
      const before = report.errors.length
      const hook = reader.read(value, path, report)
      if (report.errors.length === before) check(hook, path, report)
      return hook
    },
  }
}

const functionHook: Reader<FunctionHook> = object<FunctionHook>({
  call: symbol,
  syscall: optional(flag, true),
  return: flag,
  message,
  args: argumentList,
  data: argumentList,
  returnArg: returnArgument,
  returnArgAction: optional(choice(['', 'Post', 'TrackSock', 'UntrackSock'] as const), ''),
  selectors: selectorList,
  tags,
  ignore: optional(object<FunctionHook['ignore']>({ callNotFound: flag }), { callNotFound: false }),
})

const tracepoint: Reader<TracepointHook> = object<TracepointHook>({
  subsystem: text({ min: 1, max: 128, pattern: /^[\w-]+$/, want: 'a subsystem such as sched' }),
  event: text({ min: 1, max: 128, pattern: /^[\w-]+$/, want: 'an event such as sched_process_exec' }),
  message,
  args: argumentList,
  data: argumentList,
  selectors: selectorList,
  tags,
  raw: flag,
})

const uprobe: Reader<UprobeHook> = object<UprobeHook>({
  path: file,
  btfPath: optional(file, ''),
  symbols: list(text({ min: 1, max: 512 }), { max: SITES_MAX }),
  offsets: list(address, { max: SITES_MAX }),
  addrs: list(address, { max: SITES_MAX }),
  refCtrOffsets: list(address, { max: SITES_MAX }),
  message,
  args: argumentList,
  data: argumentList,
  return: flag,
  returnArg: returnArgument,
  selectors: selectorList,
  tags,
  binaryDigests: list(
    text({
      pattern:
        /^((sha1:[0-9a-f]{40}|sha256:[0-9a-f]{64}|sha384:[0-9a-f]{96}|sha512:[0-9a-f]{128})|build-id:[0-9a-f]{8,64})$/i,
      want: 'sha1:, sha256:, sha384:, sha512: or build-id: and hexadecimal digits',
    }),
    { max: 64 },
  ),
  ignore: optional(object<UprobeHook['ignore']>({ digestVerificationFailure: flag }), {
    digestVerificationFailure: false,
  }),
})

const usdt: Reader<UsdtHook> = object<UsdtHook>({
  path: file,
  btfPath: optional(file, ''),
  provider: text({ min: 1, max: 128 }),
  name: text({ min: 1, max: 128 }),
  message,
  args: argumentList,
  selectors: selectorList,
  tags,
})

const lsm: Reader<LsmHook> = object<LsmHook>({
  hook: text({ min: 1, max: 128, pattern: /^[a-z_][a-z0-9_]*$/, want: 'an LSM hook such as file_open' }),
  message,
  args: argumentList,
  data: argumentList,
  selectors: selectorList,
  tags,
})

export const functionHooks = list(checked(functionHook, returnRule), { max: HOOKS_MAX })
export const tracepoints = list(tracepoint, { max: HOOKS_MAX })
export const lsmHooks = list(lsm, { max: HOOKS_MAX })
export const usdts = list(usdt, { max: HOOKS_MAX })
export const uprobes = list(
  checked(uprobe, (hook, path, report) => {
    returnRule(hook, path, report)
    const kinds = [hook.symbols, hook.offsets, hook.addrs].filter((sites) => sites.length > 0)
    if (kinds.length !== 1) {
      report.error(path, `Uprobe has ${kinds.length} of symbols, offsets and addrs, want exactly one of them`)
    } else if (hook.refCtrOffsets.length > 0 && hook.refCtrOffsets.length !== kinds[0]!.length) {
      const message = `${hook.refCtrOffsets.length} refCtrOffsets for ${kinds[0]!.length} places, want as many`
      report.error([...path, 'refCtrOffsets'], message)
    }
  }),
  { max: HOOKS_MAX },
)
