// Character classes of RE2 in JavaScript's notation: [[:alpha:]], \pL, \d inside brackets.

import { literal, readEscape } from './regex.ts'

/** A pattern that RE2 would refuse. */
export class RegexError extends Error {
  override readonly name = 'RegexError'
  constructor(pattern: string, problem: string, where?: number | ErrorOptions) {
    const place = typeof where === 'number' ? ` at character ${where + 1}` : ''
    super(`Cannot compile regular expression "${pattern}"${place}: ${problem}`, typeof where === 'object' ? where : {})
  }
}

export interface Cursor {
  readonly text: string
  position: number
}

const LAST = '\\u{10ffff}'

/** POSIX and Perl classes: [members, members of the complement]. */
const CLASS: Readonly<Record<string, readonly [string, string]>> = {
  alnum: ['0-9A-Za-z', `\\0-/:-@\\[-\`\\{-${LAST}`],
  alpha: ['A-Za-z', `\\0-@\\[-\`\\{-${LAST}`],
  ascii: ['\\0-\\x7f', `\\x80-${LAST}`],
  blank: ['\\t ', `\\0-\\x08\\n-\\x1f!-${LAST}`],
  cntrl: ['\\0-\\x1f\\x7f', ` -~\\x80-${LAST}`],
  digit: ['0-9', `\\0-/:-${LAST}`],
  graph: ['!-~', `\\0- \\x7f-${LAST}`],
  lower: ['a-z', `\\0-\`\\{-${LAST}`],
  print: [' -~', `\\0-\\x1f\\x7f-${LAST}`],
  punct: ['!-/:-@\\[-`\\{-~', `\\0- 0-9A-Za-z\\x7f-${LAST}`],
  space: ['\\t-\\r ', `\\0-\\x08\\x0e-\\x1f!-${LAST}`],
  upper: ['A-Z', `\\0-@\\[-${LAST}`],
  word: ['0-9A-Za-z_', `\\0-/:-@\\[-\\^\`\\{-${LAST}`],
  xdigit: ['0-9A-Fa-f', `\\0-/:-@G-\`g-${LAST}`],
}

const PERL_NAME: Readonly<Record<string, string>> = { d: 'digit', w: 'word' }
const PERL_SPACE = ['\\t\\n\\f\\r ', `\\0-\\x08\\x0b\\x0e-\\x1f!-${LAST}`] as const

/** The bracket expression at the cursor; moves past it. */
export function translateClass(cursor: Cursor): string {
  const start = cursor.position
  cursor.position++
  let out = '['
  if (cursor.text[cursor.position] === '^') {
    out += '^'
    cursor.position++
  }
  let first = true
  while (first || cursor.text[cursor.position] !== ']') {
    if (cursor.position >= cursor.text.length) throw new RegexError(cursor.text, 'missing closing ]', start)
    first = false
    const named = namedClass(cursor)
    if (named !== undefined) {
      out += named
      continue
    }
    const low = member(cursor)
    const dash = cursor.text[cursor.position] === '-' && cursor.text[cursor.position + 1] !== ']' &&
      cursor.position + 1 < cursor.text.length
    if (!dash) {
      out += literal(low)
      continue
    }
    cursor.position++
    const high = member(cursor)
    if ((high.codePointAt(0) ?? 0) < (low.codePointAt(0) ?? 0)) {
      throw new RegexError(cursor.text, `invalid character class range ${low}-${high}`, start)
    }
    out += `${literal(low)}-${literal(high)}`
  }
  cursor.position++
  return `${out}]`
}

function member(cursor: Cursor): string {
  if (cursor.text[cursor.position] === '\\') return readEscape(cursor)
  const char = String.fromCodePoint(cursor.text.codePointAt(cursor.position) ?? 0)
  cursor.position += char.length
  return char
}

function namedClass(cursor: Cursor): string | undefined {
  const rest = cursor.text.slice(cursor.position)
  const posix = /^\[:(\^?)([a-z]*):\]/.exec(rest)
  if (posix) {
    const found = CLASS[posix[2] ?? '']
    if (!found) throw new RegexError(cursor.text, `invalid character class ${posix[0]}`, cursor.position)
    cursor.position += posix[0].length
    return found[posix[1] === '^' ? 1 : 0]
  }
  const perl = /^\\([dwsDWS])/.exec(rest)?.[1]
  if (perl !== undefined) {
    cursor.position += 2
    const lower = perl.toLowerCase()
    const found = lower === 's' ? PERL_SPACE : CLASS[PERL_NAME[lower] ?? '']
    return found?.[perl === lower ? 0 : 1] ?? ''
  }
  return /^\\[pP]/.test(rest) ? unicodeClass(cursor) : undefined
}

/** `\pL`, `\p{Greek}`, `\P{^Lu}` at the cursor as JavaScript's property escape, a bare one fits inside brackets too. */
export function unicodeClass(cursor: Cursor): string {
  const match = /^\\([pP])(?:([A-Z])|\{(\^?)([A-Za-z_]+)\})/.exec(cursor.text.slice(cursor.position))
  if (!match) throw new RegexError(cursor.text, 'invalid character class range', cursor.position)
  cursor.position += match[0].length
  const name = match[2] ?? match[4] ?? ''
  const negative = (match[1] === 'P') !== (match[3] === '^')
  if (name === 'Any') return negative ? '\\P{Any}' : '\\p{Any}'
  const property = name.length <= 2 ? name : `Script=${name}`
  return `\\${negative ? 'P' : 'p'}{${property}}`
}
