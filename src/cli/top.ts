// `thump top`: which binaries and policies make the events of the moment, refreshed in place.

import { at, eventKind, isObject, type JsonObject, numberAt, parseLine, textAt } from '../filter/json.ts'
import { AgentClient, CLIENT_OPTIONS, CLIENT_USAGE } from './client.ts'
import { type Command, outputForm, parseOptions, type Terminal, UsageError } from './command.ts'
import { maybeQuote } from './compact_style.ts'
import { parseMessages } from './event_stream.ts'
import { table } from './table.ts'

/** Names counted per round; further ones are counted together. */
const NAMES_MAX = 10_000
const OTHERS = '(others)'

export interface Counts {
  readonly binaries: Map<string, number>
  readonly policies: Map<string, number>
  readonly types: Map<string, number>
  events: number
  lost: number
}

export const top: Command = {
  name: 'top',
  summary: 'binaries and policies by events and cost, refreshed in place',
  usage: `[--interval SECONDS] [--once] [--rows N] [-o text|json]

  --interval SECONDS how long one round counts (default 2)
  --once             one round, then end (as when output is not a terminal and -o json is not given)
  --rows N           rows per table (default 15)
${CLIENT_USAGE}

  thump top
  thump top --once --interval 10 -o json`,
  async run(args, terminal) {
    const known = { ...CLIENT_OPTIONS, '--interval': true, '--once': false, '--rows': true, '-o': true }
    const options = parseOptions(args, known)
    if (options.words.length > 0) throw new UsageError(`Unexpected "${options.words[0]}"`)
    const form = outputForm(options, ['text', 'json'])
    const seconds = positive(options.values.get('--interval')?.at(-1) ?? '2', '--interval')
    const rows = Math.floor(positive(options.values.get('--rows')?.at(-1) ?? '15', '--rows'))
    const once = options.values.has('--once') || (form === 'text' && process.stdout.isTTY !== true)
    const client = new AgentClient(options, terminal.env)
    let counts = emptyCounts()
    let broken: unknown
    let ended = false
    const stop = new AbortController()
    const headers = { Accept: 'text/event-stream' }
    const response = await client.request('/v1/events', { headers, signal: stop.signal })
    const reading = (async () => {
      for await (const { event, data } of parseMessages(response)) count(counts, event, data)
    })().catch((error: unknown) => (broken = error)).finally(() => (ended = true))
    try {
      for (;;) {
        const start = performance.now()
        await Promise.race([Bun.sleep(seconds * 1000), reading])
        if (ended) throw new Error('The agent closed the connection', { cause: broken })
        const taken = counts
        counts = emptyCounts()
        const policies = await client.json('/v1/policies').catch(() => []) // an agent without policies says 501
        const round = { counts: taken, seconds: (performance.now() - start) / 1000, rows }
        const list = (Array.isArray(policies) ? policies : []).filter(isObject)
        await show(terminal, form, round, list, !once)
        if (once) return 0
      }
    } finally {
      stop.abort()
    }
  },
}

function positive(text: string, name: string): number {
  const value = Number(text)
  if (!(value > 0) || value > 86_400) throw new UsageError(`Invalid value "${text}" for ${name}`)
  return value
}

export function emptyCounts(): Counts {
  return { binaries: new Map(), policies: new Map(), types: new Map(), events: 0, lost: 0 }
}

/** Counts one message of the stream. */
export function count(counts: Counts, message: string, data: string): void {
  const event = parseLine(data)
  if (!event) return
  if (message === 'loss') {
    counts.lost += numberAt(event, 'count')
    return
  }
  const kind = eventKind(event)
  if (kind === undefined) return
  counts.events++
  add(counts.types, kind)
  const binary = textAt(event, kind, 'process', 'binary')
  if (binary !== '') add(counts.binaries, binary)
  const policy = textAt(event, kind, 'policy_name')
  if (policy !== '') add(counts.policies, policy)
}

function add(counts: Map<string, number>, name: string): void {
  const key = counts.has(name) || counts.size < NAMES_MAX ? name : OTHERS
  counts.set(key, (counts.get(key) ?? 0) + 1)
}

interface Round {
  readonly counts: Counts
  readonly seconds: number
  readonly rows: number
}

async function show(
  terminal: Terminal,
  form: 'text' | 'json',
  round: Round,
  policies: readonly JsonObject[],
  in_place: boolean,
): Promise<void> {
  if (form === 'json') {
    const { counts, seconds } = round
    const maps = { types: counts.types, binaries: counts.binaries, policies: counts.policies }
    const lists = Object.fromEntries(Object.entries(maps).map(([name, map]) => [name, Object.fromEntries(sorted(map))]))
    await terminal.write(JSON.stringify({ seconds, events: counts.events, lost: counts.lost, ...lists }) + '\n')
  } else {
    const text = roundText(round, policies)
    // Over what stands there, line by line, then nothing below: clearing all first would flicker.
    await terminal.write(in_place ? `\u001b[H${text.replaceAll('\n', '\u001b[K\n')}\u001b[J` : text)
  }
}

function sorted(map: ReadonlyMap<string, number>): [string, number][] {
  return [...map].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1))
}

/** The tables of one round; `policies` is the answer of /v1/policies. */
export function roundText(round: Round, policies: readonly JsonObject[]): string {
  const { counts, seconds, rows } = round
  const rate = (events: number) => (events / seconds).toFixed(1)
  const lost = counts.lost > 0 ? `, ${counts.lost} missed by this view` : ''
  const types = sorted(counts.types).map(([type, events]) => `${type} ${rate(events)}`).join('  ')
  const binaries = sorted(counts.binaries).slice(0, rows).map(([name, events]) => [rate(events), maybeQuote(name)])
  const known = new Map(policies.map((policy) => [textAt(policy, 'name'), policy]))
  const names = new Set([...sorted(counts.policies).map(([name]) => name), ...known.keys()])
  const lines = [...names].slice(0, rows).map((name) => {
    const policy = known.get(name)
    const cost = textAt(policy, 'cost', 'run_time_ns') || textAt(policy, 'run_time_ns') || textAt(policy, 'cost')
    return [
      rate(counts.policies.get(name) ?? 0),
      textAt(policy, 'hits') || '-',
      textAt(policy, 'kills') || '-',
      cost === '' || at(policy, 'cost') === null ? '-' : `${(Number(cost) / 1e6).toFixed(1)} ms`,
      name,
    ]
  })
  return `${rate(counts.events)} events/s${lost}\n${types}\n\n` +
    table([['EVENTS/S', 'BINARY'], ...binaries]) + '\n' +
    (lines.length === 0 ? '' : table([['EVENTS/S', 'HITS', 'KILLS', 'COST', 'POLICY'], ...lines]))
}
