// Colours and Go's quoting, for compact lines.

/** Paints text for a terminal, or leaves it as it is. */
export interface Style {
  blue(text: string): string
  green(text: string): string
  magenta(text: string): string
  cyan(text: string): string
  red(text: string): string
  yellow(text: string): string
}

function painter(code: number): (text: string) => string {
  return (text) => `\u001b[${code}m${text}\u001b[0m`
}

function plain(text: string): string {
  return text
}

export const PLAIN: Style = { blue: plain, green: plain, magenta: plain, cyan: plain, red: plain, yellow: plain }

export const COLOURED: Style = {
  blue: painter(34),
  green: painter(32),
  magenta: painter(35),
  cyan: painter(36),
  red: painter(31),
  yellow: painter(33),
}

/** `auto`: only on a terminal that is not dumb, and never with NO_COLOR (https://no-color.org: any non-empty value). */
export function chooseStyle(
  when: 'auto' | 'always' | 'never',
  terminal: boolean,
  env: Readonly<Record<string, string | undefined>>,
): Style {
  if (when === 'always') return COLOURED
  if (when === 'never' || !terminal || env['NO_COLOR'] || env['TERM'] === 'dumb') return PLAIN
  return COLOURED
}

// unicode.IsPrint of Go: letters, marks, numbers, punctuation, symbols and the ASCII space.
const PRINTABLE = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u
const BARE = /^[\p{L}\p{M}\p{N}\p{P}\p{S}]*$/u

const SHORT: Readonly<Record<string, string>> = {
  '\u0007': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\u000b': '\\v',
  '\\': '\\\\',
  '"': '\\"',
}

/** Go's strconv.Quote. */
export function quote(text: string): string {
  let out = '"'
  for (const char of text) {
    const short = SHORT[char]
    if (short !== undefined) out += short
    else if (PRINTABLE.test(char)) out += char
    else {
      const code = char.codePointAt(0) ?? 0
      if (code < 0x80) out += `\\x${code.toString(16).padStart(2, '0')}`
      else if (code < 0x10000) out += `\\u${code.toString(16).padStart(4, '0')}`
      else out += `\\U${code.toString(16).padStart(8, '0')}`
    }
  }
  return out + '"'
}

/** Quotes text with a space or anything unprintable in it, so that a line stays one line and its words are told apart. */
export function maybeQuote(text: string): string {
  return BARE.test(text) ? text : quote(text)
}
