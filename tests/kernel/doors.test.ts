import { expect, test } from 'bun:test'
import fs from 'node:fs'
import path from 'node:path'
import { TestAgent } from './agent.ts'

const ROOT = path.join(import.meta.dirname, '../..')

/** A system call that every kernel lets us see, one way or another, and that nobody else makes here. */
const policy = (call: string) =>
  `apiVersion: cilium.io/v1alpha1
kind: TracingPolicy
metadata:
  name: doors
spec:
  kprobes:
  - call: "${call}"
    syscall: true
    args:
    - index: 0
      type: "int"
`
const CHROOT = ['chroot', '/', '/bin/true']

async function run(command: readonly string[], env: Record<string, string> = {}) {
  const child = Bun.spawn([...command], {
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
    env: { ...process.env, ...env },
  })
  const [out, err, status] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ])
  return { out, err, status }
}

test('policies change over HTTP and by the client: add, conflict, replace, mode, disable, delete; mistakes with carets', async () => {
  await using agent = await TestAgent.start()
  const file = path.join(agent.directory, 'p.yaml')
  const thump = (...args: string[]) =>
    run([process.execPath, path.join(ROOT, 'src/cli/thump.ts'), ...args, '--server', `unix:${agent.socket}`], {
      THUMP_TOKEN_FILE: agent.token_file,
    })
  const headers = { Authorization: `Bearer ${fs.readFileSync(agent.token_file, 'utf8').trim()}` }
  const send = (method: string, name: string, body?: string) =>
    agent.request(`/v1/policies${name}`, { method, headers, ...(body === undefined ? {} : { body }) })
  const hits = async () => {
    const state = await (await agent.request('/v1/policies/doors')).json() as { hits: number }
    return state.hits
  }

  fs.writeFileSync(file, policy('sys_chroot').replace('"int"', '"itn"'))
  const wrong = await thump('policy', 'add', file)
  expect([wrong.status, wrong.out]).toEqual([1, ''])
  expect(wrong.err).toMatch(/^http:11:13: .*"itn".*\n +11 \| +type: "itn"\n +\| +\^/)
  expect((await agent.request('/v1/policies', { method: 'POST', body: policy('sys_chroot') })).status).toBe(401)
  expect(await (await agent.request('/v1/policies')).json()).toEqual([])

  fs.writeFileSync(file, policy('sys_chroot'))
  expect((await thump('policy', 'plan', file)).status).toBe(0)
  expect(await thump('policy', 'add', file)).toEqual({ out: 'policy "doors" added\n', err: '', status: 0 })
  expect((await send('POST', '', policy('sys_chroot'))).status).toBe(409)
  await run(CHROOT)
  await agent.waitFor(({ kind, body }) => kind === 'process_kprobe' && body.policy_name === 'doors')
  expect(await hits()).toBe(1)

  expect((await send('PUT', '/doors', policy('sys_chroot').replace('int', 'string'))).status).toBe(200)
  await run(CHROOT)
  await agent.waitFor(({ kind, body }) => kind === 'process_kprobe' && JSON.stringify(body.args).includes('"/"'))

  expect((await thump('policy', 'disable', 'doors')).status).toBe(0)
  const before = await hits()
  await run(CHROOT)
  expect(await hits()).toBe(before)
  expect((await send('PATCH', '/doors', '{"enabled":true,"mode":"monitor"}')).status).toBe(200)
  expect((await thump('policy', 'list')).out).toContain('doors  enabled')
  expect((await thump('policy', 'delete', 'doors')).out).toBe('policy "doors" deleted\n')
  expect((await send('DELETE', '/doors')).status).toBe(404)
  await agent.requireNoLoss()
})

test('a client generated from the service description streams events and changes policies over gRPC', async () => {
  await using agent = await TestAgent.start(['--grpc', 'unix:/tmp/thump-doors-grpc.sock'])
  const client = path.join(ROOT, 'tests/grpc/client.ts')
  const call = async (method: string, request: object, events = 0) => {
    const { out } = await run([
      process.execPath,
      client,
      'unix:/tmp/thump-doors-grpc.sock',
      method,
      JSON.stringify(request),
      String(events),
    ])
    return out.trim().split('\n').map((line) => JSON.parse(line) as Record<string, unknown>)
  }
  expect(await call('AddTracingPolicy', { yaml: policy('sys_chroot') })).toEqual([{}])
  expect(await call('ListTracingPolicies', {})).toMatchObject([
    {
      policies: [{
        name: 'doors',
        state: 'TP_STATE_ENABLED',
        domain: 'grpc',
        hook_statuses: [{ state: 'STATUS_LOADED' }],
      }],
    },
  ])
  const request = {
    allow_list: [{ policy_names: ['doors'] }, { binary_regex: ['/echo$'], event_set: ['PROCESS_EXEC'] }],
  }
  const streaming = call('GetEvents', request, 2)
  let done = false
  void streaming.finally(() => (done = true))
  for (const until = performance.now() + 60_000; !done && performance.now() < until;) { // until the client is there
    await run(['/bin/true'])
    await run(CHROOT)
    await run(['/bin/echo', 'x'])
  }
  const events = await streaming
  expect(events.map((event) => Object.keys(event).find((key) => key.startsWith('process_'))!).sort()).toEqual([
    'process_exec',
    'process_kprobe',
  ])
  expect(await call('DeleteTracingPolicy', { name: 'doors' })).toEqual([{}])
  expect(await call('ListTracingPolicies', {})).toEqual([{}])
  expect(await call('DeleteTracingPolicy', { name: 'doors' })).toMatchObject([{ code: 'NOT_FOUND' }])
  await agent.requireNoLoss()
})
