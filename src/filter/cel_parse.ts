// Common Expression Language: text to a tree (github.com/google/cel-spec, doc/langdef.md).

export class CelError extends Error {
  override readonly name = 'CelError'
}

export type CelNode =
  | { readonly kind: 'literal'; readonly value: null | boolean | number | bigint | string }
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'select'; readonly from: CelNode; readonly field: string }
  | { readonly kind: 'index'; readonly from: CelNode; readonly index: CelNode }
  | {
    readonly kind: 'call'
    readonly name: string
    readonly on: CelNode | undefined
    readonly args: readonly CelNode[]
  }
  | { readonly kind: 'list'; readonly items: readonly CelNode[] }
  | { readonly kind: 'map'; readonly entries: readonly (readonly [CelNode, CelNode])[] }
  | { readonly kind: 'unary'; readonly operator: '!' | '-'; readonly of: CelNode }
  | { readonly kind: 'binary'; readonly operator: string; readonly left: CelNode; readonly right: CelNode }
  | { readonly kind: 'choose'; readonly test: CelNode; readonly yes: CelNode; readonly no: CelNode }

interface Token {
  readonly kind: 'name' | 'number' | 'string' | 'operator' | 'end'
  readonly text: string
  readonly at: number
}

/** Longest expression and deepest nesting that are accepted, so that an expression from the network stays cheap. */
const TEXT_UNITS_MAX = 16_384
const DEPTH_MAX = 64

