import { expect, test } from 'bun:test'
import fs from 'node:fs'
import { TestAgent } from './agent.ts'

const EMULATED = fs.readFileSync('/proc/cpuinfo', 'utf8').includes('QEMU')

test('6 MB of arguments arrive whole where the bound allows, on one event', async () => {
  await using agent = await TestAgent.start(['--argument-bytes', '8M'])
  // 60 arguments of 100 kB: one may have 128 KiB at most.
  const script = 'import os,resource\nresource.setrlimit(resource.RLIMIT_STACK,(1<<26,resource.RLIM_INFINITY))\n' +
    'os.execv("/bin/true",["true"]+[chr(97+i%26)*100000 for i in range(60)])'
  const events = await agent.run(['python3', '-c', script])
  const exec = events.findLast(({ kind }) => kind === 'process_exec')!
  const wanted = Array.from({ length: 60 }, (_, i) => String.fromCharCode(97 + i % 26).repeat(100_000)).join(' ')
  expect(exec.process!.arguments === wanted).toBe(true)
  expect(exec.process!.flags).not.toContain('truncArgs')
  await agent.requireNoLoss()
  expect(await agent.stop()).toBe(0)
})

test('arguments beyond the bound are cut there and flagged', async () => {
  await using agent = await TestAgent.start()
  const script = 'import os,resource\nresource.setrlimit(resource.RLIMIT_STACK,(1<<26,resource.RLIM_INFINITY))\n' +
    'os.execv("/bin/true",["true"]+["x"*100000]*60)'
  const events = await agent.run(['python3', '-c', script])
  const exec = events.findLast(({ kind }) => kind === 'process_exec')!
  expect(exec.process!.flags).toContain('truncArgs')
  expect(exec.line.thump).toMatchObject({ truncated: ['arguments'] })
  const length = exec.process!.arguments!.length
  expect(length).toBeGreaterThan(900_000)
  expect(length).toBeLessThanOrEqual(1 << 20)
  await agent.requireNoLoss()
})

test('a stopped reader of stdout: the rings go on, the loss is counted, and told when it reads again', async () => {
  await using agent = await TestAgent.start(['--stdout-queue-size', '64K'])
  const resume = agent.stopReading()
  const times = EMULATED ? 100 : 600
  for (let i = 0; i < times; i++) Bun.spawnSync(['/bin/true', 'x'.repeat(500)])
  const look = async () => {
    const stopped = await agent.loss()
    return { stopped, row: stopped.rows.find(({ where }) => where === 'stdout')! }
  }
  let { stopped, row } = await look()
  for (let i = 0; i < 600 && !EMULATED && (row.lost.queue_full ?? 0) === 0; i++) {
    await Bun.sleep(50)
    ;({ stopped, row } = await look())
  }
  const kernel = stopped.rows.filter(({ where }) => where.startsWith('kernel'))
  expect(stopped.imbalance).toEqual([])
  expect(kernel.every(({ lost }) => Object.values(lost).every((count) => count === 0))).toBe(true)
  resume()
  if (!EMULATED) {
    expect(row.lost.queue_full).toBeGreaterThan(0)
    Bun.spawnSync(['/bin/true'])
    const loss = await agent.waitFor(({ kind }) => kind === 'loss')
    expect(loss.body).toMatchObject({ queue: 'stdout', reason: 'queue_full' })
  }
  expect(await agent.stop()).toBe(0)
})

test('SIGTERM flushes what happened before it', async () => {
  await using agent = await TestAgent.start()
  const pids = Array.from({ length: 50 }, () => Bun.spawnSync(['/bin/true']).pid)
  expect(await agent.stop()).toBe(0)
  const exits = new Set(agent.events.filter(({ kind }) => kind === 'process_exit').map(({ process }) => process!.pid))
  expect(pids.filter((pid) => !exits.has(pid))).toEqual([])
})

test('a reader that goes away ends the agent only where nobody else is left', async () => {
  await using agent = await TestAgent.start([], { stdout: 'closed' })
  await Bun.sleep(300)
  expect((await agent.request('/healthz')).status).toBe(200)
  expect(await agent.logged(['stdout is closed'])).toHaveLength(1)
  expect(await agent.stop('SIGINT')).toBe(0)
})
