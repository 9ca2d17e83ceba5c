// `thump policy`: list, show and change the policies of an agent.

import { existsSync, readFileSync } from 'node:fs'
import { isObject, type Json, type JsonObject, listAt, textAt } from '../filter/json.ts'
import { keptPolicies, Pins, removePinned } from '../kernel/pins.ts'
import { nearest } from '../nearest.ts'
import { AgentClient, AgentError, CLIENT_OPTIONS, CLIENT_USAGE } from './client.ts'
import { listOnAllNodes, NODES_OPTIONS } from './policy_nodes.ts'
import { planOffline } from './policy_plan.ts'
import { validatePolicies } from './policy_validate.ts'
import { withSignature } from '../policy/signature.ts'
import { type Command, type Options, outputForm, parseOptions, type Terminal, UsageError } from './command.ts'
import { table } from './table.ts'

interface Action {
  /** Words that must follow, as shown in help. */
  readonly words: readonly string[]
  run(client: AgentClient, words: readonly string[], options: Options, terminal: Terminal): Promise<number>
}

export const policy: Command = {
  name: 'policy',
  summary: 'list, show, add, delete and switch policies of an agent',
  usage: `ACTION [OPTION]...

  list               all policies: state, mode, hooks, counters
  list --all-nodes   what each node made of each policy of the cluster; asks the Kubernetes API
                     (--k8s-api-server, --k8s-service-account as the agent has them)
  show NAME          one policy with its hooks and errors
  add FILE           load the policies of a file ("-": stdin); with --replace also those that are loaded already
  delete NAME        take a policy out
  delete --pinned    remove what agents that are gone left pinned; needs no agent
  mode NAME enforce|monitor
  enable NAME, disable NAME
  plan FILE          check a file and show what would be attached; loads nothing; --offline: without an agent
  validate FILE...   every mistake of policy files; needs neither agent nor privileges

NAME is NAME or NAMESPACE/NAME.

  -o text|json
${CLIENT_USAGE}

  thump policy add policies/file-monitoring.yaml
  thump policy mode file-monitoring monitor
  thump policy list -o json | jq '.[].name'
  thump policy list --all-nodes`,
  async run(args, terminal) {
    const options = parseOptions(args, {
      ...CLIENT_OPTIONS,
      ...NODES_OPTIONS,
      '-o': true,
      '--replace': false,
      '--offline': false,
      '--pinned': false,
    })
    const [name, ...words] = options.words
    if (name === undefined) throw new UsageError(`Want one of ${Object.keys(ACTIONS).join(', ')}`)
    if (name === 'validate' || (name === 'plan' && options.values.has('--offline'))) {
      const json = outputForm(options, ['text', 'json']) === 'json'
      const [file] = words
      if (file === undefined) throw new UsageError(`Want: policy ${name} FILE`)
      if (name === 'validate') return await validatePolicies(words, json, terminal)
      if (words.length > 1) throw new UsageError('Want: policy plan --offline FILE, one file')
      return await planOffline(file, json, terminal)
    }
    if (name === 'list' && options.values.has('--all-nodes')) return await listOnAllNodes(options, terminal)
    if (name === 'delete' && options.values.has('--pinned')) {
      for (const kept of keptPolicies().filter(({ alive }) => !alive)) {
        removePinned(kept)
        await terminal.write(`policy "${kept.policy}" of agent ${kept.generation} unpinned\n`)
      }
      new Pins({ generation: '', keeping: false }).sweep()
      return 0
    }
    const action = Object.hasOwn(ACTIONS, name) ? ACTIONS[name] : undefined
    if (!action) throw new UsageError(`Unknown action "${name}", nearest is ${nearest(name, Object.keys(ACTIONS))}`)
    if (words.length !== action.words.length) throw new UsageError(`Want: policy ${[name, ...action.words].join(' ')}`)
    outputForm(options, ['text', 'json'])
    try {
      return await action.run(new AgentClient(options, terminal.env), words, options, terminal)
    } catch (error) {
      if (!(error instanceof AgentError)) throw error
      const mistakes = mistakeText(error.body)
      if (mistakes === '') throw error
      terminal.error(mistakes)
      return 1
    }
  },
}

const ACTIONS: Readonly<Record<string, Action>> = {
  list: {
    words: [],
    async run(client, _words, options, terminal) {
      const list = await client.json('/v1/policies')
      return await output(
        list,
        options,
        terminal,
        () => policyTable((Array.isArray(list) ? list : []).filter(isObject)),
      )
    },
  },
  show: {
    words: ['NAME'],
    async run(client, [name = ''], options, terminal) {
      const one = await client.json(`/v1/policies/${encodeURIComponent(name)}`)
      return await output(one, options, terminal, () => tree(one as Json, ''))
    },
  },
  add: {
    words: ['FILE'],
    async run(client, [file = ''], options, terminal) {
      const body = signed(file, await readPolicy(file, terminal))
      const added = await addOrReplace(client, body, options)
      return await output(
        added,
        options,
        terminal,
        () => names(added).map((name) => `policy "${name}" added\n`).join(''),
      )
    },
  },
  delete: {
    words: ['NAME'],
    async run(client, [name = ''], options, terminal) {
      await client.request(`/v1/policies/${encodeURIComponent(name)}`, { method: 'DELETE' })
      return await output({ deleted: name }, options, terminal, () => `policy "${name}" deleted\n`)
    },
  },
  mode: {
    words: ['NAME', 'enforce|monitor'],
    run(client, [name = '', mode = ''], options, terminal) {
      if (mode !== 'enforce' && mode !== 'monitor') throw new UsageError(`Invalid mode "${mode}", want enforce|monitor`)
      return patch(client, name, { mode }, `policy "${name}" set to mode "${mode}"\n`, options, terminal)
    },
  },
  enable: {
    words: ['NAME'],
    run: (client, [name = ''], options, terminal) =>
      patch(client, name, { enabled: true }, `policy "${name}" enabled\n`, options, terminal),
  },
  disable: {
    words: ['NAME'],
    run: (client, [name = ''], options, terminal) =>
      patch(client, name, { enabled: false }, `policy "${name}" disabled\n`, options, terminal),
  },
  plan: {
    words: ['FILE'],
    async run(client, [file = ''], options, terminal) {
      const plan = await client.json('/v1/policies/plan', { method: 'POST', body: await readPolicy(file, terminal) })
      return await output(plan, options, terminal, () => planTexts(plan))
    },
  },
}

