import { expect, test } from 'bun:test'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { TestAgent } from './agent.ts'

const MAIN = path.join(import.meta.dirname, '../../src/main.ts')
const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'thump-start-'))
const COMMON = ['--listen', 'none', '--policies', 'none', '--token-file', path.join(directory, 'token')]

interface Ended {
  readonly status: number
  readonly stdout: string
  readonly stderr: string
}

async function start(
  flags: readonly string[],
  prefix: readonly string[] = [],
  env: Record<string, string> = {},
): Promise<Ended> {
  const child = Bun.spawn([...prefix, process.execPath, MAIN, ...COMMON, ...flags], {
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
    env: { ...process.env, ...env },
  })
  const [stdout, stderr, status] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ])
  return { status, stdout, stderr }
}

test('--help lists flags on stdout and ends with 0', async () => {
  const { status, stdout, stderr } = await start(['--help'])
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  expect(stdout).toContain('--enable-process-cred')
})

test.each([
  ['an unknown flag', ['--polices', 'x'], 2, 'Unknown flag --polices, nearest is --policies'],
  ['a wrong value', ['--rb-size', 'lots'], 2, 'Invalid value "lots" for flag --rb-size'],
  ['an unreadable config', ['--config', '/nonexistent.yaml'], 2, 'Cannot read config file "/nonexistent.yaml"'],
  ['a BTF file that is not there', ['--btf', '/nonexistent'], 3, '/nonexistent'],
  ['a wrong filter', ['--export-allowlist', '{"nope":1}'], 2, 'nope'],
])('%s: one clear message and its status', async (_, flags, status, text) => {
  const ended = await start(flags)
  expect(ended.stderr).toContain(text)
  expect(ended.stderr.trim().split('\n').length).toBe(1)
  expect(ended).toMatchObject({ status, stdout: '' })
})

test('without privileges: the capabilities by name, and 3', async () => {
  const { status, stderr } = await start([], ['setpriv', '--bounding-set=-all', '--inh-caps=-all'], {})
  expect(stderr).toContain('CAP_BPF, CAP_PERFMON')
  expect(status).toBe(3)
  expect(stderr).not.toContain('root?')
})

test('without libbpf: what is missing and which package has it, and 3', async () => {
  const library = fs.readdirSync('/usr/lib/x86_64-linux-gnu').find((name) => name.startsWith('libbpf.so.1.'))!
  const hide = `mount --bind /dev/null /usr/lib/x86_64-linux-gnu/${library} && exec "$@"`
  const { status, stderr } = await start([], ['unshare', '-m', 'sh', '-c', hide, 'sh'])
  expect(stderr).toContain('libbpf1')
  expect(status).toBe(3)
})

test('an address that is taken: which one, and 1', async () => {
  const taken = Bun.serve({ hostname: '127.0.0.1', port: 0, fetch: () => new Response('') })
  const { status, stderr } = await start(['--listen', `127.0.0.1:${taken.port}`])
  expect(stderr).toContain(`Cannot listen on 127.0.0.1:${taken.port}`)
  expect(status).toBe(1)
  await taken.stop(true)
})

test('--btf FILE in place of /sys/kernel/btf, which is hidden', async () => {
  const copy = path.join(directory, 'vmlinux.btf')
  fs.copyFileSync('/sys/kernel/btf/vmlinux', copy)
  const hide = 'mount -t tmpfs none /sys/kernel/btf && exec "$@"'
  await using agent = await TestAgent.start(['--btf', copy], { prefix: ['unshare', '-m', 'sh', '-c', hide, 'sh'] })
  const events = await agent.run(['/bin/echo', 'btf'])
  expect(events.map(({ kind }) => kind)).toEqual(['process_exec', 'process_exit'])
  expect(await agent.stop()).toBe(0)
})

test('stdout closed at once: said once; without listener the agent ends with 0', async () => {
  const { status, stderr } = await start([], ['sh', '-c', 'exec "$@" >&-', 'sh'])
  expect(stderr.split('\n').filter((line) => line.includes('stdout is closed')).length).toBe(1)
  expect(status).toBe(0)
})

const POLICY = `apiVersion: cilium.io/v1alpha1
kind: TracingPolicy
metadata:
  name: nobody-looks
spec:
  kprobes:
  - call: sys_setns
    syscall: true
    args:
    - {index: 0, type: int}
    - {index: 1, type: int}
    selectors:
    - matchArgs:
      - {index: 1, operator: Equal, values: ["4711"]}
      matchActions:
      - action: Sigkill
`

test('stdout closed, no listener: an enforcing policy keeps the agent, and keeps enforcing', async () => {
  const policies = path.join(directory, 'policies')
  fs.mkdirSync(policies)
  fs.writeFileSync(path.join(policies, 'kill.yaml'), POLICY)
  const flags = ['--listen', 'none', '--policies', policies, '--token-file', path.join(directory, 'token')]
  await using child = Bun.spawn(['sh', '-c', 'exec "$@" >&-', 'sh', process.execPath, MAIN, ...flags], {
    stdin: 'ignore',
    stdout: 'ignore',
    stderr: 'pipe',
  })
  let log = ''
  const reading = (async () => {
    const decoder = new TextDecoder()
    for await (const bytes of child.stderr) log += decoder.decode(bytes, { stream: true })
  })()
  const until = performance.now() + 180_000
  while (!(log.includes('"ready"') && log.includes('stdout is closed')) && performance.now() < until) {
    await Bun.sleep(50)
  }
  await Bun.sleep(2500) // more than two looks at who is left
  expect(log).toContain('policy file loaded')
  expect(child.exitCode).toBeNull()
  Bun.spawnSync([process.execPath, path.join(import.meta.dirname, '../../scripts/programs.ts')])
  expect(Bun.spawnSync([path.join(import.meta.dirname, '../../build/program/setns')]).signalCode).toBe('SIGKILL')
  // The last enforcing policy goes: nobody is left.
  fs.rmSync(path.join(policies, 'kill.yaml'))
  expect(await child.exited).toBe(0)
  await reading
  expect(log).toContain('nobody is left')
})
