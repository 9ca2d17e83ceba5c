// What the page shows of an event and of a process: plain data, no document.

export interface Row {
  readonly kind: string
  readonly time: string
  readonly where: string
  readonly pid: string
  readonly binary: string
  readonly details: string
  /** Of the process, for asking more; '' where there is none. */
  readonly exec_id: string
  /** `loss`, or `acted` where a policy did more than report. */
  readonly mark: string
}

type Fields = Readonly<Record<string, unknown>>

/** A line of /v1/events; undefined for what is no event. */
export function rowOf(line: string): Row | undefined {
  const event = fields(JSON.parse(line))
  const kind = Object.keys(event)[0]
  if (kind === undefined) return undefined
  const body = fields(event[kind])
  const process = fields(body['process'])
  const pod = fields(process['pod'])
  const action = text(body['action'])
  return {
    kind,
    time: text(event['time'] ?? fields(event['thump'])['time']).replace(/^.*T/, '').replace(/(\.\d{3})\d*Z$/, '$1'),
    where: pod['name'] === undefined ? text(event['node_name']) : `${text(pod['namespace'])}/${text(pod['name'])}`,
    pid: text(process['pid']),
    binary: text(process['binary']),
    details: detailsOf(kind, body, process),
    exec_id: text(process['exec_id']),
    mark: kind === 'loss' ? 'loss' : action === '' || action === 'KPROBE_ACTION_POST' ? '' : 'acted',
  }
}

function detailsOf(kind: string, body: Fields, process: Fields): string {
  if (kind === 'process_exec') return text(process['arguments'])
  if (kind === 'process_exit') return text(body['signal']) || `status ${text(body['status']) || 0}`
  if (kind === 'loss' || body['process'] === undefined) {
    return Object.entries(body).map(([name, value]) => `${name} ${text(value)}`).join(', ')
  }
  const name = text(body['function_name']) || [text(body['subsys']), text(body['event'])].filter(Boolean).join('/') ||
    text(body['symbol']) || text(body['path'])
  const args = Array.isArray(body['args']) ? body['args'].map(argumentText).join(', ') : ''
  const action = text(body['action']).replace('KPROBE_ACTION_', '').toLowerCase()
  return [name + (args === '' ? '' : `(${args})`), text(body['policy_name']), action === 'post' ? '' : action]
    .filter(Boolean).join(' · ')
}

/** The one member that an argument has, and of an object its most telling ones. */
export function argumentText(argument: unknown): string {
  const value = Object.entries(fields(argument)).find(([name]) => name !== 'label')?.[1]
  if (typeof value !== 'object' || value === null) return text(value)
  const inner = fields(value)
  if (inner['path'] !== undefined) return text(inner['path'])
  if (inner['saddr'] !== undefined) {
    return `${text(inner['saddr'])}:${text(inner['sport'])} -> ${text(inner['daddr'])}:${text(inner['dport'])}`
  }
  return JSON.stringify(value)
}

export interface Branch {
  readonly depth: number
  readonly text: string
  readonly exec_id: string
  readonly self: boolean
}

/** An answer of /v1/processes/:exec_id as lines of a tree: eldest ancestor first, children last. */
export function treeOf(answer: unknown): Branch[] {
  const detail = fields(answer)
  const list = (name: string) => Array.isArray(detail[name]) ? detail[name].map(fields) : []
  const chain = [...list('ancestors')].reverse()
  const parent = fields(detail['parent'])
  const parent_id = text(fields(parent['process'])['exec_id'])
  const known = chain.some((entry) => text(fields(entry['process'])['exec_id']) === parent_id)
  if (parent_id !== '' && !known) chain.push(parent)
  const depth = chain.length
  return [
    ...chain.map((entry, at) => branch(entry, at, false)),
    branch(detail, depth, true),
    ...list('children').map((entry) => branch(entry, depth + 1, false)),
  ]
}

function branch(entry: Fields, depth: number, self: boolean): Branch {
  const process = fields(entry['process'])
  const words = [text(process['pid']), text(process['binary']), text(process['arguments'])].filter(Boolean)
  return {
    depth,
    text: words.join(' ') + (entry['ended'] === true ? ' (ended)' : ''),
    exec_id: text(process['exec_id']),
    self,
  }
}

export function fields(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? value as Fields : {}
}

export function text(value: unknown): string {
  return value === undefined || value === null ? '' : typeof value === 'object' ? JSON.stringify(value) : String(value)
}
