import { afterAll, beforeAll, expect, test } from 'bun:test'
import fs from 'node:fs'
import path from 'node:path'
import { TestAgent, type TestEvent } from './agent.ts'

/** An emulated guest does a twentieth of the work in the time. */
const EMULATED = fs.readFileSync('/proc/cpuinfo', 'utf8').includes('QEMU')
const PARENTS = 8
const CHILDREN = EMULATED ? 125 : 2500
const THREADED = 2000
/** Two emulated CPUs, perhaps shared with another guest, need minutes for 18,000 threads. */
const STORM_MS = EMULATED ? 400_000 : 90_000
const PROGRAMS = path.join(import.meta.dirname, '../../build/program')

let agent: TestAgent

beforeAll(async () => {
  Bun.spawnSync([process.execPath, path.join(import.meta.dirname, '../../scripts/programs.ts')])
  agent = await TestAgent.start()
})

afterAll(async () => {
  await agent[Symbol.asyncDispose]()
})

function perProcess(events: readonly TestEvent[], kind: string): Map<string, number> {
  const counts = new Map<string, number>()
  for (const event of events) {
    if (event.kind === kind) counts.set(event.process!.exec_id, (counts.get(event.process!.exec_id) ?? 0) + 1)
  }
  return counts
}

test(`${PARENTS * CHILDREN} short processes of ${PARENTS} parents: each exec and exit once, nothing lost`, async () => {
  const command = [path.join(PROGRAMS, 'storm'), String(PARENTS), String(CHILDREN)]
  const events = await agent.run(command, { timeout_ms: STORM_MS })
  const children = events.filter(({ process }) => process?.binary === '/bin/true')
  const seen = new Set(children.filter(({ kind }) => kind === 'process_exec').map(({ process }) => process!.arguments))
  expect(seen.size).toBe(PARENTS * CHILDREN)
  for (const kind of ['process_exec', 'process_exit']) {
    const counts = [...perProcess(children, kind).values()]
    expect(counts.length).toBe(PARENTS * CHILDREN)
    expect(counts.every((count) => count === 1)).toBe(true)
  }
  await agent.requireNoLoss()
}, STORM_MS + 20_000)

test(`${THREADED} processes of 9 threads that leave through a barrier: one exit each`, async () => {
  const events = await agent.run([path.join(PROGRAMS, 'barrier'), String(THREADED)], { timeout_ms: STORM_MS })
  const exits = perProcess(events, 'process_exit')
  const twice = [...exits].filter(([, count]) => count > 1).map(([exec_id]) => exec_id)
  const lines = events.filter(({ kind, process }) => kind === 'process_exit' && twice.includes(process!.exec_id))
  expect(lines.slice(0, 4).map(({ line }) => JSON.stringify(line))).toEqual([])
  expect(exits.size).toBe(THREADED + 1)
  await agent.requireNoLoss()
}, STORM_MS + 20_000)

test('events came in order: nothing of a process after its exit', () => {
  const ended = new Set<string>()
  let late = 0
  for (const { kind, process } of agent.events) {
    if (process === undefined) continue
    if (ended.has(process.exec_id)) late++
    if (kind === 'process_exit') ended.add(process.exec_id)
  }
  expect(late).toBe(0)
})
