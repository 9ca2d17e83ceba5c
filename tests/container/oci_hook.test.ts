import { expect, test } from 'bun:test'
import { Identifier } from '../../src/container/identifier.ts'
import { hookInfo, messageOfTetragon, OciHookSource } from '../../src/container/oci_hook.ts'
import type { ContainerSource } from '../../src/container/type.ts'
import type { Container, ContainerInfo } from '../../src/process/container_entry.ts'
import { ContainerTable } from '../../src/process/container_table.ts'

const ID = 'a'.repeat(64)
const MESSAGE = { id: ID, cgroup: '', annotations: {}, name: 'web', image: 'nginx:1', image_id: 'sha', wait_ms: 1 }

test('hookInfo() has name and image, or what the annotations of a pod say', () => {
  expect(hookInfo(MESSAGE)).toEqual({ name: 'web', image: 'nginx:1', image_id: 'sha' })
  expect(hookInfo({ ...MESSAGE, name: '', image: '', image_id: '' })).toEqual({})
  expect(hookInfo({ ...MESSAGE, id: 'shell', name: '', image: '', image_id: '' })).toEqual({ name: 'shell' })
  expect(hookInfo({ ...MESSAGE, annotations: { 'io.container.manager': 'libpod' } }).runtime).toBe('podman')
  const pod = { 'io.kubernetes.pod.name': 'p', 'io.kubernetes.pod.namespace': 'n', 'io.kubernetes.pod.uid': 'u' }
  expect(hookInfo({ ...MESSAGE, annotations: { ...pod, 'io.kubernetes.container.name': 'c' } })).toMatchObject({
    pod: { namespace: 'n', name: 'p', uid: 'u', partial: true },
    name: 'c',
  })
})

test("messageOfTetragon() understands what Tetragon's hook tells", () => {
  const told = {
    cgroupsPath: `/sys/fs/cgroup/kubepods/pod1/${ID}`,
    containerName: 'app',
    containerImage: 'web:1',
    podName: 'p',
    podUID: 'u',
    podNamespace: 'n',
    annotations: { a: 'b', c: 1 },
  }
  const message = messageOfTetragon(told, 7)
  expect(message).toMatchObject({ id: ID, cgroup: `0::/kubepods/pod1/${ID}\n`, wait_ms: 7, annotations: { a: 'b' } })
  expect(hookInfo(message)).toEqual({
    pod: { namespace: 'n', name: 'p', uid: 'u', labels: {}, partial: true },
    name: 'app',
    image: 'web:1',
  })
  const alone = messageOfTetragon({ cgroupsPath: '/x', containerID: 'c', containerName: 'web' }, 7)
  expect([alone.id, hookInfo(alone)]).toEqual(['c', { name: 'web' }])
})

function start(...others: ContainerSource[]) {
  const source = new OciHookSource('/s')
  const learned: (string | undefined)[] = []
  const onLearned = (container: Container) => void learned.push(container.info.name)
  const identifier = new Identifier({ sources: [source, ...others], wait_ms: 50, onSettled: () => {}, onLearned })
  const host: number[] = []
  const table = new ContainerTable({ mnt: 1, pid: 2 }, {
    onAdded: (container) => identifier.add(container),
    onSeen: (container) => identifier.see(container),
    onHost: (cgroup_id) => void host.push(cgroup_id),
  })
  identifier.attach(table)
  return { source, identifier, table, learned, host }
}

test('what a hook tells is known before anything runs, and events need not wait', async () => {
  const { source, identifier, table, learned } = start()
  const path = `/libpod_parent/libpod-${ID}`
  const container = table.declare(10, path, ID, 1)
  expect(await identifier.known(container, 1000)).toBe(false)
  source.tell(container.name.root, MESSAGE)
  expect(learned).toEqual(['web'])
  expect(await identifier.known(container, 0)).toBe(true)
  // The making of its cgroup comes after, as it does where the ring is read later.
  expect(table.appear(10, path, 2)).toBe(container)
  expect(table.at(10, path, 5, 6, 3)).toBe(container)
  expect(container.waiting).toBe(false)
  expect(source.status.detail).toBe('/s, told of 1 containers')
})

test('a container without an id stays one, and the next of its name is another', () => {
  const { source, table, host } = start()
  const first = table.declare(20, '/system.slice/web', 'web', 1)
  source.tell(first.name.root, { ...MESSAGE, image: 'one' })
  expect(table.appear(20, '/system.slice/web', 2)).toBe(first)
  table.sweep(10e9)
  expect(host).toEqual([])
  expect(table.at(20, '/system.slice/web', 1, 2, 3)).toBe(first) // even with the namespaces of the host
  const second = table.declare(21, '/system.slice/web', 'web', 4)
  expect(second).not.toBe(first)
  source.tell(second.name.root, { ...MESSAGE, image: 'two' })
  expect([first.info.image, second.info.image]).toEqual(['one', 'two'])
})

test('a cgroup that was suspected of being a container is one when its runtime says so', () => {
  const { table, host } = start()
  expect(table.appear(30, '/shell', 1)).toBeUndefined()
  const container = table.declare(30, '/shell', 'shell', 2)
  table.sweep(10e9)
  expect(host).toEqual([])
  expect(table.at(30, '/shell', 5, 6, 3)).toBe(container)
})

class Slow implements ContainerSource {
  readonly name = 'cri'
  readonly status = { state: 'active', detail: '' } as const
  readonly #answer: Promise<ContainerInfo | undefined>
  constructor(answer: Promise<ContainerInfo | undefined>) {
    this.#answer = answer
  }
  covers(): boolean {
    return true
  }
  look(): undefined {
    return undefined
  }
  ask(): Promise<ContainerInfo | undefined> {
    return this.#answer
  }
  [Symbol.dispose](): void {}
}

test('Identifier.known() waits for who can tell more, and no longer than that', async () => {
  const { promise, resolve } = Promise.withResolvers<ContainerInfo | undefined>()
  const late = start(new Slow(promise))
  const waiting = late.identifier.known(late.table.declare(10, `/docker/${ID}`, ID, 1), 10_000)
  resolve({ name: 'late' })
  expect(await waiting).toBe(true)
  const nothing = start(new Slow(Promise.resolve(undefined)))
  expect(await nothing.identifier.known(nothing.table.declare(10, `/docker/${ID}`, ID, 1), 10_000)).toBe(false)
  const never = start(new Slow(new Promise(() => {})))
  expect(await never.identifier.known(never.table.declare(10, `/docker/${ID}`, ID, 1), 20)).toBe(false)
})
