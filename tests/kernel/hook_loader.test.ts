/** loader: files with build ids, told once per process and file. */
import { expect } from 'bun:test'
import fs from 'node:fs'
import os from 'node:os'
import { Elf } from '../../src/kernel/elf.ts'
import { TestAgent, type TestEvent } from './agent.ts'
import { testWhere } from './need.ts'
import { askPolicies, loadPolicy, NO_FUNCTIONS, policyYaml, unloadPolicy } from './policy.ts'

const [major = 0, minor = 0] = os.release().split('.').map(Number)
const OLD = major < 5 || (major === 5 && minor < 12)
const LOADER = policyYaml('files', 'loader: true')

function buildId(file: string): string {
  for (const { owner, type, description } of new Elf(fs.readFileSync(file)).notes()) {
    if (owner === 'GNU' && type === 3) return description.toString('base64')
  }
  throw new Error(`${file} has no build id`)
}

function loaded(events: readonly TestEvent[]): { pid: number; path: string; buildid: string }[] {
  return events.filter(({ kind }) => kind === 'process_loader').map(({ process, body }) => {
    const { path, buildid } = body as { path: string; buildid: string }
    return { pid: process!.pid, path, buildid }
  })
}

testWhere(
  NO_FUNCTIONS ?? (OLD ? 'build ids of mapped files: 5.12' : undefined),
  'each file that a process maps is told once, with its build id',
  async () => {
    await using agent = await TestAgent.start()
    await loadPolicy(agent, LOADER)
    const events = await agent.run(['/bin/sh', '-c', '/bin/true; /bin/true; exit 0'])
    const found = loaded(events)
    const libc = found.filter(({ path }) => path.endsWith('/libc.so.6'))
    // The shell and both programs, each once, though a library is mapped in several parts.
    expect(libc.length).toBe(3)
    expect(new Set(libc.map(({ pid }) => pid)).size).toBe(3)
    expect(new Set(found.map(({ pid, path }) => `${pid} ${path}`)).size).toBe(found.length)
    for (const { path, buildid } of found) expect([path, buildid]).toEqual([path, buildId(path)])
    expect(found.some(({ path }) => fs.realpathSync('/bin/true') === path)).toBe(true)
    const event = events.find(({ kind }) => kind === 'process_loader')!
    expect(Object.keys(event.body).sort()).toEqual(['buildid', 'parent', 'path', 'process'])
    expect(event.line.time).toBeUndefined()
    expect((event.line.thump as { time: string }).time).toMatch(/^20\d\d-/)
    await unloadPolicy(agent, 'files')
    expect(loaded(await agent.run(['/bin/true']))).toEqual([])
    await agent.requireNoLoss()
  },
)

testWhere(
  NO_FUNCTIONS === undefined && OLD ? undefined : 'this kernel has build ids',
  'is refused with the reason',
  async () => {
    await using agent = await TestAgent.start()
    const { status, body } = await askPolicies(agent, 'POST', '/v1/policies', LOADER)
    expect(status).toBe(422)
    // Compilers may leave the function out of BTF, which is found first.
    expect(JSON.stringify(body)).toMatch(/Cannot attach loader: .*(5\.12|not in kernel BTF)/)
  },
)
