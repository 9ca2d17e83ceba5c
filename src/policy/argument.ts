// The `args`, `data` and `returnArg` part of the language.
import { ARGUMENT_TYPE_NAMES } from './argument_type.ts'
import { choice, flag, integer, list, object, optional, type Reader, text } from './reader.ts'
import type { Argument } from './type.ts'

/** Arguments, data and return value of one hook together; HOOK_ARGUMENTS_MAX of bpf/config.h. */
export const ARGUMENTS_MAX = 16

const NAME_MAX = 4096

export const argument: Reader<Argument> = object<Argument>({
  // Classic tracepoints count their fields, common ones included; functions have at most 12 parameters.
  index: optional(integer(0, 127), 0),
  type: optional(choice(ARGUMENT_TYPE_NAMES), 'auto'),
  resolve: optional(
    text({
      max: NAME_MAX,
      pattern: /^$|^[A-Za-z_]\w*(\[\d{1,9}\])*(\.[A-Za-z_]\w*(\[\d{1,9}\])*)*$|^\w+$/,
      want: 'a path such as a.b[3].c',
    }),
    '',
  ),
  source: optional(choice(['', 'current_task', 'pt_regs'] as const), ''),
  btfType: optional(text({ max: 256, pattern: /^\w*$/, want: 'the name of a struct' }), ''),
  btfTypeModule: optional(text({ max: 64, pattern: /^[\w-]*$/, want: 'the name of a module' }), ''),
  sizeArgIndex: optional(integer(0, 15), 0),
  returnCopy: flag,
  maxData: flag,
  label: optional(text({ max: 256 }), ''),
})

export const argumentList: Reader<readonly Argument[]> = list(argument, { max: ARGUMENTS_MAX })
export const returnArgument: Reader<Argument | null> = optional<Argument | null>(argument, null)
