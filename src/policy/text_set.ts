// Text values of filters into sets of the strings, prefixes, postfixes and needles maps.
import { FILTER_FLAG, FILTER_OPERATOR, type HookFilter } from '../../ffi/wire.gen.ts'
import type { ArgumentType } from './argument_type.ts'
import { addSet, type HookDraft } from './draft.ts'
import { type Path, quote } from './error.ts'

/** PREFIX_BYTES_MAX, NEEDLE_BYTES_MAX and STRING_BYTES_MAX of bpf/config.h. */
const AFFIX_BYTES_MAX = 252
const NEEDLE_BYTES_MAX = 127
const TEXT_BYTES_MAX = 4095
/** Each is searched for one after the other. */
const NEEDLES_MAX = 100

const MAPS: Readonly<Record<number, readonly ['strings' | 'prefixes' | 'postfixes' | 'needles', number]>> = {
  [FILTER_OPERATOR.EQUAL]: ['strings', TEXT_BYTES_MAX],
  [FILTER_OPERATOR.STRINGS]: ['strings', TEXT_BYTES_MAX],
  [FILTER_OPERATOR.PREFIXES]: ['prefixes', AFFIX_BYTES_MAX],
  [FILTER_OPERATOR.POSTFIXES]: ['postfixes', AFFIX_BYTES_MAX],
  [FILTER_OPERATOR.SUBSTRINGS]: ['needles', NEEDLE_BYTES_MAX],
  [FILTER_OPERATOR.SUBSTRINGS_CASELESS]: ['needles', NEEDLE_BYTES_MAX],
}

/** `type` is null for binaries, and where it is not known yet. */
export function textSet(
  draft: HookDraft,
  base: HookFilter,
  values: readonly string[],
  path: Path,
  operator: string,
  type: ArgumentType | null,
): HookFilter | undefined {
  const { report } = draft.context
  const [map, max] = MAPS[base.operator]!
  const before = report.errors.length
  const wanted: string[] = []
  for (const [i, value] of values.entries()) {
    // Tetragon trims NULs at the end of strings; buffers may end in them.
    let text = type === null || type.name === 'char_buf' || type.name === 'char_iovec'
      ? value
      : value.replace(/\0+$/, '')
    if (base.operator === FILTER_OPERATOR.SUBSTRINGS_CASELESS) text = asciiLower(text)
    const bytes = Buffer.byteLength(text)
    if (bytes === 0 && !(map === 'strings' && type !== null)) {
      report.error([...path, i], `Empty value of ${operator}: it would match everything`)
    } else if (bytes > max) {
      report.error([...path, i], `Value ${quote(value)} of ${operator} has ${bytes} bytes, at most ${max}`)
    } else wanted.push(text)
  }
  if (map === 'needles' && values.length > NEEDLES_MAX) {
    report.error(path, `${values.length} values of ${operator}, at most ${NEEDLES_MAX}`)
  }
  if (report.errors.length > before) return undefined
  const set = addSet(draft, { map, values: [...new Set(wanted)] })
  const found: HookFilter = {
    ...base,
    operator: base.operator === FILTER_OPERATOR.EQUAL ? FILTER_OPERATOR.STRINGS : base.operator,
    flags: base.flags | FILTER_FLAG.SET,
    set,
  }
  return map === 'needles' ? { ...found, value_count: 2, values: [0n, BigInt(new Set(wanted).size)] } : found
}

/** Only A to Z: the kernel compares bytes. */
function asciiLower(text: string): string {
  return text.replace(/[A-Z]/g, (letter) => letter.toLowerCase())
}
