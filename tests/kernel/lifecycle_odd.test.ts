// Processes that begin and end in unusual ways: tests/kernel/program/lives.c makes them.
import { afterAll, beforeAll, expect, test } from 'bun:test'
import fs from 'node:fs'
import path from 'node:path'
import { TestAgent, type TestEvent, type TestProcess } from './agent.ts'

const LIVES = path.join(import.meta.dirname, '../../build/program/lives')

let agent: TestAgent

beforeAll(async () => {
  agent = await TestAgent.start(['--enable-process-cred', '--redact-secrets=false'])
})

afterAll(async () => {
  await agent.requireNoLoss()
  expect(await agent.stop()).toBe(0)
})

/**
 * One text per event, in no order: what it is of, whose child, how it ended. Processes are named by the order of their pids
 * (`1` is the one that was started, `0` this test); the rest of each process is compared with what all have in common.
 */
function shown(events: readonly TestEvent[], cwds: readonly string[] = ['/tmp']): string[] {
  const pids = [...new Set(events.map(({ process }) => process!.pid))].sort((a, b) => a - b)
  const name = (found: TestProcess) => found.pid === process.pid ? '0' : String(pids.indexOf(found.pid) + 1)
  const ids = new Map(events.flatMap(({ process, parent }) => [process!, parent!]).map((each) => [each.exec_id, each]))
  return events.map(({ kind, process: found, parent, body, line }) => {
    const { pid, tid, uid, auid, start_time, cwd, in_init_tree, exec_id, parent_exec_id } = found!
    expect({ tid, uid, type: typeof auid, start: Date.parse(String(start_time)) > 0 }).toEqual({
      tid: pid,
      uid: 0,
      type: 'number',
      start: true,
    })
    expect(cwds).toContain(cwd as string)
    expect(typeof in_init_tree).toBe('boolean')
    expect(Buffer.from(exec_id, 'base64').toString()).toEndWith(`:${pid}`)
    expect(parent!.exec_id).toBe(parent_exec_id!)
    expect(ids.has(parent_exec_id!)).toBe(true)
    const { seq, boot, ...extra } = line.thump as Record<string, unknown>
    expect([typeof seq, typeof boot]).toEqual(['string', 'string'])
    const end = body.signal ?? body.status ?? 0
    return [
      kind.replace('process_', ''),
      `${name(found!)} of ${name(parent!)}`,
      found!.binary!.replace(LIVES, 'lives'),
      JSON.stringify(found!.arguments ?? ''),
      `[${found!.flags}]`,
      kind === 'process_exit' ? String(end) : '',
      Object.keys(extra).join(),
    ].filter((part) => part !== '').join(' ')
  }).sort()
}

/** Started in /tmp; the events of all that comes of it. */
async function live(...args: string[]): Promise<TestEvent[]> {
  return await agent.run([LIVES, ...args], { timeout_ms: 120_000 })
}

test('a child made with CLONE_PARENT is the child of its grandparent', async () => {
  expect(shown(await live('clone-parent'))).toEqual([
    'exec 1 of 0 lives "clone-parent" [execve clone]',
    'exec 3 of 1 /bin/true "clone-parent" [execve clone]',
    'exit 1 of 0 lives "clone-parent" [execve clone] 0',
    'exit 2 of 1 lives "clone-parent" [execve] 4',
    'exit 3 of 1 /bin/true "clone-parent" [execve clone] 0',
  ])
})

test('vfork and exec', async () => {
  expect(shown(await live('vfork'))).toEqual([
    'exec 1 of 0 lives "vfork" [execve clone]',
    'exec 2 of 1 /bin/true "vfork" [execve clone]',
    'exit 1 of 0 lives "vfork" [execve clone] 0',
    'exit 2 of 1 /bin/true "vfork" [execve clone] 0',
  ])
})

test('a fork that executes nothing has an exit, and no exec', async () => {
  expect(shown(await live('fork'))).toEqual([
    'exec 1 of 0 lives "fork" [execve clone]',
    'exit 1 of 0 lives "fork" [execve clone] 0',
    'exit 2 of 1 lives "fork" [execve] 5',
  ])
})

test('the leading thread leaves first: one exit, when the last one leaves, with its status', async () => {
  const events = await live('leader-exits')
  expect(shown(events)).toEqual([
    'exec 1 of 0 lives "leader-exits" [execve clone]',
    'exit 1 of 0 lives "leader-exits" [execve clone] 7',
  ])
  const [begin, end] = events.map(({ line }) => Date.parse(String(line.time)))
  expect(end! - begin!).toBeGreaterThanOrEqual(90)
})

test('the leading thread leaves, another one executes: the process goes on under its pid', async () => {
  const events = await live('leader-exec')
  expect(shown(events)).toEqual([
    'exec 1 of 0 lives "leader-exec" [execve clone]',
    'exec 1 of 1 /bin/true "leader-left" [execve] exec_tid',
    'exit 1 of 1 /bin/true "leader-left" [execve] 0',
  ])
  const { exec_tid } = events[1]!.line.thump as { exec_tid: number }
  expect(exec_tid).not.toBe(events[1]!.process!.pid)
})

