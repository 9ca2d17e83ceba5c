import { expect, test } from 'bun:test'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { DockerSource } from '../../src/container/docker.ts'
import { containerName } from '../../src/process/container.ts'

const ID = 'a'.repeat(64)
const name = containerName(`/docker/${ID}`)!

test('ask() tells name and image by the socket', async () => {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'thump-docker-'))
  const socket = path.join(directory, 'docker.sock')
  using source = new DockerSource({ socket, timeout_ms: 20_000 })
  expect(source.status.state).toBe('absent')
  let answer = () =>
    Response.json({
      Name: '/db',
      Image: 'sha256:1',
      Config: { Image: 'postgres:16' },
      State: { StartedAt: '2026-11-22T14:00:00.123456789Z' },
      HostConfig: { Privileged: false },
    })
  const asked: string[] = []
  const server = Bun.serve({
    unix: socket,
    fetch: (request) => {
      asked.push(new URL(request.url).pathname)
      return answer()
    },
  })
  expect(await source.ask(name)).toEqual({
    name: 'db',
    image: 'postgres:16',
    image_id: 'sha256:1',
    started: '2026-11-22T14:00:00Z',
    runtime: 'docker',
  })
  expect(asked).toEqual([`/containers/${ID}/json`])
  answer = () => new Response('', { status: 404 })
  expect(await source.ask(name)).toBeUndefined()
  expect(source.status.state).toBe('active')
  answer = () => new Response('', { status: 500 })
  expect(await source.ask(name)).toBeUndefined()
  expect(source.status.state).toBe('failing')
  await server.stop(true)
  fs.rmSync(directory, { recursive: true })
})

test("covers() what Docker can know: neither pods nor podman's", () => {
  const source = new DockerSource({ socket: '/run/docker.sock', timeout_ms: 1 })
  expect(source.covers(name)).toBe(true)
  expect(source.covers(containerName(`/x/${ID}`)!)).toBe(true)
  expect(source.covers(containerName(`/libpod_parent/libpod-${ID}`)!)).toBe(false)
  expect(source.covers(containerName(`/kubepods/pod8f6e7a52-1111-4222-8333-444455556666/${ID}`)!)).toBe(false)
})
