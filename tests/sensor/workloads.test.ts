import { expect, test } from 'bun:test'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { decodePolicyCgroupKey } from '../../ffi/wire.gen.ts'
import type { LabelSelector } from '../../src/policy/type.ts'
import { containerName } from '../../src/process/container.ts'
import { Container } from '../../src/process/container_entry.ts'
import { Workloads } from '../../src/sensor/workloads.ts'

const ALL: LabelSelector = { matchLabels: {}, matchExpressions: [] }
const WEB: LabelSelector = { matchLabels: { app: 'web' }, matchExpressions: [] }
const NONE = { podSelector: null, containerSelector: null, hostSelector: null }

class FakeMap {
  readonly entries = new Map<string, bigint>()
  readonly #show: (key: DataView) => string
  constructor(show: (key: DataView) => string) {
    this.#show = show
  }
  update(key: Uint8Array<ArrayBuffer>, value: Uint8Array): void {
    this.entries.set(
      this.#show(new DataView(key.buffer)),
      value.length === 8 ? new DataView(value.buffer).getBigUint64(0, true) : 1n,
    )
  }
  delete(key: Uint8Array<ArrayBuffer>): boolean {
    return this.entries.delete(this.#show(new DataView(key.buffer)))
  }
}

class FakeUnits extends FakeMap {
  readonly #former: readonly (readonly [string, number])[]
  constructor(former: readonly (readonly [string, number])[]) {
    super((key) => new TextDecoder().decode(key).replace(/\0+$/, ''))
    this.#former = former
  }
  *former(): Generator<readonly [Uint8Array, Uint8Array<ArrayBuffer>]> {
    for (const [name, number] of this.#former) {
      const value = new Uint8Array(new BigUint64Array([BigInt(number)]).buffer)
      yield [new TextEncoder().encode(name.padEnd(64, '\0')), value]
    }
  }
}

function start(mount: string | null = null, former: readonly (readonly [string, number])[] = []) {
  const policies = new FakeMap((key) => {
    const { cgroup_id, filter } = decodePolicyCgroupKey(key, 0)
    return `${cgroup_id}:${filter}`
  })
  const cgroups = new FakeMap((key) => String(key.getBigUint64(0, true)))
  const units = new FakeUnits(former)
  const workloads = new Workloads({
    policy_cgroups: () => policies,
    cgroup_containers: () => cgroups,
    cgroup_units: () => ({
      update: (key, value) => units.update(key, value),
      delete: (key) => units.delete(key),
      entries: () => units.former(),
    }),
    mount,
    isContainer: (cgroup) => containerName(cgroup) !== undefined,
    onFailure: (error) => {
      throw error
    },
  })
  return { policies, cgroups, units, workloads }
}

function container(n: number, app: string, namespace = 'shop'): Container {
  const made = new Container(containerName(`/docker/${String(n).padStart(64, '0')}`)!, n)
  made.learn({ pod: { namespace, name: `${app}-0`, uid: String(n), labels: { app } }, name: app })
  return made
}

test('filters hold for containers that are there, come, change and go', () => {
  const { policies, cgroups, workloads } = start()
  const web = container(10, 'web')
  workloads.update(web)
  workloads.update(container(11, 'db'))
  const first = workloads.add({
    workloads: [{ ...NONE, podSelector: WEB }, { ...NONE, hostSelector: ALL }],
    namespace: '',
  })
  expect(first).toBe(1)
  expect([...policies.entries.keys()]).toEqual(['10:1', '0:2'])
  workloads.update(container(12, 'web'))
  expect(policies.entries.has('12:1')).toBe(true)
  expect(workloads.matched(1)).toEqual({ matched: 2, containers: 3 })
  web.learn({ pod: { namespace: 'shop', name: 'web-0', uid: '10', labels: { app: 'db' } }, name: 'web' })
  workloads.update(web)
  expect(policies.entries.has('10:1')).toBe(false)
  workloads.gone(12)
  expect([...policies.entries.keys()]).toEqual(['0:2'])
  workloads.remove(first)
  expect(policies.entries.size).toBe(0)
  expect([...cgroups.entries]).toEqual([['10', 10n], ['11', 11n], ['12', 12n]])
  expect(workloads.add({ workloads: [NONE], namespace: 'blog' })).toBe(3)
  expect(policies.entries.size).toBe(0)
})

test('cgroups that a container has inside are its own, also those that are older than the agent', () => {
  const mount = fs.mkdtempSync(path.join(os.tmpdir(), 'thump-cgroup-'))
  const own = new Container(containerName(`/docker/${'a'.repeat(64)}`)!, 1)
  fs.mkdirSync(`${mount}${own.name.root}/system.slice/cron.service`, { recursive: true })
  const { cgroups, workloads } = start(mount)
  workloads.update(own)
  const ids = new Set(cgroups.entries.values())
  expect([cgroups.entries.size, ids.size]).toEqual([3, 1])
  workloads.nested(4711, own)
  expect(cgroups.entries.get('4711')).toBe([...ids][0]!)
  workloads.host(4711)
  expect(cgroups.entries.has('4711')).toBe(false)
  fs.rmSync(mount, { recursive: true })
})

test('a container that was ended and started again is covered by its new cgroup', () => {
  const mount = fs.mkdtempSync(path.join(os.tmpdir(), 'thump-cgroup-'))
  const web = container(10, 'web')
  const directory = mount + web.name.root
  const start_again = () => {
    // Out of the way, but there: its inode must not be given out again.
    if (fs.existsSync(directory)) fs.renameSync(directory, path.join(mount, crypto.randomUUID()))
    fs.mkdirSync(directory, { recursive: true })
    return fs.statSync(directory).ino
  }
  const { policies, cgroups, workloads } = start(mount)
  workloads.add({ workloads: [{ ...NONE, podSelector: WEB }], namespace: '' })
  const first = start_again()
  workloads.update(web)
  expect([...policies.entries.keys()]).toEqual([`${first}:1`])
  workloads.gone(first)
  const second = start_again()
  expect(second).not.toBe(first)
  workloads.nested(second, web)
  expect([...policies.entries.keys()]).toEqual([`${second}:1`])
  expect(cgroups.entries.get(String(second))).toBe(BigInt(second))
  fs.rmSync(mount, { recursive: true })
})

test('units that a policy names have a number of their own, for which everything about the host stands as well', () => {
  const mount = fs.mkdtempSync(path.join(os.tmpdir(), 'thump-cgroup-'))
  const inside = (directory: string) => {
    fs.mkdirSync(mount + directory, { recursive: true })
    return String(fs.statSync(mount + directory).ino)
  }
  const ssh = inside('/system.slice/ssh.service')
  const nested = inside('/system.slice/ssh.service/session')
  const other = inside('/system.slice/cron.service')
  const contained = inside(`/docker/${'c'.repeat(64)}/system.slice/ssh.service`)
  const { cgroups, policies, units, workloads } = start(mount)
  const everywhere = workloads.add({ workloads: [{ ...NONE, hostSelector: ALL }], namespace: '' })
  const UNIT: LabelSelector = { matchLabels: { unit: 'ssh.service' }, matchExpressions: [] }
  const BUT: LabelSelector = {
    matchLabels: {},
    matchExpressions: [{ key: 'unit', operator: 'NotIn', values: ['ssh.service'] }],
  }
  const first = workloads.add({
    workloads: [{ ...NONE, hostSelector: UNIT }, { ...NONE, hostSelector: BUT }],
    namespace: '',
  })
  const number = String(2 ** 52)
  expect([...units.entries]).toEqual([['ssh.service', BigInt(number)]])
  expect([...policies.entries.keys()].toSorted()).toEqual(['0:1', '0:3', `${number}:1`, `${number}:2`])
  expect([cgroups.entries.get(ssh), cgroups.entries.get(nested)]).toEqual([BigInt(number), BigInt(number)])
  expect([cgroups.entries.has(other), cgroups.entries.has(contained)]).toEqual([false, false])
  // One that starts later: the kernel has told it by itself, and being no container's takes nothing away.
  workloads.made(4711, '/system.slice/ssh.service')
  workloads.made(4712, '/system.slice/cron.service')
  workloads.host(4711)
  workloads.host(4712)
  expect([cgroups.entries.get('4711'), cgroups.entries.has('4712')]).toEqual([BigInt(number), false])
  workloads.remove(first)
  expect([...policies.entries.keys()].toSorted()).toEqual(['0:1', `${number}:1`])
  workloads.remove(everywhere)
  expect(policies.entries.size).toBe(0)
  workloads.gone(4711)
  workloads.host(4711)
  expect(cgroups.entries.has('4711')).toBe(false)
  fs.rmSync(mount, { recursive: true })
})

test('units that a former agent left in the kernel keep their numbers, and are of the host', () => {
  const { policies, units, workloads } = start(null, [['old.service', 2 ** 52]])
  workloads.add({ workloads: [{ ...NONE, hostSelector: ALL }], namespace: '' })
  expect([...policies.entries.keys()]).toEqual(['0:1', `${2 ** 52}:1`])
  const named = (unit: string): LabelSelector => ({ matchLabels: { unit }, matchExpressions: [] })
  workloads.add({
    workloads: [{ ...NONE, hostSelector: named('new.service') }, { ...NONE, hostSelector: named('old.service') }],
    namespace: '',
  })
  expect([...units.entries]).toEqual([['new.service', BigInt(2 ** 52 + 1)]])
  expect([...policies.entries.keys()].toSorted()).toEqual(
    ['0:1', `${2 ** 52}:1`, `${2 ** 52}:3`, `${2 ** 52 + 1}:1`, `${2 ** 52 + 1}:2`].toSorted(),
  )
})