const TOKEN =
  /(?:\s|\/\/[^\n]*)*(?:(0x[0-9a-fA-F]+u?|\d+\.\d+(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+|\d+u?)|([rRbB]{0,2}(?:"""[^]*?"""|'''[^]*?'''|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'))|([A-Za-z_]\w*)|(\|\||&&|[=!<>]=|[-+*/%!<>?:.,()[\]{}])|$)/y

export function parseCel(text: string): CelNode {
  if (text.length > TEXT_UNITS_MAX) {
    throw new CelError(`Cannot parse CEL expression: longer than ${TEXT_UNITS_MAX} characters`)
  }
  return new Parser(text, tokenize(text)).run()
}

function tokenize(text: string): Token[] {
  const tokens: Token[] = []
  let at = 0
  for (;;) {
    TOKEN.lastIndex = at
    const match = TOKEN.exec(text)
    if (!match) throw new CelError(`Cannot parse CEL expression "${text}": unexpected character at ${at + 1}`)
    at = TOKEN.lastIndex
    const [, number, string, name, operator] = match
    const found = number ?? string ?? name ?? operator
    if (found === undefined) {
      tokens.push({ kind: 'end', text: 'end of expression', at })
      return tokens
    }
    const kind = number !== undefined
      ? 'number'
      : string !== undefined
      ? 'string'
      : name !== undefined
      ? 'name'
      : 'operator'
    tokens.push({ kind, text: found, at: at - found.length })
  }
}

/** Binary operators by rising precedence. */
const LEVELS: readonly (readonly string[])[] = [
  ['||'],
  ['&&'],
  ['==', '!=', '<', '<=', '>', '>=', 'in'],
  ['+', '-'],
  ['*', '/', '%'],
]

class Parser {
  #next = 0
  #depth = 0
  readonly #text: string
  readonly #tokens: readonly Token[]

  constructor(text: string, tokens: readonly Token[]) {
    this.#text = text
    this.#tokens = tokens
  }

  run(): CelNode {
    const tree = this.#expression()
    if (this.#peek().kind !== 'end') this.#fail('operator or end of expression')
    return tree
  }

  #peek(): Token {
    return this.#tokens[this.#next] ?? { kind: 'end', text: 'end of expression', at: this.#text.length }
  }

  #accept(text: string): boolean {
    const token = this.#peek()
    if (token.text !== text || token.kind === 'string' || token.kind === 'end') return false
    this.#next++
    return true
  }

  #expect(text: string): void {
    if (!this.#accept(text)) this.#fail(`"${text}"`)
  }

  #fail(wanted: string): never {
    const { text, at } = this.#peek()
    throw new CelError(`Cannot parse CEL expression "${this.#text}": "${text}" at ${at + 1}, want ${wanted}`)
  }

  #expression(): CelNode {
    if (++this.#depth > DEPTH_MAX) throw new CelError(`Cannot parse CEL expression: nested deeper than ${DEPTH_MAX}`)
    const test = this.#binary(0)
    let tree = test
    if (this.#accept('?')) {
      const yes = this.#binary(0)
      this.#expect(':')
      tree = { kind: 'choose', test, yes, no: this.#expression() }
    }
    this.#depth--
    return tree
  }

  #binary(level: number): CelNode {
    const operators = LEVELS[level]
    if (!operators) return this.#unary()
    let left = this.#binary(level + 1)
    for (;;) {
      const operator = operators.find((candidate) => this.#accept(candidate))
      if (operator === undefined) return left
      left = { kind: 'binary', operator, left, right: this.#binary(level + 1) }
    }
  }

  #unary(): CelNode {
    for (const operator of ['!', '-'] as const) {
      if (!this.#accept(operator)) continue
      if (++this.#depth > DEPTH_MAX) throw new CelError(`Cannot parse CEL expression: nested deeper than ${DEPTH_MAX}`)
      const of = this.#unary()
      this.#depth--
      return { kind: 'unary', operator, of }
    }
    return this.#member()
  }

  #member(): CelNode {
    let tree = this.#primary()
    for (;;) {
      if (this.#accept('.')) {
        const field = this.#peek()
        if (field.kind !== 'name') this.#fail('field name')
        this.#next++
        tree = this.#accept('(')
          ? { kind: 'call', name: field.text, on: tree, args: this.#items(')') }
          : { kind: 'select', from: tree, field: field.text }
      } else if (this.#accept('[')) {
        const index = this.#expression()
        this.#expect(']')
        tree = { kind: 'index', from: tree, index }
      } else return tree
    }
  }

  #primary(): CelNode {
    const token = this.#peek()
    if (token.kind === 'number') {
      this.#next++
      return { kind: 'literal', value: numberLiteral(token.text) }
    }
    if (token.kind === 'string') {
      this.#next++
      return { kind: 'literal', value: stringLiteral(token.text) }
    }
    if (token.kind === 'name') {
      this.#next++
      if (token.text === 'true' || token.text === 'false') return { kind: 'literal', value: token.text === 'true' }
      if (token.text === 'null') return { kind: 'literal', value: null }
      if (token.text === 'in') this.#fail('value')
      if (this.#accept('(')) return { kind: 'call', name: token.text, on: undefined, args: this.#items(')') }
      return { kind: 'name', name: token.text }
    }
    if (this.#accept('(')) {
      const tree = this.#expression()
      this.#expect(')')
      return tree
    }
    if (this.#accept('[')) return { kind: 'list', items: this.#items(']') }
    if (this.#accept('{')) return { kind: 'map', entries: this.#entries() }
    return this.#fail('value')
  }

  #items(end: string): CelNode[] {
    const items: CelNode[] = []
    while (!this.#accept(end)) {
      if (items.length > 0) {
        this.#expect(',')
        if (end === ']' && this.#accept(end)) break
      }
      items.push(this.#expression())
    }
    return items
  }

  #entries(): (readonly [CelNode, CelNode])[] {
    const entries: (readonly [CelNode, CelNode])[] = []
    while (!this.#accept('}')) {
      if (entries.length > 0) this.#expect(',')
      const key = this.#expression()
      this.#expect(':')
      entries.push([key, this.#expression()])
    }
    return entries
  }
}

function numberLiteral(text: string): number | bigint {
  const digits = text.replace(/u$/, '')
  const value = Number(digits)
  return Number.isInteger(value) && !Number.isSafeInteger(value) && !/[.eE]/.test(digits) ? BigInt(digits) : value
}

const ESCAPE: Readonly<Record<string, string>> = {
  a: '\u0007',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\u000b',
}

function stringLiteral(text: string): string {
  const prefix = /^[rRbB]*/.exec(text)?.[0] ?? ''
  const quoted = text.slice(prefix.length)
  const ends = quoted.startsWith('"""') || quoted.startsWith("'''") ? 3 : 1
  const body = quoted.slice(ends, -ends)
  if (/r/i.test(prefix)) return body
  return body.replaceAll(
    /\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-3][0-7]{2})|([^]))/g,
    (whole, hex: string, four: string, eight: string, octal: string, other: string) => {
      const digits = hex ?? four ?? eight
      if (digits !== undefined) return String.fromCodePoint(Math.min(parseInt(digits, 16), 0x10ffff))
      if (octal !== undefined) return String.fromCharCode(parseInt(octal, 8))
      if (/[\\"'`?]/.test(other)) return other
      const control = ESCAPE[other]
      if (control === undefined) throw new CelError(`Cannot parse CEL string ${text}: invalid escape ${whole}`)
      return control
    },
  )
}
