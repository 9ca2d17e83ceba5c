// Facts of a kernel as a recording: every question that planning asked when the recording was made, and its answer.
import type { PlanFacts, TypeTable, UserBinary } from '../../src/policy/facts_type.ts'

export interface Recording {
  readonly release: string
  readonly version: readonly [number, number]
  readonly attach: PlanFacts['attach']
  readonly host_namespaces: Readonly<Record<string, number>>
  /** `method(arguments)` to the answer; absent: the answer was undefined. */
  readonly answers: Record<string, unknown>
}

/** 64-bit numbers as {"$": "decimal"}. */
export function toJson(value: unknown): string {
  const lines = JSON.stringify(value, (_, each) => typeof each === 'bigint' ? { $: String(each) } : each)
  // A line per answer, so that a new recording gives a readable difference.
  return lines.replaceAll(/,"(?=\w+(?:\.\w+)?\(|attach|answers|host_namespaces)/g, ',\n"') + '\n'
}

export function fromJson(text: string): Recording {
  return JSON.parse(text, (_, each) => {
    const wide = typeof each === 'object' && each !== null && typeof each.$ === 'string'
    return wide ? BigInt(each.$) : each
  }) as Recording
}

const TYPE_METHODS = [
  'findFunction',
  'findStruct',
  'findUnion',
  'findTypedef',
  'function',
  'struct',
  'findMember',
  'resolve',
  'sizeOf',
  'typeName',
] as const satisfies readonly (keyof TypeTable)[]

const BINARY_METHODS = ['symbol', 'symbolNames', 'address', 'digest', 'probes', 'probeNames'] as const

function key(name: string, args: readonly unknown[]): string {
  return `${name}(${args.map(String).join(',')})`
}

/** Answers from the recording. What was never asked is unknown: names are not found, types are void. */
export function recordedFacts(recording: Recording, changes: Partial<PlanFacts> = {}): PlanFacts {
  const { answers } = recording
  const answer = (name: string, args: readonly unknown[]) => answers[key(name, args)]
  const defaults: Record<string, unknown> = {
    resolve: { kind: 'void', id: 0 },
    struct: { members: [] },
    function: { name: '', parameters: [], returns: 0, variadic: false },
    sizeOf: 0,
    typeName: '?',
    symbolNames: [],
    probes: [],
    probeNames: [],
  }
  const proxy = (prefix: string, methods: readonly string[]) =>
    Object.fromEntries(
      methods.map((method) => [method, (...args: unknown[]) => answer(prefix + method, args) ?? defaults[method]]),
    )
  const names = (name: string) => (answers[name] ?? []) as readonly string[]
  return {
    release: recording.release,
    version: recording.version,
    architecture: 'x64',
    attach: recording.attach,
    types: { ...proxy('types.', TYPE_METHODS), functionNames: () => names('functionNames()') } as unknown as TypeTable,
    moduleTypes: () => undefined,
    fileTypes: () => undefined,
    moduleOf: () => undefined,
    traceable: (name) => (answer('traceable', [name]) ?? false) as boolean,
    traceableNames: () => names('traceableNames()'),
    preempts: false,
    full_trampolines: new Set(),
    module_trampolines: recording.attach.fentry,
    tracepoint: (...args) => (answer('tracepoint', args) ?? null) as ReturnType<PlanFacts['tracepoint']>,
    tracepointNames: () => names('tracepointNames()'),
    host_namespaces: recording.host_namespaces,
    binary: (path) => {
      const found = answer('binary', [path])
      return found === true ? proxy(`${path}.`, BINARY_METHODS) as unknown as UserBinary : 'no such file'
    },
    ...changes,
  }
}

/** Wraps live facts so that every answer goes into `answers`. */
export function recordFacts(facts: PlanFacts, answers: Record<string, unknown>): PlanFacts {
  const note = <T>(name: string, args: readonly unknown[], value: T): T => {
    if (value !== undefined) answers[key(name, args)] = value
    return value
  }
  const proxy = (prefix: string, methods: readonly string[], of: object) =>
    Object.fromEntries(methods.map((method) => [
      method,
      (...args: unknown[]) =>
        note(prefix + method, args, (of as Record<string, (...args: unknown[]) => unknown>)[method]!(...args)),
    ]))
  return {
    ...facts,
    types: facts.types === null ? null : {
      ...proxy('types.', TYPE_METHODS, facts.types),
      functionNames: () => facts.types?.functionNames() ?? [],
    } as unknown as TypeTable,
    moduleTypes: () => undefined,
    fileTypes: () => undefined,
    moduleOf: () => undefined,
    traceable: (name) => note('traceable', [name], facts.traceable(name)),
    tracepoint: (...args) => note('tracepoint', args, facts.tracepoint(...args)),
    binary: (path) => {
      const found = facts.binary(path)
      if (typeof found === 'string') return found
      note('binary', [path], true)
      return proxy(`${path}.`, BINARY_METHODS, found) as unknown as UserBinary
    },
  }
}
