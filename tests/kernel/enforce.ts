/** Parts of the enforcement tests: what the kernel must have, the door that changes things, outcomes of build/program/attempt. */
import { expect } from 'bun:test'
import fs from 'node:fs'
import type { TestAgent, TestEvent } from './agent.ts'

const kprobes = fs.existsSync('/sys/kernel/tracing/kprobe_events')

/** The one kernel here without kprobes refuses trampolines and LSM programs, too. */
export const NO_REFUSING = kprobes ? undefined : 'no fmod_ret, no BPF LSM programs'
/** How often an operation is attempted, or a policy switched: scripts/enforce.ts sets it for the long form. */
const LONG = process.env['THUMP_ENFORCE_COUNT']
export const COUNT = Number(LONG ?? 40)
export const SWITCHES = Number(LONG ?? 50)

/** Which form ran, for who reads the output. */
export function formOf(count: number): string {
  return LONG === undefined ? `short form: ${count}; bun scripts/enforce.ts has the long one` : `long form: ${count}`
}

export const WORKERS = 4
const PROGRAM = 'build/program/attempt'

export async function call(agent: TestAgent, method: string, route: string, body?: string): Promise<unknown> {
  const authorization = `Bearer ${fs.readFileSync(agent.token_file, 'utf8').trim()}`
  const answer = await agent.request(route, {
    method,
    headers: { authorization, ...(body?.startsWith('{') ? { 'content-type': 'application/json' } : {}) },
    ...(body === undefined ? {} : { body }),
  })
  const text = await answer.text()
  if (answer.status < 300) return text === '' ? null : JSON.parse(text)
  throw new Error(`${method} ${route}: ${answer.status} ${text}`)
}

/** What an event tells of an operation that a policy stopped, by what its plan promises. */
export const OUTCOMES: Readonly<Record<string, string>> = {
  prevents: 'prevented',
  refuses: 'refused',
  terminates: 'terminated',
}

export interface Attempts {
  /** Letters per worker, by pid. */
  readonly workers: ReadonlyMap<number, string>
  /** How often each letter: done, refused, killed, error. */
  readonly count: Readonly<Record<string, number>>
}

export interface AttemptOptions {
  readonly how: 'fork' | 'loop'
  readonly operation: string
  readonly target: string
  readonly count?: number
  readonly workers?: number
  /** Of each worker, between two attempts. */
  readonly pause_us?: number
}

export async function attempt(
  { how, operation, target, count = COUNT, workers = WORKERS, pause_us = 0 }: AttemptOptions,
): Promise<Attempts> {
  const child = Bun.spawn([PROGRAM, how, operation, String(count), String(workers), target, String(pause_us)], {
    stdout: 'pipe',
  })
  const text = await new Response(child.stdout).text()
  expect(await child.exited).toBe(0)
  const found = text.trim().split('\n').map((line) => line.split(' '))
  const letters = found.map(([, outcomes = '']) => outcomes).join('')
  const sum: Record<string, number> = {}
  for (const letter of letters) sum[letter] = (sum[letter] ?? 0) + 1
  expect(letters.length).toBe(count)
  return { workers: new Map(found.map(([pid, outcomes = '']) => [Number(pid), outcomes])), count: sum }
}

export interface Told {
  readonly function: string
  readonly action: string
  readonly verdict: string
  readonly would: string | undefined
  readonly spared: string | undefined
  readonly pid: number
  readonly args: readonly Record<string, Record<string, unknown>>[]
}

/** What events of a policy tell, from number `from` on. */
export function told(events: readonly TestEvent[], policy: string, from = 0): Told[] {
  return events.slice(from).flatMap(({ body, line, process }) => {
    if (body['policy_name'] !== policy) return []
    const thump = line['thump'] as Record<string, string>
    return [{
      function: String(body['function_name']),
      action: String(body['action']),
      verdict: thump['verdict'] ?? '',
      would: thump['would'],
      spared: thump['spared'],
      pid: process?.pid ?? 0,
      args: body['args'] as Told['args'],
    }]
  })
}

/** Waits until `enough` is true of what is told. */
export async function tellsOf(
  agent: TestAgent,
  policy: string,
  from: number,
  enough: (told: readonly Told[]) => boolean,
): Promise<Told[]> {
  const until = performance.now() + 90_000
  for (;;) {
    const found = told(agent.events, policy, from)
    if (enough(found) || performance.now() > until) {
      await Bun.sleep(200) // what there would be too much of comes by then
      return told(agent.events, policy, from)
    }
    await Bun.sleep(20)
  }
}

/** Connections that TCP of this network namespace has begun: tcp_connect counts one after it has built the SYN. */
export function activeOpens(): number {
  const lines = fs.readFileSync('/proc/net/snmp', 'utf8').split('\n').filter((line) => line.startsWith('Tcp:'))
  const [names = '', values = ''] = lines
  return Number(values.split(' ')[names.split(' ').indexOf('ActiveOpens')])
}

export function policyOf(name: string, spec: string): string {
  return `apiVersion: cilium.io/v1alpha1
kind: TracingPolicy
metadata:
  name: ${name}
spec:
${spec}`
}
