// RE2 patterns as JavaScript regular expressions: the same language, or an error.

import { type Cursor, RegexError, translateClass, unicodeClass } from './regex_class.ts'

export { RegexError } from './regex_class.ts'

interface Flags {
  readonly fold: boolean // i
  readonly lines: boolean // m
  readonly dot_all: boolean // s
  readonly ungreedy: boolean // U
}

/** Longest pattern that is accepted, in UTF-16 units. */
const PATTERN_UNITS_MAX = 10_000

/** RE2's bound on counted repetition. */
const REPEAT_MAX = 1_000

const QUANTIFIER = /^(?:[*+?]|\{(\d+)(?:(,)(\d*))?\})/

/**
 * Compiles an RE2 pattern (github.com/google/re2/wiki/Syntax), unanchored as Go's regexp.MatchString.
 * Look-around and back-references, which JavaScript has and RE2 has not, are RegexErrors, as is anything RE2 refuses.
 */
export function compileRegex(pattern: string, flags = ''): RegExp {
  if (pattern.length > PATTERN_UNITS_MAX) throw new RegexError(pattern, `longer than ${PATTERN_UNITS_MAX} characters`)
  const source = new Translator(pattern).run()
  try {
    return new RegExp(source, `u${flags}`)
  } catch (cause) {
    throw new RegexError(pattern, cause instanceof Error ? cause.message : String(cause), { cause })
  }
}

class Translator implements Cursor {
  readonly text: string
  position = 0
  #flags: Flags = { fold: false, lines: false, dot_all: false, ungreedy: false }
  #out = ''
  #repeatable = false
  /** Modifier groups opened by `(?i)` inside the present group: closed at its end, closed and reopened at `|`. */
  #folded = false
  readonly #groups: { flags: Flags; folded: boolean }[] = []

  constructor(text: string) {
    this.text = text
  }

  run(): string {
    while (this.position < this.text.length) this.#step()
    if (this.#groups.length > 0) throw new RegexError(this.text, 'missing closing )')
    if (this.#folded) this.#out += ')'
    return this.#out
  }

  #step(): void {
    const char = String.fromCodePoint(this.text.codePointAt(this.position) ?? 0)
    switch (char) {
      case '(':
        return this.#open()
      case ')':
        return this.#close()
      case '|':
        this.position++
        this.#out += this.#folded ? ')|(?i:' : '|'
        this.#repeatable = false
        return
      case '[':
        return this.#atom(translateClass(this))
      case '.':
        this.position++
        return this.#atom(this.#flags.dot_all ? '[\\s\\S]' : '[^\\n]')
      case '^':
        this.position++
        return this.#assertion(this.#flags.lines ? '(?<![^\\n])' : '^')
      case '$':
        this.position++
        return this.#assertion(this.#flags.lines ? '(?![^\\n])' : '$')
      case '\\':
        return this.#escape()
      case '*':
      case '+':
      case '?':
        return this.#quantifier()
      case '{':
        if (QUANTIFIER.test(this.text.slice(this.position))) return this.#quantifier()
    }
    this.position += char.length
    this.#atom(literal(char))
  }

  #atom(source: string): void {
    this.#out += source
    this.#repeatable = true
  }

