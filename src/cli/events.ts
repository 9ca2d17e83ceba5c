// `thump events`: the live stream of an agent, or NDJSON from stdin, for people or as JSON.

import { fstatSync } from 'node:fs'
import { compileFieldFilters, parseFieldFilters } from '../filter/fields.ts'
import { type JsonObject, parseLine } from '../filter/json.ts'
import { compileQuery, QUERY_HELP } from '../filter/query.ts'
import { FilterError } from '../filter/type.ts'
import { viewOfDocument } from '../filter/view.ts'
import { AgentClient, AgentError, CLIENT_OPTIONS, CLIENT_USAGE } from './client.ts'
import { type Command, type Options, outputForm, parseOptions, type Terminal, UsageError } from './command.ts'
import { type CompactOptions, formatCompact } from './compact.ts'
import { chooseStyle } from './compact_style.ts'
import { readEvents } from './event_stream.ts'
import { readLines } from './line_reader.ts'
import { LineWriter } from './line_writer.ts'

/** Flags that select events, with the names that tetra has for them; each becomes a query parameter. */
const SELECTING: Readonly<Record<string, string>> = {
  ...Object.fromEntries(Object.keys(QUERY_HELP).map((name) => [`--${name}`, name])),
  '-e': 'types',
  '--event-types': 'types',
  '-n': 'namespaces',
  '--namespace': 'namespaces',
  '--policy-names': 'policies',
}

/** Flags of tetra that are a field of one filter. */
const FILTER_FLAGS: Readonly<Record<string, string>> = {
  '--process': 'binary_regex',
  '--processes': 'binary_regex',
  '--pod': 'pod_regex',
  '--namespace-regex': 'namespace_regex',
  '--cel': 'cel_expression',
  '--cel-expression': 'cel_expression',
  '--arguments': 'arguments_regex',
  '--labels': 'labels',
}

const KNOWN: Readonly<Record<string, boolean>> = {
  ...CLIENT_OPTIONS,
  ...Object.fromEntries(
    [...Object.keys(SELECTING), ...Object.keys(FILTER_FLAGS)].map((name) => [name, name !== '--host']),
  ),
  '-o': true,
  '--since': true,
  '--no-reconnect': false,
  '--reconnect': false,
  '-f': true,
  '--include-fields': true,
  '-F': true,
  '--exclude-fields': true,
  '--timestamps': false,
  '--details': false,
  '--stack-traces': true,
  '--ima-hash': true,
  '--color': true,
}

const FLAG_HELP = Object.entries(QUERY_HELP).map(([name, help]) => `  --${name}`.padEnd(21) + help).join('\n')

export const events: Command = {
  name: 'events',
  summary: 'follow events of an agent, or read them as NDJSON from stdin',
  usage: `[-] [OPTION]...

Follows the live stream of an agent. With "-", or when something is piped in and no --server is given, reads events as
NDJSON from stdin instead: files and logs can be read the same way.

${FLAG_HELP}
  --process, --pod, --namespace-regex, --arguments, --labels, --cel
                     fields of one more filter (regular expressions; selector; CEL)
  -o compact|json    one line for people, or the event's JSON (default compact)
  --since ID         replay from memory what came after that event (BOOT-SEQ), then follow
  --no-reconnect     end when the agent ends
  -f, --include-fields PATHS, -F, --exclude-fields PATHS
                     members of events to keep or to leave out, as process.binary,parent.pid
  --timestamps       time before each compact line
  --details          policy, action and arguments below each compact line of a policy
  --stack-traces=false, --ima-hash=false
                     leave these out of compact output
  --color auto|always|never
${CLIENT_USAGE}

Values of one flag are ORed, flags are ANDed.

  thump events --types process_exec --binaries /usr/bin/
  thump events --policies file-monitoring -o json | jq .process_kprobe.args
  kubectl logs -n thump ds/thump | thump events --namespaces default
  thump events --cel 'process_exec.process.uid == 0 && process_exec.process.binary.startsWith("/tmp/")'`,
  async run(args, terminal) {
    const options = parseOptions(args, KNOWN)
    const words = options.words.filter((word) => word !== '-')
    if (words.length > 0) throw new UsageError(`Unexpected "${words[0]}"`)
    try {
      const show = chooseOutput(options, terminal)
      const query = eventQuery(options)
      if (options.words.includes('-')) return await fromStdin(query, terminal, show, false)
      if (!options.values.has('--server') && !terminal.env['THUMP_SERVER'] && isPiped()) {
        const status = await fromStdin(query, terminal, show, true)
        if (status !== NOTHING) return status
      }
      return await fromAgent(query, options, terminal, show)
    } catch (error) {
      if (error instanceof FilterError) throw new UsageError(error.message, { cause: error })
      throw error
    }
  },
}

/** Text of one event, without its newline; undefined for none. */
type Show = (line: string, event: JsonObject | undefined) => string | undefined

