import { expect, test } from 'bun:test'
import type { Container } from '../../src/process/container_entry.ts'
import { CONTAINER_LIMITS, ContainerTable } from '../../src/process/container_table.ts'

const HOST = { mnt: 1, pid: 2 }
const ID = 'a'.repeat(64)

test('at() finds the container of a cgroup, of those below it, and none on the host', () => {
  const table = new ContainerTable(HOST)
  const found = table.at(10, `/docker/${ID}`, 5, 6, 1)
  expect(found?.name.id).toBe(ID)
  expect(table.at(11, `/docker/${ID}/init.scope`, 5, 6, 2)).toBe(found)
  expect(table.at(12, '/system.slice/ssh.service', 1, 2, 3)).toBeUndefined()
  expect(table.size).toBe(1)
})

test("at() takes a plain name only where pids and mounts are not the host's", () => {
  const table = new ContainerTable(HOST)
  expect(table.at(10, '/web', 1, 2, 1)).toBeUndefined()
  expect(table.at(10, '/web', 5, 2, 1)).toBeUndefined()
  expect(table.at(10, '/web', 1, 6, 1)).toBeUndefined()
  const web = table.at(10, '/web', 5, 6, 1)
  expect(web?.name.id).toBe('web')
  // Who leaves the namespaces is still in the cgroup.
  expect(table.at(10, '/web', 1, 2, 1)).toBe(web)
  expect(table.at(11, '/web/inner', 5, 6, 1)).toBe(web)
})

test('at() believes the path when a cgroup was renamed', () => {
  const table = new ContainerTable(HOST)
  table.at(10, `/docker/${ID}`, 5, 6, 1)
  expect(table.at(10, `/docker/${'b'.repeat(64)}`, 5, 6, 1)?.name.id).toBe('b'.repeat(64))
})

test('sweep() keeps a container five minutes after its last process, and as long as its cgroup exists', () => {
  let exists = true
  const table = new ContainerTable(HOST, { exists: () => exists })
  table.at(10, `/docker/${ID}`, 5, 6, 1e9)
  table.sweep(302e9)
  expect(table.size).toBe(1)
  exists = false
  table.sweep(600e9)
  expect(table.size).toBe(1)
  table.sweep(603e9)
  expect(table.size).toBe(0)
  expect(table.counters).toEqual({ added: 1, removed: 1, evicted: 0 })
})

test('containers and cgroups are bounded, and those that events wait for stay', () => {
  const added: Container[] = []
  const table = new ContainerTable(HOST, {
    limits: { ...CONTAINER_LIMITS, containers_max: 2, cgroups_max: 2 },
    onAdded: (container) => void added.push(container),
  })
  const id = (n: number) => String(n).padStart(64, '0')
  table.at(1, `/docker/${id(1)}`, 5, 6, 1)!.waiting = true
  for (let n = 2; n < 6; n++) table.at(n, `/docker/${id(n)}`, 5, 6, 1)
  expect(added.length).toBe(5)
  expect([...table.values()].map(({ name }) => name.id)).toEqual([id(1), id(5)])
  expect(table.counters.evicted).toBe(3)
})

test('appear() takes a name alone for a container until time or a process of the host decides', () => {
  const told: string[] = []
  const table = new ContainerTable(HOST, {
    onCandidate: ({ name }) => void told.push(`candidate ${name.id}`),
    onAdded: ({ name }) => void told.push(`added ${name.id}`),
    onSeen: ({ name }) => void told.push(`seen ${name.id}`),
    onHost: (id) => void told.push(`host ${id}`),
  })
  expect(table.appear(10, '/web', 1e9)).toBeUndefined()
  expect(table.appear(11, '/system.slice/ssh.service', 1e9)).toBeUndefined()
  table.appear(12, '/other', 2e9)
  // The runtime on its way in does not decide.
  expect(table.at(10, '/web', 1, 2, 2e9)).toBeUndefined()
  const web = table.at(10, '/web', 5, 6, 2e9)
  expect(table.appear(13, '/web/inner', 2e9)).toBe(web)
  table.sweep(5e9)
  expect(told).toEqual(['candidate web', 'host 11', 'candidate other', 'added web', 'seen web', 'host 12'])
  expect(table.appear(14, `/docker/${ID}`, 5e9)?.name.id).toBe(ID)
  expect(told.slice(-1)).toEqual([`added ${ID}`])
})