  /** RE2 allows a repeated assertion; JavaScript needs a group around it. */
  #assertion(source: string): void {
    this.#atom(`(?:${source})`)
  }

  #open(): void {
    const rest = this.text.slice(this.position)
    this.#repeatable = false
    const saved = { flags: this.#flags, folded: this.#folded }
    if (!rest.startsWith('(?')) {
      this.position++
      this.#push(saved, '(')
      return
    }
    const named = /^\(\?P?<([A-Za-z_]\w*)>/.exec(rest)
    if (named) {
      this.position += named[0].length
      this.#push(saved, `(?<${named[1]}>`)
      return
    }
    if (/^\(\?<?[=!]/.test(rest)) throw new RegexError(this.text, 'look-around is not supported', this.position)
    if (/^\(\?P[=>]/.test(rest)) throw new RegexError(this.text, 'back-references are not supported', this.position)
    const flagged = /^\(\?([imsU]*)(?:-([imsU]+))?([:)])/.exec(rest)
    if (!flagged || (flagged[3] === ')' && flagged[1] === '' && flagged[2] === undefined)) {
      throw new RegexError(this.text, `invalid group "${rest.slice(0, 4)}"`, this.position)
    }
    this.position += flagged[0].length
    const flags = withFlags(this.#flags, flagged[1] ?? '', flagged[2] ?? '')
    if (flagged[3] === ':') {
      this.#push(saved, '(?:')
      this.#setFlags(flags)
    } else this.#setFlags(flags)
  }

  #push(saved: { flags: Flags; folded: boolean }, source: string): void {
    this.#groups.push(saved)
    this.#out += source
    this.#folded = false
  }

  #setFlags(flags: Flags): void {
    if (flags.fold !== this.#flags.fold) {
      if (this.#folded) {
        this.#out += ')' // back to what the enclosing group had
        this.#folded = false
      } else if (flags.fold) {
        this.#out += '(?i:'
        this.#folded = true
      } else throw new RegexError(this.text, '(?-i) inside a group that ignores case is not supported', this.position)
    }
    this.#flags = flags
  }

  #close(): void {
    const saved = this.#groups.pop()
    if (!saved) throw new RegexError(this.text, 'unexpected )', this.position)
    this.position++
    this.#out += this.#folded ? '))' : ')'
    this.#flags = saved.flags
    this.#folded = saved.folded
    this.#repeatable = true
  }

  #quantifier(): void {
    if (!this.#repeatable) throw new RegexError(this.text, 'missing argument to repetition operator', this.position)
    const match = QUANTIFIER.exec(this.text.slice(this.position))
    if (!match) throw new RegexError(this.text, 'invalid repetition', this.position)
    const [least, most] = [Number(match[1] ?? 0), Number(match[3] || match[1] || 0)]
    if (least > REPEAT_MAX || most > REPEAT_MAX || most < least) {
      throw new RegexError(this.text, `invalid repeat count ${match[0]}`, this.position)
    }
    this.position += match[0].length
    let lazy = this.#flags.ungreedy
    if (this.text[this.position] === '?') {
      this.position++
      lazy = !lazy
    }
    this.#out += match[0] + (lazy ? '?' : '')
    this.#repeatable = false // RE2: "invalid nested repetition operator"
  }

  #escape(): void {
    const next = this.text[this.position + 1]
    if (next === undefined) throw new RegexError(this.text, 'trailing backslash', this.position)
    if (next === 'Q') return this.#quoted()
    if (next === 'p' || next === 'P') return this.#atom(unicodeClass(this))
    const assertion = ASSERTION[next]
    if (assertion !== undefined) {
      this.position += 2
      return this.#assertion(assertion)
    }
    const known = PERL[next]
    if (known !== undefined) {
      this.position += 2
      return this.#atom(`[${known}]`)
    }
    this.#atom(literal(readEscape(this)))
  }

  #quoted(): void {
    const end = this.text.indexOf('\\E', this.position)
    const body = this.text.slice(this.position + 2, end < 0 ? undefined : end)
    this.position = end < 0 ? this.text.length : end + 2
    for (const char of body) this.#atom(literal(char))
  }
}

const ASSERTION: Readonly<Record<string, string>> = { A: '(?<![\\s\\S])', z: '(?![\\s\\S])', b: '\\b', B: '\\B' }

/** RE2's Perl classes are ASCII. */
const PERL: Readonly<Record<string, string>> = {
  d: '0-9',
  D: '^0-9',
  w: '0-9A-Za-z_',
  W: '^0-9A-Za-z_',
  s: '\\t\\n\\f\\r ',
  S: '^\\t\\n\\f\\r ',
}

function withFlags(flags: Flags, on: string, off: string): Flags {
  const value = (letter: string, before: boolean) => (on.includes(letter) || before) && !off.includes(letter)
  return {
    fold: value('i', flags.fold),
    lines: value('m', flags.lines),
    dot_all: value('s', flags.dot_all),
    ungreedy: value('U', flags.ungreedy),
  }
}

/** A character that stands for itself, as JavaScript's `u` mode wants it. */
export function literal(char: string): string {
  return /[\\^$.*+?()[\]{}|/-]/.test(char) ? (char === '-' ? '\\x2d' : `\\${char}`) : char
}

const CONTROL: Readonly<Record<string, string>> = {
  a: '\u0007',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\u000b',
}

/** The character that the escape at the cursor stands for; moves past it. Back-references are RegexErrors. */
export function readEscape(cursor: Cursor): string {
  const rest = cursor.text.slice(cursor.position)
  const hex = /^\\x(?:([0-9A-Fa-f]{2})|\{([0-9A-Fa-f]{1,6})\})/.exec(rest)
  if (hex) {
    cursor.position += hex[0].length
    const code = parseInt(hex[1] ?? hex[2] ?? '', 16)
    if (code > 0x10ffff) throw new RegexError(cursor.text, `invalid escape ${hex[0]}`, cursor.position)
    return String.fromCodePoint(code)
  }
  const octal = /^\\(0[0-7]{0,2}|[1-7][0-7]{1,2})/.exec(rest)
  if (octal) {
    cursor.position += octal[0].length
    return String.fromCharCode(parseInt(octal[1] ?? '0', 8))
  }
  const next = rest.slice(1, 2)
  if (/[1-9k]/.test(next)) throw new RegexError(cursor.text, 'back-references are not supported', cursor.position)
  const control = CONTROL[next]
  if (control === undefined && !/[^\w\s]/.test(next)) {
    throw new RegexError(cursor.text, `invalid escape \\${next}`, cursor.position)
  }
  cursor.position += 2
  return control ?? next
}
