// The web page: events as they come, what is known of a process, policies, loss and coverage; all over the HTTP routes.
import { fields, type Row, rowOf, text, treeOf } from './view.ts'

/** Rows kept in the table: what is older scrolls out. */
const ROWS_MAX = 500
/** Rows that may wait for the next frame; of a flood only the newest are shown. */
const WAITING_MAX = 500
const REFRESH_MS = 2000

const FILTERS = ['types', 'binaries', 'policies', 'namespaces', 'pods', 'pids'] as const
const KINDS = ['exec', 'exit', 'kprobe', 'tracepoint', 'uprobe', 'usdt', 'lsm', 'loader', 'throttle']

let source: EventSource | null = null
let waiting: { readonly row: Row; readonly line: string }[] = []
let paused = false
let events = 0
let missed = 0
let tab = 'events'

function element<T extends HTMLElement>(id: string): T {
  return document.getElementById(id) as T
}

function make(name: string, content = '', className = ''): HTMLElement {
  const made = document.createElement(name)
  made.textContent = content
  if (className !== '') made.className = className
  return made
}

function body(table: string): HTMLElement {
  return element(table).querySelector('tbody')!
}

function connect(): void {
  source?.close()
  const query = new URLSearchParams()
  const data = new FormData(element<HTMLFormElement>('filters'))
  for (const name of FILTERS) {
    const value = String(data.get(name) ?? '').trim()
    if (value !== '') query.set(name, value)
  }
  const url = `/v1/events?${query}`
  const stream = source = new EventSource(url)
  stream.onopen = () => {
    element('state').textContent = 'connected'
    element('refused').textContent = ''
  }
  stream.onerror = () => {
    element('state').textContent = 'not connected'
    if (stream.readyState === EventSource.CLOSED) void explain(url)
  }
  stream.onmessage = ({ data: line }: MessageEvent<string>) => {
    events++
    if (paused) return
    const row = rowOf(line)
    if (row === undefined) return
    if (waiting.push({ row, line }) === 1) requestAnimationFrame(draw)
    if (waiting.length > WAITING_MAX) waiting.shift()
  }
  stream.addEventListener('loss', ({ data: lost }: MessageEvent<string>) => {
    missed += Number(fields(JSON.parse(lost))['count'] ?? 0)
  })
}

/** EventSource does not say why it was refused; asking again as an ordinary request does. */
async function explain(url: string): Promise<void> {
  const stop = new AbortController()
  const answer = await fetch(url, { signal: stop.signal })
  if (!answer.ok) {
    const error = text(fields(await answer.json())['error'])
    element('refused').textContent = answer.status === 401 ? 'Log in with the token to see events' : error
  } else connect()
  stop.abort()
}

function draw(): void {
  const table = body('table')
  const rows = waiting.map(({ row, line }) => {
    const tr = make('tr', '', row.mark)
    for (const cell of [row.time, row.kind.replace('process_', ''), row.where, row.pid, row.binary, row.details]) {
      tr.append(make('td', cell))
    }
    tr.onclick = () => void showDetail(row.exec_id, line)
    return tr
  })
  waiting = []
  table.prepend(...rows.reverse())
  while (table.childElementCount > ROWS_MAX) table.lastElementChild!.remove()
}

async function showDetail(exec_id: string, line: string | null): Promise<void> {
  element('detail').hidden = false
  if (line !== null) element('json').textContent = JSON.stringify(JSON.parse(line), null, 2)
  const tree = element('tree')
  tree.replaceChildren()
  if (exec_id === '') return
  const answer = await fetch(`/v1/processes/${encodeURIComponent(exec_id)}`)
  if (!answer.ok) return tree.append(make('p', 'The process is no longer remembered'))
  const detail: unknown = await answer.json()
  for (const branch of treeOf(detail)) {
    const entry = make('div', `${'  '.repeat(branch.depth)}${branch.text}`, branch.self ? 'self' : '')
    entry.onclick = () => void showDetail(branch.exec_id, null)
    tree.append(entry)
  }
  if (line === null) element('json').textContent = JSON.stringify(fields(detail)['process'], null, 2)
}

async function ask(path: string, init: RequestInit = {}): Promise<unknown> {
  const answer = await fetch(path, init)
  const content: unknown = answer.status === 204 ? null : await answer.json()
  if (answer.ok) return content
  const mistakes = Array.isArray(content) ? content.map(fields) : [{ message: fields(content)['error'] }]
  throw new Error(mistakes.map(mistakeText).join('\n'))
}

function mistakeText(mistake: Readonly<Record<string, unknown>>): string {
  const line = text(mistake['line'])
  const place = line === '' || line === '0' ? '' : `${line}:${text(mistake['column'])}: `
  return [place + text(mistake['message']), text(mistake['caret'])].filter(Boolean).join('\n')
}

async function tell(work: Promise<unknown>): Promise<void> {
  try {
    const content = await work
    element('answer').textContent = content === null ? 'done' : JSON.stringify(content, null, 2)
  } catch (error) {
    element('answer').textContent = error instanceof Error ? error.message : String(error)
  }
  await refresh()
}

