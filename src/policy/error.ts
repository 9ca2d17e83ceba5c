// Mistakes of a policy: found by path into the document, shown with file, line, column and a caret.

/** Keys and indexes from the document's root, as `['spec', 'kprobes', 0, 'call']`. */
export type Path = readonly (string | number)[]

export interface Mistake {
  readonly path: Path
  readonly message: string
  /** Points at the key instead of its value: unknown and duplicate keys. */
  readonly key?: boolean
}

export interface LocatedMistake {
  readonly file: string
  readonly line: number
  readonly column: number
  readonly message: string
  /** The line and a caret below the column; '' where there is no text. */
  readonly caret: string
}

/** Collects every mistake of one document. Parsing goes on after each with a value that fits the type. */
export class Report {
  readonly errors: Mistake[] = []
  readonly warnings: Mistake[] = []
  /** Whether the document writes the value in quotes: it is text then, whatever it looks like. */
  readonly quoted: (path: Path) => boolean
  /** Mistakes that left a stand-in value behind; see `seal`. */
  #sealed: readonly Mistake[] = []

  constructor(quoted: (path: Path) => boolean = () => false) {
    this.quoted = quoted
  }

  error(path: Path, message: string): void {
    if (this.#sealed.some((mistake) => startsWith(mistake.path, path))) return
    if (this.errors.length < MISTAKES_MAX) this.errors.push({ path, message })
  }

  /** From here on nothing is said about a value in which a mistake was found already: what follows from it is noise. */
  seal(): void {
    this.#sealed = [...this.errors]
  }

  errorAtKey(path: Path, message: string): void {
    if (this.errors.length < MISTAKES_MAX) this.errors.push({ path, message, key: true })
  }

  warn(path: Path, message: string): void {
    if (this.warnings.length < MISTAKES_MAX) this.warnings.push({ path, message })
  }
}

function startsWith(path: Path, head: Path): boolean {
  return head.length <= path.length && head.every((step, i) => step === path[i])
}

/** Enough for anyone to mend a file; a hostile file of 100,000 bad values must not fill the memory. */
export const MISTAKES_MAX = 200

/** `file:line:column: message` and the caret lines. */
export function mistakeText({ file, line, column, message, caret }: LocatedMistake): string {
  return `${file}:${line}:${column}: ${message}${caret === '' ? '' : '\n' + caret}`
}

/** A value of the document in a message: quoted, one line, at most 80 characters. */
export function quote(value: unknown): string {
  const text = typeof value === 'bigint' ? String(value) : JSON.stringify(value) ?? String(value)
  return text.length <= 80 ? text : text.slice(0, 77) + '...'
}

/** A policy file that was refused; `mistakes` are sorted by position. */
export class PolicyError extends Error {
  override name = 'PolicyError'
  readonly mistakes: readonly LocatedMistake[]

  constructor(mistakes: readonly LocatedMistake[]) {
    super(mistakes.map(mistakeText).join('\n'))
    this.mistakes = mistakes
  }
}
