import { expect, test } from 'bun:test'
import { parseMessage } from '../../src/hook/message.ts'
import { messageOf } from '../../src/hook/state.ts'

const ID = 'a'.repeat(64)
const STORE = '/var/lib/containers/storage/overlay-containers'

function read(files: Readonly<Record<string, unknown>>) {
  return (path: string) => {
    const file = files[path]
    return file === undefined ? undefined : typeof file === 'string' ? file : JSON.stringify(file)
  }
}

const state = (parts: object) => JSON.stringify({ ociVersion: '1.0.2', id: ID, status: 'creating', pid: 7, ...parts })

test('messageOf() takes annotations of state and specification, and the cgroup of the process', () => {
  const files = { '/proc/7/cgroup': '0::/x\n', '/b/config.json': { annotations: { a: 'spec', b: 'spec', c: 3 } } }
  const message = messageOf(state({ bundle: '/b', annotations: { a: 'state' } }), 100, read(files))
  expect(message).toEqual({
    id: ID,
    cgroup: '0::/x\n',
    annotations: { a: 'state', b: 'spec' },
    wait_ms: 100,
    name: '',
    image: '',
    image_id: '',
  })
  expect(parseMessage(JSON.stringify(message))).toEqual(message)
})

test("messageOf() finds name and image in Podman's and CRI-O's store", () => {
  const entry = { id: ID, names: ['web'], image: 'sha', metadata: '{"image-name":"localhost/web:1","name":"other"}' }
  const bundle = `${STORE}/${ID}/userdata`
  const found = (files: Readonly<Record<string, unknown>>) => {
    const { name, image, image_id } = messageOf(state({ bundle }), 1, read({ '/proc/7/cgroup': '0::/x', ...files }))
    return [name, image, image_id]
  }
  const list = `${STORE}/containers.json`
  expect(found({ [list]: [{ id: 'b' }, entry] })).toEqual(['web', 'localhost/web:1', 'sha'])
  expect(found({ [list]: [], [`${STORE}/volatile-containers.json`]: [entry] })).toEqual([
    'web',
    'localhost/web:1',
    'sha',
  ])
  expect(found({ [list]: [{ ...entry, names: [], image: 1 }] })).toEqual(['other', 'localhost/web:1', ''])
  expect(found({ [list]: [{ id: ID, metadata: 'no json' }] })).toEqual(['', '', ''])
  expect(found({ [list]: [{ id: 'b' }] })).toEqual(['', '', ''])
  expect(found({ [list]: 'half wri' })).toEqual(['', '', ''])
})

test.each([
  ['', 'Cannot read the state of the container: it is no JSON object'],
  ['[]', 'Cannot read the state of the container: it is no JSON object'],
  ['{}', 'Cannot read the state of the container: it has no id'],
  [`{"id":"x"}`, 'Cannot read the state of container x: it has no pid'],
  [`{"id":"x","pid":8}`, 'Cannot read the cgroup of container x: process 8 is gone'],
])('messageOf(%p) says what is wrong', (text, message) => {
  expect(() => messageOf(text, 1, read({}))).toThrow(message)
})

test('parseMessage() names the member that is wrong', () => {
  const good = { id: 'x', cgroup: '', annotations: {}, name: '', image: '', image_id: '', wait_ms: 1 }
  expect(() => parseMessage(JSON.stringify({ ...good, id: 1 }))).toThrow('"id" is no string')
  expect(() => parseMessage(JSON.stringify({ ...good, annotations: [] }))).toThrow('"annotations" is no object')
  expect(() => parseMessage(JSON.stringify({ ...good, wait_ms: -1 }))).toThrow('"wait_ms" is no time')
  expect(() => parseMessage('null')).toThrow('it is no object')
})
