// The unary methods of FineGuidanceSensors over the policy registry and the process cache.

import { status } from '@grpc/grpc-js'
import { isObject, type JsonObject, listAt, numberAt, textAt } from '../filter/json.ts'
import type { PolicyAnswer, PolicyPatch, PolicyRegistry } from '../http/policy_registry.ts'
import type { ProcessSource } from '../http/processes.ts'
import { fromJson, messageType } from './schema.ts'

/** What a client did wrong, or what is not there: a status of gRPC with its text. */
export class DoorError extends Error {
  override readonly name = 'DoorError'
  readonly code: number

  constructor(code: number, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

export interface MethodParts {
  readonly version: string
  /** Null where this agent runs without policies. */
  readonly policies: PolicyRegistry | null
  readonly processes: Omit<ProcessSource, 'texts'>
  /** Names of what does not work; empty when all does. */
  readonly health: () => readonly string[]
  /** Probed features by name. */
  readonly features: () => Promise<Readonly<Record<string, boolean>>>
  readonly log_level: { get(): string; set(level: string): void }
  /** A container is about to start; undefined where nothing listens to that. */
  readonly onContainer?: (container: JsonObject) => void | Promise<void>
}

type Method = (request: Record<string, unknown>, parts: MethodParts) => object | Promise<object>

const DEPRECATED: Method = () => {
  throw new DoorError(status.UNIMPLEMENTED, 'deprecated: use the tracing policy methods')
}

export const METHODS: Readonly<Record<string, Method>> = {
  GetHealth: (_request, { health }) => {
    const trouble = health()
    return {
      health_status: [{
        event: 'HEALTH_STATUS_TYPE_STATUS',
        status: trouble.length === 0 ? 'HEALTH_STATUS_RUNNING' : 'HEALTH_STATUS_ERROR',
        details: trouble.length === 0 ? 'running' : `missing: ${trouble.join(', ')}`,
      }],
    }
  },
  GetVersion: (_request, { version }) => ({ version }),
  GetInfo: async (_request, { version, features }) => ({
    version,
    name: 'thump',
    probes: Object.entries(await features()).map(([Name, value]) => ({ Name, Enabled: { value } })),
    build: {},
  }),
  AddTracingPolicy: async (request, parts) => {
    unwrap(await registry(parts).add(textOf(request, 'yaml'), textOf(request, 'domain') || 'grpc'))
    return {}
  },
  DeleteTracingPolicy: async (request, parts) => {
    unwrap(await registry(parts).remove(nameOf(request)))
    return {}
  },
  ConfigureTracingPolicy: (request, parts) => configure(request, parts, change(request)),
  EnableTracingPolicy: (request, parts) => configure(request, parts, { enabled: true }),
  DisableTracingPolicy: (request, parts) => configure(request, parts, { enabled: false }),
  ListTracingPolicies: (request, parts) => {
    const domain = textOf(request, 'domain')
    const policies = (parts.policies?.list() ?? []).filter(isObject).map(policyStatus)
    return { policies: policies.filter((policy) => domain === '' || policy.domain === domain) }
  },
  ListDomains: (_request, parts) => {
    const policies = (parts.policies?.list() ?? []).filter(isObject)
    return { domains: [...new Set(policies.map((policy) => policyStatus(policy).domain))].sort() }
  },
  RuntimeHook: async (request, { onContainer }) => {
    const container = request['createContainer']
    if (!isObject(container)) throw new DoorError(status.INVALID_ARGUMENT, 'createContainer is missing')
    await onContainer?.(container)
    return {}
  },
  GetDebug: (request, parts) => {
    const flag = textOf(request, 'flag') || 'CONFIG_FLAG_LOG_LEVEL'
    if (flag === 'CONFIG_FLAG_LOG_LEVEL') return { flag, level: wireLevel(parts.log_level.get()) }
    return {
      flag,
      processes: { processes: processes(parts.processes, isObject(request['dump']) ? request['dump'] : {}) },
    }
  },
  SetDebug: (request, { log_level }) => {
    const flag = textOf(request, 'flag') || 'CONFIG_FLAG_LOG_LEVEL'
    if (flag !== 'CONFIG_FLAG_LOG_LEVEL') throw new DoorError(status.INVALID_ARGUMENT, `${flag} cannot be set`)
    log_level.set(
      (textOf(request, 'level') || 'LOG_LEVEL_PANIC').replace('LOG_LEVEL_', '').toLowerCase().replace('panic', 'fatal'),
    )
    return { flag, level: wireLevel(log_level.get()) }
  },
  ListSensors: DEPRECATED,
  EnableSensor: DEPRECATED,
  DisableSensor: DEPRECATED,
  RemoveSensor: DEPRECATED,
}

function registry({ policies }: MethodParts): PolicyRegistry {
  if (!policies) throw new DoorError(status.UNIMPLEMENTED, 'this agent runs without policies')
  return policies
}

function textOf(request: Record<string, unknown>, key: string): string {
  const value = request[key]
  return typeof value === 'string' ? value : ''
}

function nameOf(request: Record<string, unknown>): string {
  const namespace = textOf(request, 'namespace')
  return namespace === '' ? textOf(request, 'name') : `${namespace}/${textOf(request, 'name')}`
}

const CODE: Readonly<Record<number, number>> = {
  404: status.NOT_FOUND,
  409: status.ALREADY_EXISTS,
  422: status.INVALID_ARGUMENT,
}

function unwrap<T>(answer: PolicyAnswer<T>): T {
  if (answer.ok) return answer.value
  const text = answer.mistakes.map(({ file, line, column, message }) =>
    line > 0 ? `${file}:${line}:${column}: ${message}` : message
  )
  throw new DoorError(CODE[answer.status] ?? status.UNKNOWN, text.join('\n'))
}

async function configure(request: Record<string, unknown>, parts: MethodParts, patch: PolicyPatch): Promise<object> {
  unwrap(await registry(parts).patch(nameOf(request), patch))
  return {}
}

function change(request: Record<string, unknown>): PolicyPatch {
  const mode = textOf(request, 'mode')
  const enable = request['enable']
  return {
    ...(mode === 'TP_MODE_ENFORCE' ? { mode: 'enforce' as const } : {}),
    ...(mode === 'TP_MODE_MONITOR' || mode === 'TP_MODE_MONITOR_ONLY' ? { mode: 'monitor' as const } : {}),
    ...(typeof enable === 'boolean' ? { enabled: enable } : {}),
  }
}

/** A policy's state as /v1/policies has it, in the protocol's words; what it does not tell is left out. */
function policyStatus(policy: JsonObject) {
  const state = textAt(policy, 'state').toUpperCase()
  const mode = textAt(policy, 'mode').toUpperCase()
  const known = (list: Readonly<Record<string, number>> | undefined, name: string) => list && Object.hasOwn(list, name)
  const states = messageType('TracingPolicyStatus').fields['state']?.resolvedType
  const values = states && 'values' in states ? states.values : undefined
  const source = textAt(policy, 'source')
  const hooks = listAt(policy, 'hooks').filter(isObject)
  return {
    id: numberAt(policy, 'id'),
    name: textAt(policy, 'name'),
    namespace: textAt(policy, 'namespace'),
    info: textAt(policy, 'info'),
    enabled: state === 'ENABLED',
    error: listAt(policy, 'errors').map((error) => textAt(error, 'message') || String(error)).join('\n'),
    state: known(values, `TP_STATE_${state}`) ? `TP_STATE_${state}` : 'TP_STATE_UNKNOWN',
    kernel_memory_bytes: numberAt(policy, 'kernel_memory_bytes'),
    mode: ['ENFORCE', 'MONITOR', 'MONITOR_ONLY'].includes(mode) ? `TP_MODE_${mode}` : 'TP_MODE_UNKNOWN',
    sensors: [...new Set(hooks.map((hook) => textAt(hook, 'event').replace('process_', 'generic_')))],
    stats: {
      action_counters: actions(policy),
      selector_action_counters: hooks.flatMap((hook, hook_index) =>
        listAt(hook, 'selectors').filter(isObject).map((selector, selector_index) => ({
          hook: hookName(hook),
          hook_index: { value: hook_index },
          selector_index: { value: selector_index },
          selector_label: textAt(selector, 'label'),
          action_counters: actions(selector),
        }))
      ),
    },
    hook_statuses: hooks.map((hook, hook_idx) => ({
      section: listAt(hook, 'attach').map(String).join(','),
      state: 'STATUS_LOADED',
      hook_description: hookName(hook),
      hook_idx,
    })),
    domain: source === '' || source === 'http' ? 'grpc' : /^(grpc|k8s)$/.test(source) ? source : 'static',
  }
}

function actions(counters: JsonObject) {
  return {
    post: numberAt(counters, 'posted'),
    signal: numberAt(counters, 'kills'),
    override: numberAt(counters, 'overrides'),
    nopost: numberAt(counters, 'suppressed'),
  }
}

function hookName(hook: JsonObject): string {
  return listAt(hook, 'names').map(String).slice(0, 8).join(',')
}

function wireLevel(level: string): string {
  const name = level === 'silent' ? 'PANIC' : level.toUpperCase()
  return `LOG_LEVEL_${name}`
}

const PROCESS = messageType('Process')

function processes(source: Omit<ProcessSource, 'texts'>, dump: JsonObject): object[] {
  return source.list().filter(isObject).flatMap((entry) => {
    const references = numberAt(entry, 'references')
    if (dump['skip_zero_refcnt'] === true && references === 0) return []
    if (dump['exclude_execve_map_processes'] === true && entry['ended'] !== true) return []
    const process = fromJson(PROCESS, entry['process'] ?? entry)
    return [{ process, color: entry['ended'] === true ? 'deletePending' : 'inUse', refcnt: { value: references } }]
  })
}
