import { expect, test } from 'bun:test'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { runClient } from '../../src/cli/thump.ts'

const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'thump-cli-hook-'))

async function thump(...argv: string[]): Promise<{ status: number; out: string; err: string }> {
  let [out, err] = ['', '']
  const status = await runClient(['oci-hook', ...argv], {
    env: {},
    color: false,
    stdin: new Blob(['{}']).stream(),
    stdin_is_terminal: false,
    write: (text) => {
      out += text
      return Promise.resolve()
    },
    error: (text) => err += text,
  })
  return { status, out, err }
}

test('thump oci-hook install writes a file that podman reads, and uninstall removes it', async () => {
  const hooks = path.join(directory, 'hooks.d')
  const installed = await thump('install', '--hooks-dir', hooks, '--timeout', '2s', '--on-failure', 'refuse')
  expect(installed.status).toBe(0)
  expect(installed.out).toContain('--oci-hook-socket /run/thump/oci-hook.sock')
  expect(installed.out).toContain('base_runtime_spec')
  expect(fs.readdirSync(hooks)).toEqual(['thump.json'])
  const { hook, stages } = JSON.parse(fs.readFileSync(path.join(hooks, 'thump.json'), 'utf8')) as {
    hook: { path: string; args: string[] }
    stages: string[]
  }
  expect(stages).toEqual(['createRuntime'])
  expect(hook.path).toBe(process.execPath)
  expect(fs.existsSync(hook.args[2]!)).toBe(true)
  expect(hook.args.slice(3)).toEqual([
    '/run/thump/oci-hook.sock',
    '2000',
    'refuse',
    '/run/thump/oci-hook.log',
    'kube-system,thump',
  ])
  expect((await thump('uninstall', '--hooks-dir', hooks)).status).toBe(0)
  expect(fs.readdirSync(hooks)).toEqual([])
  expect(await thump('uninstall', '--hooks-dir', hooks)).toMatchObject({ status: 1 })
})

test('thump oci-hook install --config puts the hook into a specification', async () => {
  const file = path.join(directory, 'config.json')
  fs.writeFileSync(file, '{"ociVersion":"1.0.2"}')
  expect(await thump('install', '--config', file)).toMatchObject({ status: 0 })
  expect(fs.readFileSync(file, 'utf8')).toContain('createRuntime')
  expect(await thump('uninstall', '--config', file)).toMatchObject({ status: 0 })
  expect(JSON.parse(fs.readFileSync(file, 'utf8'))).toEqual({ ociVersion: '1.0.2' })
  fs.writeFileSync(file, '{}')
  expect((await thump('install', '--config', file)).err).toContain('no OCI config.json')
})

test.each([
  [['fly'], 'Unknown word "fly"'],
  [['install', 'it'], 'Unexpected argument "it"'],
  [['--timeout', '1h'], 'Invalid value "1h" for --timeout'],
  [['--on-failure', 'cry'], 'Invalid value "cry" for --on-failure'],
])('thump oci-hook %p is refused', async (argv, message) => {
  const { status, err } = await thump(...argv)
  expect([status, err]).toEqual([2, expect.stringContaining(message)])
})

test('thump oci-hook without a word is the hook', async () => {
  const { status } = await thump('--on-failure', 'refuse', '--log', 'none', '--timeout', '20s')
  expect(status).toBe(1) // a state without an id
})
