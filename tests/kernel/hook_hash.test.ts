/** imaHash: the hash of the file that an LSM hook is about, also where the operation is refused. */
import { afterAll, beforeAll, expect } from 'bun:test'
import { createHash } from 'node:crypto'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { TestAgent } from './agent.ts'
import { testWhere } from './need.ts'
import { askPolicies, hookBodies, loadPolicy, NO_FUNCTIONS, policyYaml, unloadPolicy } from './policy.ts'

const [major = 0, minor = 0] = os.release().split('.').map(Number)
const OLD = major < 5 || (major === 5 && minor < 18)
const lsms = fs.existsSync('/sys/kernel/security/lsm') ? fs.readFileSync('/sys/kernel/security/lsm', 'utf8') : ''
const no_lsm = NO_FUNCTIONS ?? (/\bbpf\b/.test(lsms) ? undefined : 'no BPF LSM: "bpf" is not among the active ones')
const missing = no_lsm ?? (OLD ? 'bpf_ima_file_hash: 5.18' : undefined)

let agent: TestAgent
let directory = ''

beforeAll(async () => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'hash-'))
  if (no_lsm === undefined) agent = await TestAgent.start()
})

afterAll(async () => {
  if (no_lsm === undefined) await agent[Symbol.asyncDispose]()
  fs.rmSync(directory, { recursive: true, force: true })
})

function yaml(name: string, file: string, actions: string): string {
  return policyYaml(
    name,
    `
lsmhooks:
- hook: bprm_check_security
  args:
  - {index: 0, type: linux_binprm}
  selectors:
  - matchArgs:
    - {index: 0, operator: Equal, values: [${file}]}
    matchActions:
${actions.split('\n').map((line) => `    - ${line}`).join('\n')}
`,
  )
}

/** A script that does nothing. In file_open no file can be read yet: a hash is there only for what IMA's own policy has read. */
function file(name: string, comment: string): { readonly file: string; readonly hash: (algorithm: string) => string } {
  const at = path.join(directory, name)
  const content = `#!/bin/sh\n# ${comment}\n`
  fs.writeFileSync(at, content, { mode: 0o755 })
  return { file: at, hash: (algorithm) => createHash(algorithm).update(content).digest('hex') }
}

function hashes(bodies: readonly Record<string, unknown>[]): { algorithm: string; hex: string }[] {
  return bodies.map(({ ima_hash }) => {
    const [algorithm = '', hex = ''] = String(ima_hash).split(':')
    return { algorithm, hex }
  })
}

testWhere(missing, 'an event has the hash of its file, the others none and nothing', async () => {
  const one = file('one', 'some bytes')
  const other = file('other', 'others')
  await loadPolicy(agent, yaml('hashed', one.file, '{action: Post, imaHash: true}'))
  const events = await agent.run(['/bin/sh', '-c', `${one.file}; ${other.file}; ${one.file}`])
  const bodies = hookBodies(events, 'hashed')
  expect(bodies.length).toBe(2)
  for (const { algorithm, hex } of hashes(bodies)) expect(hex).toBe(one.hash(algorithm))
  expect(bodies[0]).toMatchObject({
    function_name: 'bprm_check_security',
    args: [{ linux_binprm_arg: { path: one.file } }],
    action: 'KPROBE_ACTION_POST',
  })
  // The content as it is then, not as it was.
  const changed = file('one', 'other bytes')
  const again = hashes(hookBodies(await agent.run(['/bin/sh', '-c', `${one.file}; true`]), 'hashed'))
  expect(again.map(({ hex }) => hex)).toEqual(again.map(({ algorithm }) => changed.hash(algorithm)))
  expect(again.length).toBe(1)
  await agent.requireNoLoss()
  await unloadPolicy(agent, 'hashed')
})

testWhere(missing, 'what is refused has a hash as well, and is refused', async () => {
  const secret = file('secret', 'secret bytes')
  const plain = file('plain', 'plain')
  await loadPolicy(
    agent,
    yaml('refused', secret.file, '{action: Override, argError: -1}\n{action: Post, imaHash: true}'),
  )
  const events = await agent.run(['/bin/sh', '-c', `${plain.file} || exit 1; ${secret.file} && exit 2; exit 7`])
  const bodies = hookBodies(events, 'refused')
  expect(bodies.length).toBe(1)
  const [found] = hashes(bodies)
  expect(found?.hex).toBe(secret.hash(found?.algorithm ?? ''))
  const status = events.filter(({ kind }) => kind === 'process_exit').at(-1)?.body.status
  expect(status).toBe(7)
  await unloadPolicy(agent, 'refused')
})

testWhere(missing, 'a changed policy goes on with its own', async () => {
  const one = file('first', 'bytes of first')
  const text = yaml('changed', one.file, '{action: Post, imaHash: true}')
  await loadPolicy(agent, text)
  const { status } = await askPolicies(
    agent,
    'PUT',
    '/v1/policies/changed',
    text.replace('bprm_check_security\n', 'bprm_check_security\n    message: second\n'),
  )
  expect(status).toBeLessThan(300)
  const bodies = hookBodies(await agent.run(['/bin/sh', '-c', `${one.file}; true`]), 'changed')
  expect(bodies.map(({ message }) => message)).toEqual(['second'])
  const [found] = hashes(bodies)
  expect(found?.hex).toBe(one.hash(found?.algorithm ?? ''))
  await unloadPolicy(agent, 'changed')
})

testWhere(
  no_lsm ?? (OLD ? undefined : 'this kernel has bpf_ima_file_hash'),
  'imaHash is refused with the reason',
  async () => {
    const { status, body } = await askPolicies(
      agent,
      'POST',
      '/v1/policies',
      yaml('hashed', '/etc/passwd', '{action: Post, imaHash: true}'),
    )
    expect(status).toBe(422)
    expect(JSON.stringify(body)).toContain('5.18')
  },
)
