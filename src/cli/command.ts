// What a command of the client is: one entry of the table in thump.ts.

export interface Command {
  readonly name: string
  /** One line for the list of commands. */
  readonly summary: string
  /** What follows the name, and what it means; shown by `thump NAME --help`. */
  readonly usage: string
  /** Gives the exit status. Throws UsageError for 2, anything else for 1. */
  run(args: readonly string[], terminal: Terminal): Promise<number>
}

/** Where a command writes, and what it may assume there. */
export interface Terminal {
  readonly env: Readonly<Record<string, string | undefined>>
  /** Colour and other marks for people: only on a terminal, never with NO_COLOR. */
  readonly color: boolean
  readonly stdin: ReadableStream<Uint8Array>
  readonly stdin_is_terminal: boolean
  /** Resolves when it is written; rejects with EPIPE when nobody reads. */
  write(text: string): Promise<void>
  error(text: string): void
}

/** A mistake in how a command was called: exit status 2. */
export class UsageError extends Error {
  override name = 'UsageError'
}

export interface Options {
  readonly words: readonly string[]
  readonly values: ReadonlyMap<string, readonly string[]>
}

/**
 * Splits arguments into words and options. `known` maps each option (with dashes) to whether it takes a value;
 * `-o json`, `--server=X` and `--server X` are all understood. Throws UsageError for an unknown one.
 */
export function parseOptions(args: readonly string[], known: Readonly<Record<string, boolean>>): Options {
  const words: string[] = []
  const values = new Map<string, string[]>()
  for (let i = 0; i < args.length; i++) {
    const arg = args[i]!
    if (arg === '--') {
      words.push(...args.slice(i + 1))
      break
    }
    if (!arg.startsWith('-') || arg === '-') {
      words.push(arg)
      continue
    }
    const equals = arg.startsWith('--') ? arg.indexOf('=') : -1
    const name = equals < 0 ? arg : arg.slice(0, equals)
    const takes_value = Object.hasOwn(known, name) ? known[name] : undefined
    if (takes_value === undefined) {
      throw new UsageError(`Unknown option ${name}, known are ${Object.keys(known).sort().join(', ')}`)
    }
    let value = 'true'
    if (equals >= 0) value = arg.slice(equals + 1)
    else if (takes_value) {
      if (i + 1 >= args.length) throw new UsageError(`Option ${name} needs a value`)
      value = args[++i]!
    }
    values.set(name, [...values.get(name) ?? [], value])
  }
  return { words, values }
}

/** `-o json|text`, where `forms` are the other forms that a command knows; the first is the default. */
export function outputForm<T extends string>(options: Options, forms: readonly T[]): T {
  const given = options.values.get('-o')?.at(-1)
  if (given === undefined) return forms[0]!
  const form = forms.find((each) => each === given)
  if (form === undefined) throw new UsageError(`Invalid value "${given}" for -o, want ${forms.join('|')}`)
  return form
}
