// Policies in kernel tests: put into an agent through its API, and the events of its hooks.
import { expect } from 'bun:test'
import fs from 'node:fs'
import type { TestAgent, TestEvent } from './agent.ts'

export interface PolicyState {
  readonly name: string
  readonly state: string
  readonly load_ms: number
  readonly hits: number
  readonly posted: number
  readonly suppressed: number
  readonly lost: number
  readonly kernel_memory_bytes: number
  readonly hooks: readonly {
    readonly names: readonly string[]
    readonly attach: readonly string[]
    readonly load_ms: number
    readonly programs: readonly { readonly name: string; readonly verified_insns: number }[]
    readonly counters: Readonly<Record<string, number>>
    readonly selectors: readonly Readonly<Record<string, number | string>>[]
  }[]
}

/** A TracingPolicy `name` whose spec is `spec` (YAML without indentation). */
export function policyYaml(name: string, spec: string): string {
  const indented = spec.trim().split('\n').map((line) => `  ${line}`).join('\n')
  return `apiVersion: cilium.io/v1alpha1\nkind: TracingPolicy\nmetadata:\n  name: ${name}\nspec:\n${indented}\n`
}

/** Status and parsed answer of a request that changes policies. */
export async function askPolicies(
  agent: TestAgent,
  method: 'POST' | 'DELETE' | 'PUT' | 'PATCH',
  route: string,
  body?: string,
): Promise<{ readonly status: number; readonly body: unknown }> {
  const authorization = `Bearer ${fs.readFileSync(agent.token_file, 'utf8').trim()}`
  const answer = await agent.request(route, {
    method,
    headers: { authorization },
    ...(body === undefined ? {} : { body }),
  })
  const text = await answer.text()
  return { status: answer.status, body: text === '' ? null : JSON.parse(text) as unknown }
}

export async function loadPolicy(agent: TestAgent, yaml: string): Promise<void> {
  const answer = await askPolicies(agent, 'POST', '/v1/policies', yaml)
  expect(answer).toMatchObject({ status: 201 })
}

export async function unloadPolicy(agent: TestAgent, name: string): Promise<void> {
  const { status } = await askPolicies(agent, 'DELETE', `/v1/policies/${encodeURIComponent(name)}`)
  expect(status).toBeLessThan(300)
}

export async function readPolicy(agent: TestAgent, name: string): Promise<PolicyState> {
  return await (await agent.request(`/v1/policies/${encodeURIComponent(name)}`)).json() as PolicyState
}

const HOOK_KINDS: ReadonlySet<string> = new Set([
  'process_kprobe',
  'process_tracepoint',
  'process_uprobe',
  'process_usdt',
  'process_lsm',
])

/** Kernels without kprobes here have no trampolines and LSM programs either. */
export const NO_FUNCTIONS = fs.existsSync('/sys/kernel/tracing/kprobe_events')
  ? undefined
  : 'no hooks on kernel functions'

/** Bodies of hook events of one policy, without process and parent, which other tests compare. */
export function hookBodies(events: readonly TestEvent[], policy: string): Record<string, unknown>[] {
  return events.filter(({ kind, body }) => HOOK_KINDS.has(kind) && body.policy_name === policy).map(
    ({ kind, body }) => {
      const { process: _, parent: __, ...rest } = body
      return { kind, ...rest }
    },
  )
}