function fill(table: string, rows: readonly (readonly (string | HTMLElement)[])[]): void {
  body(table).replaceChildren(...rows.map((cells) => {
    const tr = make('tr')
    for (const cell of cells) {
      const td = make('td')
      td.append(cell)
      tr.append(td)
    }
    return tr
  }))
}

function list(value: unknown): Readonly<Record<string, unknown>>[] {
  return Array.isArray(value) ? value.map(fields) : []
}

function policyButtons(policy: Readonly<Record<string, unknown>>): HTMLElement {
  const namespace = text(policy['namespace'])
  const name = encodeURIComponent((namespace === '' ? '' : `${namespace}/`) + text(policy['name']))
  const buttons = make('span')
  const add = (label: string, method: string, change?: object) => {
    const button = make('button', label)
    const init = change === undefined ? { method } : { method, body: JSON.stringify(change) }
    button.onclick = () => void tell(ask(`/v1/policies/${name}`, init))
    buttons.append(button)
  }
  const mode = text(policy['mode']) === 'enforce' ? 'monitor' : 'enforce'
  add(mode, 'PATCH', { mode })
  const enabled = text(policy['state']) === 'enabled'
  add(enabled ? 'disable' : 'enable', 'PATCH', { enabled: !enabled })
  add('delete', 'DELETE')
  return buttons
}

const REFRESH: Readonly<Record<string, () => Promise<void>>> = {
  events: async () => {},
  policies: async () => {
    const columns = ['name', 'state', 'mode', 'hooks', 'hits', 'kills', 'losses', 'source']
    const count = (value: unknown) => Array.isArray(value) ? String(value.length) : text(value)
    fill(
      'policy_table',
      list(await ask('/v1/policies')).map((policy) => [
        ...columns.map((column) => count(policy[column])),
        policyButtons(policy),
      ]),
    )
  },
  loss: async () => {
    const loss = fields(await ask('/v1/loss'))
    element('loss_sum').textContent = `${text(loss['lost'])} lost; ${
      loss['balanced'] === true ? 'all counters add up' : `counters do not add up: ${text(loss['imbalance'])}`
    }`
    const reasons = (value: unknown) => {
      return Object.entries(fields(value)).filter(([, count]) => count !== 0).map(([name, count]) => `${name} ${count}`)
        .join(', ')
    }
    fill(
      'loss_table',
      list(loss['rows']).map((row) => [
        ...['where', 'kind', 'total', 'passed', 'waiting'].map((column) => text(row[column])),
        reasons(row['other']),
        reasons(row['lost']),
      ]),
    )
  },
  coverage: async () => {
    const rows = list(await ask('/v1/coverage'))
    fill('coverage_table', rows.map((row) => ['name', 'state', 'reason'].map((column) => text(row[column]))))
  },
}

async function refresh(): Promise<void> {
  try {
    await REFRESH[tab]!()
  } catch (error) {
    element('state').textContent = error instanceof Error ? error.message : String(error)
  }
}

function start(): void {
  for (const kind of KINDS) {
    const option = document.createElement('option')
    option.value = `process_${kind}`
    element('kinds').append(option)
  }
  for (const button of element('tabs').querySelectorAll('button')) {
    button.onclick = () => {
      tab = button.dataset['tab']!
      for (const section of document.querySelectorAll('section')) section.hidden = section.id !== tab
      for (const each of element('tabs').querySelectorAll('button')) each.removeAttribute('aria-current')
      button.setAttribute('aria-current', 'page')
      void refresh()
    }
  }
  element('filters').onsubmit = (event) => {
    event.preventDefault()
    body('table').replaceChildren()
    connect()
  }
  element('pause').onclick = () => {
    paused = !paused
    element('pause').textContent = paused ? 'Go on' : 'Pause'
  }
  element('clear').onclick = () => body('table').replaceChildren()
  element('close').onclick = () => (element('detail').hidden = true)
  element<HTMLFormElement>('login').onsubmit = (event) => {
    event.preventDefault()
    const token = String(new FormData(element<HTMLFormElement>('login')).get('token'))
    void ask('/v1/login', { method: 'POST', body: JSON.stringify({ token }) }).then(() => {
      element('login').hidden = true
      connect()
    }, (error: Error) => (element('state').textContent = error.message))
  }
  element<HTMLFormElement>('add').onsubmit = (event) => {
    event.preventDefault()
    const what = event.submitter instanceof HTMLButtonElement ? event.submitter.value : 'plan'
    const yaml = String(new FormData(element<HTMLFormElement>('add')).get('yaml'))
    void tell(ask(what === 'add' ? '/v1/policies' : '/v1/policies/plan', { method: 'POST', body: yaml }))
  }
  setInterval(() => {
    element('rate').textContent = `${events / (REFRESH_MS / 1000)} events/s${missed > 0 ? `, ${missed} missed` : ''}`
    events = 0
    if (tab !== 'policies') void refresh()
  }, REFRESH_MS)
  connect()
}

start()
