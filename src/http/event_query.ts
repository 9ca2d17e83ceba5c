// What a subscriber of /v1/events asks for: query parameters into a predicate over EventMeta.
import type { EventMeta } from '../event/type.ts'

/** A parameter that cannot be understood: status 400. */
export class QueryError extends Error {
  override name = 'QueryError'
}

type Predicate = (meta: EventMeta) => boolean

/** Parameters that select nothing. */
const OTHER = new Set(['since', 'format'])

/** Values of a parameter are joined by OR, parameters by AND. Unknown parameters are an error, not ignored. */
export function parseEventQuery(query: URLSearchParams): Predicate {
  const predicates: Predicate[] = []
  for (const key of new Set(query.keys())) {
    if (OTHER.has(key)) continue
    const values = query.getAll(key).flatMap((value) => splitList(key, value))
    const build = BUILDERS[key]
    if (build === undefined) {
      throw new QueryError(`Unknown parameter "${key}", known are ${[...Object.keys(BUILDERS), ...OTHER].join(', ')}`)
    }
    predicates.push(build(values))
  }
  return (meta) => predicates.every((predicate) => predicate(meta))
}

const BUILDERS: Readonly<Record<string, (values: readonly string[]) => Predicate>> = {
  types: (values) => {
    const types = new Set<string>(values.map((value) => value.toLowerCase()))
    return (meta) => types.has(meta.type)
  },
  policies: (values) => texts(values, (meta) => meta.policy),
  namespaces: (values) => texts(values, (meta) => meta.process?.image.pod?.namespace),
  pods: (values) => texts(values, (meta) => meta.process?.image.pod?.name),
  containers: (values) => {
    const match = values.map(textMatcher)
    return (meta) => {
      if (meta.process === undefined) return false
      const { pod, docker } = meta.process.image
      const name = pod?.container?.name
      return match.some((each) => (name !== undefined && each(name)) || (docker !== '' && each(docker)))
    }
  },
  binaries: (values) => (meta) => {
    const binary = meta.process?.image.binary
    return binary !== undefined && values.some((value) => binary.startsWith(value))
  },
  pids: (values) => {
    const pids = new Set(values.map((value) => {
      if (!/^\d{1,10}$/.test(value)) throw new QueryError(`Invalid pid "${value}"`)
      return Number(value)
    }))
    return (meta) => meta.process !== undefined && pids.has(meta.process.pid)
  },
  host: (values) => {
    const wanted = values.at(-1) !== 'false'
    return ({ process }) => {
      return process !== undefined && (process.image.docker === '' && process.image.pod === undefined) === wanted
    }
  },
}

function texts(values: readonly string[], pick: (meta: EventMeta) => string | undefined): Predicate {
  const match = values.map(textMatcher)
  return (meta) => {
    const text = pick(meta)
    return text !== undefined && match.some((each) => each(text))
  }
}

/** Exact text, or `/regular expression/`. */
function textMatcher(value: string): (text: string) => boolean {
  if (value.length < 2 || !value.startsWith('/') || !value.endsWith('/')) return (text) => text === value
  try {
    const regex = new RegExp(value.slice(1, -1), 'u')
    return (text) => regex.test(text)
  } catch (error) {
    throw new QueryError(`Invalid regular expression ${value}: ${error instanceof Error ? error.message : error}`)
  }
}

/** Commas separate values, but not inside a regular expression; `binaries` has none of those, only paths. */
function splitList(key: string, text: string): string[] {
  if (key !== 'binaries' && text.startsWith('/')) return [text]
  return text.split(',').filter((value) => value !== '')
}
