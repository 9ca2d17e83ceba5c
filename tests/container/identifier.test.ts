import { expect, test } from 'bun:test'
import { Identifier, merge } from '../../src/container/identifier.ts'
import type { ContainerSource } from '../../src/container/type.ts'
import type { ContainerName } from '../../src/process/container.ts'
import type { Container, ContainerInfo } from '../../src/process/container_entry.ts'
import { ContainerTable } from '../../src/process/container_table.ts'

const ID = 'a'.repeat(64)
const PATH = `/kubepods/besteffort/pod8f6e7a52-1111-4222-8333-444455556666/${ID}`
const POD = { namespace: 'shop', name: 'web', uid: 'u', labels: { app: 'web' } }

class Source implements ContainerSource {
  readonly name = 'kubernetes'
  status: ContainerSource['status'] = { state: 'active', detail: '' }
  tells_all = false
  known: ContainerInfo | undefined
  ask?: () => Promise<ContainerInfo | undefined>
  onChange?: NonNullable<ContainerSource['onChange']>
  constructor(known?: ContainerInfo, answer?: () => Promise<ContainerInfo | undefined>) {
    this.known = known
    if (answer !== undefined) this.ask = answer
  }
  covers(): boolean {
    return true
  }
  look(): ContainerInfo | undefined {
    return this.known
  }
  [Symbol.dispose](): void {}
}

function start(sources: readonly ContainerSource[], wait_ms = 40) {
  const settled: Container[] = []
  const identifier = new Identifier({ sources, wait_ms, onSettled: (container) => void settled.push(container) })
  const table = new ContainerTable({ mnt: 1, pid: 2 }, {
    onAdded: (container) => identifier.add(container),
    onSeen: (container) => identifier.see(container),
  })
  identifier.attach(table)
  const container = table.at(10, PATH, 5, 6, 1)!
  return { identifier, table, container, settled }
}

test('what is known at once waits for nobody', () => {
  const { identifier, table, container, settled } = start([new Source({ pod: POD, name: 'app' })])
  expect([container.waiting, table.waiting, settled.length]).toEqual([false, 0, 0])
  expect(container.pod(false)?.name).toBe('web')
  expect(identifier.counters.known).toBe(1)
})

test('nothing waits where nobody can be asked', () => {
  const absent = new Source()
  absent.status = { state: 'absent', detail: '' }
  expect(start([]).container.waiting).toBe(false)
  expect(start([absent]).container.waiting).toBe(false)
  const failing = new Source()
  failing.status = { state: 'failing', detail: '' }
  expect(start([failing]).container.waiting).toBe(false)
  expect(start([new Source()], 0).container.waiting).toBe(false)
})

test('two sources complete each other', async () => {
  const api = new Source({ pod: { ...POD, workload: 'web' } })
  const runtime = new Source(
    undefined,
    () => Promise.resolve({ pod: { ...POD, partial: true }, name: 'app', image: 'i' }),
  )
  const { identifier, table, container, settled } = start([api, runtime])
  expect([container.waiting, table.waiting]).toEqual([true, 1])
  await Bun.sleep(5)
  expect(settled).toEqual([container])
  expect(container.info).toEqual({ pod: { ...POD, workload: 'web' }, name: 'app', image: 'i' })
  expect([table.waiting, identifier.counters.awaited]).toEqual([0, 1])
})

test('a source that hears of changes ends the wait', async () => {
  const api = new Source()
  const { table, container, settled, identifier } = start([api])
  api.known = { pod: POD, name: 'app' }
  api.onChange?.(() => true)
  expect([settled.length, container.waiting, table.waiting]).toEqual([1, false, 0])
  await Bun.sleep(60)
  expect(identifier.counters).toMatchObject({ awaited: 1, unknown: 0, partial: 0 })
})

test('when the time is over events go without, and what comes later is for later events', async () => {
  const api = new Source()
  const { container, settled, identifier } = start([api])
  await Bun.sleep(60)
  expect([settled.length, identifier.counters.unknown]).toEqual([1, 1])
  expect(container.podJson(1, false)).toBe('')
  api.known = { pod: POD, name: 'app' }
  api.onChange?.(() => true)
  expect(container.pod(false)?.container?.name).toBe('app')
  expect(identifier.counters.late).toBe(1)
  // And labels that change.
  api.known = { pod: { ...POD, labels: { app: 'new' } }, name: 'app' }
  api.onChange?.(() => true)
  expect(container.pod(false)?.pod_labels).toEqual({ app: 'new' })
})

test('when all who are asked have answered nobody waits any longer', async () => {
  const nobody = new Source(undefined, () => Promise.resolve(undefined))
  const { settled, identifier } = start([nobody], 10_000)
  await Bun.sleep(5)
  expect([settled.length, identifier.counters.unknown]).toEqual([1, 1])
})

test('a flood of events and the end of the agent let go of what waits', () => {
  const { settled, identifier, container } = start([new Source()], 10_000)
  identifier.crowded(container)
  expect([settled.length, identifier.counters.crowded]).toEqual([1, 1])
  const other = start([new Source()], 10_000)
  other.identifier[Symbol.dispose]()
  expect(other.settled.length).toBe(1)
})

test('merge() takes fields of the first that has them, and never mixes two pods', () => {
  const other = { ...POD, uid: 'other', labels: { app: 'other' } }
  const partial = { ...POD, labels: {}, partial: true }
  expect(merge([undefined, { pod: partial }, { pod: POD, name: 'a' }, { name: 'b', image: 'i' }]))
    .toEqual({
      pod: POD,
      name: 'a',
      image: 'i',
    })
  expect(merge([{ pod: partial }, { pod: other }]).pod).toEqual(partial)
})

test('health checks are known as such as soon as the name of their container is', () => {
  const bundle = new Source({ pod: { ...POD, labels: {}, partial: true }, name: 'app' })
  bundle.tells_all = true
  const api = new Source({ pod: POD })
  const asked: string[] = []
  const written = (_: ContainerName, own: string) => {
    asked.push(own)
    return { name: 'never taken', probes: [['/bin/check', '-q']] }
  }
  const { container } = start([Object.assign(api, { written }), bundle])
  expect([container.waiting, container.info.name, asked]).toEqual([false, 'app', ['app', 'app']])
  expect([container.isProbe('/bin/check', '-q'), container.isProbe('/bin/check', '')]).toEqual([true, false])
  // Without a name nobody knows which of the pod's containers it is.
  expect(start([Object.assign(new Source({ pod: POD }), { written })]).container.isProbe('/bin/check', '-q')).toBe(
    false,
  )
})

test('nobody waits for more than a source that has told all it will ever know', () => {
  const bundle = new Source({ pod: { ...POD, labels: {}, partial: true }, name: 'app' })
  bundle.tells_all = true
  const alone = start([bundle])
  expect([alone.container.waiting, alone.container.pod(false)?.container?.name]).toEqual([false, 'app'])
  // But for the labels that another one may know.
  expect(start([bundle, new Source()]).container.waiting).toBe(true)
})
