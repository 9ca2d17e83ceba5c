// `thump ps`: the agent's processes as a tree.

import { isObject, type JsonObject, numberAt, objectAt, textAt } from '../filter/json.ts'
import { AgentClient, CLIENT_OPTIONS, CLIENT_USAGE } from './client.ts'
import { type Command, outputForm, parseOptions, UsageError } from './command.ts'
import { maybeQuote } from './compact_style.ts'

/** Depth to which the tree is drawn; a deeper one would only be indentation. */
const DEPTH_MAX = 64

export const ps: Command = {
  name: 'ps',
  summary: 'processes that the agent knows, as a tree',
  usage: `[-o text|json] [--wide] [PID]

With PID: that process with those above and below it. Processes that have ended are left out unless --all is given.

  --all              also processes that have ended but are still remembered
  --wide             do not cut lines at the width of the terminal
${CLIENT_USAGE}

  thump ps
  thump ps 1234 --wide`,
  async run(args, terminal) {
    const options = parseOptions(args, { ...CLIENT_OPTIONS, '-o': true, '--wide': false, '--all': false })
    const form = outputForm(options, ['text', 'json'])
    const [word, ...others] = options.words
    if (others.length > 0 || (word !== undefined && !/^\d+$/.test(word))) throw new UsageError('Want at most one PID')
    const answer = await new AgentClient(options, terminal.env).json('/v1/processes')
    const entries = (Array.isArray(answer) ? answer : []).filter(isObject)
    const wanted = options.values.has('--all') ? entries : entries.filter((entry) => entry['ended'] !== true)
    let processes = wanted.map((entry) => objectAt(entry, 'process') ?? entry)
    if (word !== undefined) processes = family(processes, Number(word))
    if (form === 'json') {
      await terminal.write(JSON.stringify(processes) + '\n')
      return 0
    }
    const width = options.values.has('--wide') || !terminal.color
      ? Infinity
      : Number(terminal.env['COLUMNS']) || process.stdout.columns || 120
    await terminal.write(processTree(processes, width))
    return processes.length === 0 ? 1 : 0
  },
}

/** The process with that pid, its ancestors and its descendants. */
function family(processes: readonly JsonObject[], pid: number): JsonObject[] {
  const by_id = new Map(processes.map((process) => [textAt(process, 'exec_id'), process]))
  const keep = new Set<JsonObject>()
  for (const one of processes.filter((process) => numberAt(process, 'pid') === pid)) {
    let here: JsonObject | undefined = one
    while (here && !keep.has(here)) {
      keep.add(here)
      here = by_id.get(textAt(here, 'parent_exec_id'))
    }
    const below = [one]
    const children = childrenOf(processes)
    for (let next = below.pop(); next; next = below.pop()) {
      for (const child of children.get(textAt(next, 'exec_id')) ?? []) {
        if (keep.has(child)) continue
        keep.add(child)
        below.push(child)
      }
    }
  }
  return processes.filter((process) => keep.has(process))
}

function childrenOf(processes: readonly JsonObject[]): Map<string, JsonObject[]> {
  const children = new Map<string, JsonObject[]>()
  for (const process of processes) {
    const parent = textAt(process, 'parent_exec_id')
    const list = children.get(parent)
    if (list) list.push(process)
    else children.set(parent, [process])
  }
  return children
}

/** One line per process: pid, user, container or pod, and the command indented below its parent. */
export function processTree(processes: readonly JsonObject[], width: number): string {
  const known = new Set(processes.map((process) => textAt(process, 'exec_id')))
  const children = childrenOf(processes)
  const byPid = (a: JsonObject, b: JsonObject) => numberAt(a, 'pid') - numberAt(b, 'pid')
  const drawn = new Set<JsonObject>()
  const rows: string[][] = []
  const draw = (process: JsonObject, before: string, branch: string, depth: number) => {
    if (drawn.has(process)) return
    drawn.add(process)
    rows.push([
      String(numberAt(process, 'pid')),
      textAt(process, 'user', 'name') || textAt(process, 'uid'),
      place(process),
      before + branch + command(process),
    ])
    const below = (children.get(textAt(process, 'exec_id')) ?? []).filter((child) => child !== process).sort(byPid)
    const indent = depth >= DEPTH_MAX || branch === '' ? before : before + (branch === '└─ ' ? '   ' : '│  ')
    below.forEach((child, index) => draw(child, indent, index === below.length - 1 ? '└─ ' : '├─ ', depth + 1))
  }
  for (const root of processes.filter((process) => !known.has(textAt(process, 'parent_exec_id'))).sort(byPid)) {
    draw(root, '', '', 0)
  }
  for (const process of processes) draw(process, '', '', 0) // in a circle, which should not be
  const [pid_width, user_width, place_width] = [0, 1, 2].map((column) =>
    Math.max(4, ...rows.map((row) => row[column]?.length ?? 0))
  )
  const line = ([pid, user, where, text]: readonly string[]) => {
    const row = `${pid?.padStart(pid_width ?? 0)}  ${user?.padEnd(user_width ?? 0)}  ${
      where?.padEnd(place_width ?? 0)
    }  ${text}`
    return row.length > width ? row.slice(0, Math.max(1, width - 1)) + '…' : row
  }
  return [['PID', 'USER', 'POD', 'COMMAND'], ...rows].map((row) => line(row).trimEnd() + '\n').join('')
}

function place(process: JsonObject): string {
  const pod = textAt(process, 'pod', 'name')
  return pod === '' ? textAt(process, 'docker').slice(0, 12) : `${textAt(process, 'pod', 'namespace')}/${pod}`
}

/** Arguments as they are but for what would not stay on one line. */
function command(process: JsonObject): string {
  const text = textAt(process, 'arguments').trim()
  const quoted = /[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/u.test(text) ? maybeQuote(text) : text
  return `${maybeQuote(textAt(process, 'binary'))} ${quoted}`.trimEnd()
}
