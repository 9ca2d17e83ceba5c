import { expect, test } from 'bun:test'
import fs from 'node:fs'
import { TestAgent, type TestEvent } from './agent.ts'
import { removeCgroup } from './cgroup.ts'

/** Where the cgroup hierarchy is mounted that names containers. */
function hierarchy(): string {
  const mounts = fs.readFileSync('/proc/self/mounts', 'utf8').split('\n').map((line) => line.split(' '))
  const memory = mounts.find(([, , type, options]) => type === 'cgroup' && options!.split(',').includes('memory'))
  return (memory ?? mounts.find(([, , type]) => type === 'cgroup2'))![1]!
}

/** Of the test's cgroup: others of a busy machine may be beyond the rate as well. */
function isThrottle(type: string): (event: TestEvent) => boolean {
  return ({ kind, body }) => kind === 'process_throttle' && body.type === type && body.cgroup === 'thump-throttle'
}

test(
  'a cgroup beyond --cgroup-rate: START, what is beyond it counted, every exit, STOP when it was quiet',
  async () => {
    // The slowest guest starts more than 20 in the time.
    await using agent = await TestAgent.start(['--cgroup-rate', '20,60s'])
    const cgroup = `${hierarchy()}/thump-throttle`
    fs.mkdirSync(cgroup)
    try {
      const script = `echo $$ >${cgroup}/cgroup.procs; for i in $(seq 60); do /bin/true; done`
      expect(Bun.spawnSync(['sh', '-c', script]).exitCode).toBe(0)
      const start = await agent.waitFor(isThrottle('THROTTLE_START'))
      expect(start.body).toEqual({ type: 'THROTTLE_START', cgroup: 'thump-throttle' })
      const stop = await agent.waitFor(isThrottle('THROTTLE_STOP'))
      expect(stop.body).toEqual({ type: 'THROTTLE_STOP', cgroup: 'thump-throttle' })
      const quiet_ms = Date.parse(String(stop.line.time)) - Date.parse(String(start.line.time))
      expect(quiet_ms).toBeGreaterThanOrEqual(5000)
      const { rows, imbalance } = await agent.loss()
      expect(imbalance).toEqual([])
      const exec = rows.find(({ where, kind }) => where === 'kernel reserved' && kind === 'exec')!
      expect(exec.lost.share).toBeGreaterThan(0)
      expect(exec.lost).toMatchObject({ ring_full: 0, scratch: 0 })
      await agent.waitFor(({ kind, body }) => kind === 'loss' && body.reason === 'share')
    } finally {
      await removeCgroup(cgroup)
    }
    expect(await agent.stop()).toBe(0)
  },
)