test('exec in another root: path and working directory as the process has them', async () => {
  const root = path.join(agent.directory, 'root')
  fs.mkdirSync(path.join(root, 'inside'), { recursive: true })
  fs.copyFileSync(LIVES, path.join(root, 'program'))
  const events = await live('chroot', root)
  expect(shown(events, ['/tmp', '/inside'])).toEqual([
    `exec 1 of 0 lives "chroot ${root}" [execve clone]`,
    'exec 1 of 1 /program "nothing" [execve]',
    'exit 1 of 1 /program "nothing" [execve] 0',
  ])
  expect(events[1]!.process!.cwd).toBe('/inside')
})

test.each([[10, ''], [19, ''], [30, ' errorPathResolutionCwd']])(
  'a working directory %i directories of 200 characters deep%s',
  async (depth, flag) => {
    const top = fs.mkdtempSync('/tmp/lives-')
    const real = top + `/${'d'.repeat(200)}`.repeat(depth)
    try {
      const from = agent.events.length
      const child = Bun.spawn([LIVES, 'deep', String(depth)], { cwd: top, stdio: ['ignore', 'ignore', 'inherit'] })
      await child.exited
      const [, exec, exit] = await agent.tree(child.pid, from, 120_000)
      for (const { process } of [exec!, exit!]) {
        expect(process!.flags).toBe(`execve${flag}`)
        const cwd = process!.cwd as string
        if (flag === '') expect(cwd).toBe(real)
        else {
          // Whole names from the end, as many as fit in 4,095 bytes.
          expect(real.endsWith(cwd)).toBe(true)
          expect(cwd.length).toBe(Math.floor(4095 / 201) * 201)
        }
      }
    } finally {
      fs.rmSync(top, { recursive: true })
    }
  },
)

test('empty arguments, bytes that are no text, newlines and quotes', async () => {
  const expected = 'two\nlines \ufffd a\ufffd(b  "\ttab "q" \\" '
  expect(shown(await live('odd-arguments'))).toEqual([
    'exec 1 of 0 lives "odd-arguments" [execve clone]',
    `exec 1 of 1 /bin/true ${JSON.stringify(expected)} [execve]`,
    `exit 1 of 1 /bin/true ${JSON.stringify(expected)} [execve] 0`,
  ])
})

test('no arguments at all: argv is NULL', async () => {
  const events = await live('no-arguments', LIVES)
  expect(shown(events)).toEqual([
    `exec 1 of 0 lives "no-arguments ${LIVES}" [execve clone]`,
    'exec 1 of 1 lives "" [execve]',
    'exit 1 of 1 lives "" [execve] 0',
  ])
  expect(events[1]!.process).not.toHaveProperty('arguments')
})

test('a program that was deleted before it began', async () => {
  const copy = path.join(agent.directory, 'copy')
  fs.copyFileSync(LIVES, copy)
  fs.chmodSync(copy, 0o755)
  const inode = String(fs.statSync(copy).ino)
  const events = await live('deleted', copy)
  expect(shown(events)).toEqual([
    `exec 1 of 0 lives "deleted ${copy}" [execve clone]`,
    'exec 1 of 1 /dev/fd/3 "nothing" [execve]',
    'exit 1 of 1 /dev/fd/3 "nothing" [execve] 0',
  ])
  expect(events[1]!.process!.binary_properties).toEqual({ file: { inode: { number: inode, links: 0 } } })
  expect(events[0]!.process).not.toHaveProperty('binary_properties')
})

test('an orphan that executes is the child of who took it in', async () => {
  expect(shown(await live('orphan'))).toEqual([
    'exec 1 of 0 lives "orphan" [execve clone]',
    'exec 3 of 1 /bin/true "orphan" [execve clone]',
    'exit 1 of 0 lives "orphan" [execve clone] 0',
    'exit 2 of 1 lives "orphan" [execve] 6',
    'exit 3 of 1 /bin/true "orphan" [execve clone] 0',
  ])
})

test('the first process of a pid namespace, and its child', async () => {
  const events = await live('namespace-init')
  expect(shown(events)).toEqual([
    'exec 1 of 0 lives "namespace-init" [execve clone]',
    'exec 3 of 2 /bin/true "second" [execve clone inInitTree]',
    'exit 1 of 0 lives "namespace-init" [execve clone] 0',
    'exit 2 of 1 lives "namespace-init" [execve inInitTree] 2',
    'exit 3 of 2 /bin/true "second" [execve clone inInitTree] 0',
  ])
  for (const { process } of events) {
    expect(process!.in_init_tree).toBe(process!.flags!.includes('inInitTree'))
  }
})