async function output(value: unknown, options: Options, terminal: Terminal, text: () => string): Promise<number> {
  await terminal.write(outputForm(options, ['text', 'json']) === 'json' ? JSON.stringify(value) + '\n' : text())
  return 0
}

async function patch(
  client: AgentClient,
  name: string,
  change: JsonObject,
  text: string,
  options: Options,
  terminal: Terminal,
): Promise<number> {
  const state = await client.json(`/v1/policies/${encodeURIComponent(name)}`, {
    method: 'PATCH',
    body: JSON.stringify(change),
  })
  return await output(state, options, terminal, () => text)
}

async function addOrReplace(client: AgentClient, body: string, options: Options): Promise<unknown> {
  try {
    return await client.json('/v1/policies', { method: 'POST', body })
  } catch (error) {
    // 409: a policy of that name is loaded. The server replaces by name, one document at a time.
    if (!(error instanceof AgentError && error.status === 409 && options.values.has('--replace'))) throw error
    const name = /^\s*metadata:\s*\n(?:\s+.*\n)*?\s+name:\s*["']?([\w.-]+)/m.exec(body)?.[1]
    if (name === undefined) throw error
    return await client.json(`/v1/policies/${encodeURIComponent(name)}`, { method: 'PUT', body })
  }
}

async function readPolicy(file: string, terminal: Terminal): Promise<string> {
  if (file === '-') return await new Response(terminal.stdin).text()
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    throw new Error(`Cannot read "${file}": ${cause instanceof Error ? cause.message : cause}`, { cause })
  }
}

/** The text leads its signature, if one stands beside the file. */
function signed(file: string, text: string): string {
  return existsSync(`${file}.sig`) ? withSignature(text, readFileSync(`${file}.sig`)) : text
}

/** `file:line:column: message`, with the line and a caret where the agent sent them; '' if the body is no list of mistakes. */
export function mistakeText(body: unknown): string {
  if (!Array.isArray(body)) return ''
  return body.filter(isObject).map((mistake) => {
    const line = textAt(mistake, 'line')
    const place = line === '' || line === '0' ? '' : `${textAt(mistake, 'file')}:${line}:${textAt(mistake, 'column')}: `
    const caret = textAt(mistake, 'caret').replace(/\n$/, '')
    return `${place}${textAt(mistake, 'message')}\n${caret === '' ? '' : caret + '\n'}`
  }).join('')
}

function planTexts(plans: unknown): string {
  return (Array.isArray(plans) ? plans : []).filter(isObject).map((plan) => textAt(plan, 'text')).join('\n')
}

function names(added: unknown): string[] {
  const list = Array.isArray(added) ? added : [added]
  return list.filter(isObject).map(fullName)
}

function fullName(policy: JsonObject): string {
  const namespace = textAt(policy, 'namespace')
  return namespace === '' ? textAt(policy, 'name') : `${namespace}/${textAt(policy, 'name')}`
}

function policyTable(policies: readonly JsonObject[]): string {
  const rows = policies.map((policy) => [
    fullName(policy),
    textAt(policy, 'state'),
    textAt(policy, 'mode'),
    textAt(policy, 'verdict') || '-',
    String(listAt(policy, 'hooks').length),
    textAt(policy, 'hits') || '0',
    textAt(policy, 'kills') || '0',
    textAt(policy, 'losses') || textAt(policy, 'lost') || '0',
    bytes(textAt(policy, 'kernel_memory_bytes')),
    textAt(policy, 'source'),
  ])
  const head = ['NAME', 'STATE', 'MODE', 'EFFECT', 'HOOKS', 'HITS', 'KILLS', 'LOST', 'MEMORY', 'FROM']
  const failed = policies.map((policy) => mistakeText(listAt(policy, 'errors'))).join('')
  return table([head, ...rows]) + failed
}

function bytes(text: string): string {
  const count = Number(text)
  if (text === '' || !Number.isFinite(count)) return '-'
  if (count >= 1e6) return `${(count / 1e6).toFixed(2)} MB`
  return count >= 1e3 ? `${(count / 1e3).toFixed(2)} kB` : `${count} B`
}

/** Any JSON as indented `key: value` lines. */
function tree(value: Json, indent: string): string {
  if (Array.isArray(value)) return value.map((item: Json) => `${indent}-\n${tree(item, indent + '  ')}`).join('')
  if (!isObject(value)) return `${indent}${String(value)}\n`
  return Object.entries(value).map(([key, member]) => {
    if (member === undefined) return ''
    if (typeof member !== 'object' || member === null) return `${indent}${key}: ${String(member)}\n`
    return `${indent}${key}:\n${tree(member, indent + '  ')}`
  }).join('')
}