function chooseOutput(options: Options, terminal: Terminal): Show {
  const form = outputForm(options, ['compact', 'json'])
  const fields = fieldFilters(options)
  const cut = compileFieldFilters(fields)
  // Of a loss nobody asked for fields.
  const trim = fields.length > 0 ? (event: JsonObject) => 'loss' in event ? event : cut(event) : undefined
  if (form === 'json') {
    if (!trim) return (line) => line
    return (line, event) => {
      const document = event ?? parseLine(line)
      return document && JSON.stringify(trim(document))
    }
  }
  const color = oneOf(options, '--color', ['auto', 'always', 'never'])
  const compact: CompactOptions = {
    style: chooseStyle(color, terminal.color, terminal.env),
    timestamps: options.values.has('--timestamps'),
    details: options.values.has('--details'),
    stack_traces: oneOf(options, '--stack-traces', ['true', 'false']) === 'true',
    ima_hash: oneOf(options, '--ima-hash', ['true', 'false']) === 'true',
  }
  return (line, event) => {
    const document = event ?? parseLine(line)
    return document && formatCompact(trim ? trim(document) : document, compact)
  }
}

function oneOf<T extends string>(options: Options, name: string, values: readonly [T, ...T[]]): T {
  const given = options.values.get(name)?.at(-1)
  if (given === undefined) return values[0]
  const found = values.find((value) => value === given)
  if (found === undefined) throw new UsageError(`Invalid value "${given}" for ${name}, want ${values.join('|')}`)
  return found
}

function fieldFilters(options: Options): ReturnType<typeof parseFieldFilters> {
  const paths = (names: readonly string[]) => names.flatMap((name) => options.values.get(name) ?? []).join(',')
  const [include, exclude] = [paths(['-f', '--include-fields']), paths(['-F', '--exclude-fields'])]
  return [
    ...(include === ''
      ? []
      : parseFieldFilters(JSON.stringify({ fields: include, action: 'INCLUDE' }), '--include-fields')),
    ...(exclude === ''
      ? []
      : parseFieldFilters(JSON.stringify({ fields: exclude, action: 'EXCLUDE' }), '--exclude-fields')),
  ]
}

/** The query parameters that the flags stand for; throws FilterError for what cannot be understood. */
export function eventQuery(options: Options): URLSearchParams {
  const query = new URLSearchParams()
  const filter: Record<string, string[]> = {}
  for (const [name, values] of options.values) {
    const parameter = SELECTING[name]
    const field = FILTER_FLAGS[name]
    if (parameter !== undefined) { for (const value of values) query.append(parameter, value) }
    if (field !== undefined) filter[field] = [...(filter[field] ?? []), ...values]
  }
  if (Object.keys(filter).length > 0) {
    // Two allow lists would be ORed: the flags' own filter is ANDed with each of the other.
    const given = query.getAll('allow')
    if (given.length > 0) {
      throw new FilterError(`--allow cannot be combined with ${Object.keys(FILTER_FLAGS).join(', ')}`)
    }
    query.append('allow', JSON.stringify(filter))
  }
  compileQuery(query)
  return query
}

/** fromStdin() read not even one byte. */
const NOTHING = -1

async function fromStdin(query: URLSearchParams, terminal: Terminal, show: Show, maybe: boolean): Promise<number> {
  const matches = compileQuery(query)
  await using writer = new LineWriter(terminal)
  let lines = 0
  let bad = 0
  for await (const line of readLines(terminal.stdin)) {
    lines++
    if (line?.trim() === '') continue
    const event = line === undefined ? undefined : parseLine(line)
    const view = event && viewOfDocument(event)
    if (line === undefined || !view) {
      bad++
      continue
    }
    const text = matches(view) ? show(line, event) : undefined
    const wait = text === undefined ? undefined : writer.add(text + '\n')
    if (wait !== undefined) await wait
  }
  if (lines === 0 && maybe) return NOTHING
  if (bad > 0) terminal.error(`thump events: ${bad} of ${lines} lines were no events\n`)
  return 0
}

/** A pipe or a file, and not /dev/null, a terminal or the socket that some supervisors give. */
function isPiped(): boolean {
  try {
    const status = fstatSync(0)
    return status.isFIFO() || status.isFile()
  } catch {
    return false // stdin is closed
  }
}

async function fromAgent(query: URLSearchParams, options: Options, terminal: Terminal, show: Show): Promise<number> {
  const client = new AgentClient(options, terminal.env)
  const stream = readEvents({
    since: options.values.get('--since')?.at(-1),
    reconnect: !options.values.has('--no-reconnect'),
    connect: (since) => {
      const wanted = new URLSearchParams(query)
      if (since !== undefined) wanted.set('since', since)
      return client.request(`/v1/events?${wanted}`, { headers: { Accept: 'text/event-stream' } })
    },
    onBreak: (reason, pause_ms) => {
      terminal.error(`thump events: ${reason}, trying again in ${pause_ms / 1000} s\n`)
    },
  })
  await using writer = new LineWriter(terminal)
  try {
    for await (const { kind, data } of stream) {
      const text = kind === 'event' ? show(data, undefined) : show(`{"loss":${data}}`, undefined)
      const wait = text === undefined ? undefined : writer.add(text + '\n')
      if (wait !== undefined) await wait
    }
  } catch (error) {
    if (error instanceof AgentError && error.status === 400) throw new UsageError(error.message, { cause: error })
    throw error
  }
  return 0
}
