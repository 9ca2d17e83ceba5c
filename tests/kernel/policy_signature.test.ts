/** With --policy-key, what the key did not sign is not loaded, by whichever door it comes. */
import { expect, test } from 'bun:test'
import { generateKeyPairSync, sign } from 'node:crypto'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { withSignature } from '../../src/policy/signature.ts'
import { TestAgent } from './agent.ts'
import { call, policyOf } from './enforce.ts'

const POLICY = policyOf(
  'signed',
  `  tracepoints:
  - subsystem: raw_syscalls
    event: sys_enter
    raw: true
    selectors:
    - matchPIDs:
      - {operator: In, values: [1]}
      matchActions:
      - action: NoPost
`,
)

test('an agent with --policy-key takes signed policies only', async () => {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'thump-key-'))
  const file = path.join(directory, 'key.pem')
  fs.writeFileSync(file, publicKey.export({ type: 'spki', format: 'pem' }))
  await using agent = await TestAgent.start(['--policy-key', file])
  const refused = call(agent, 'POST', '/v1/policies', POLICY)
  await expect(refused).rejects.toThrow('no signature of the key that --policy-key names')
  const signed = withSignature(POLICY, sign(null, Buffer.from(POLICY), privateKey))
  await expect(call(agent, 'POST', '/v1/policies', signed.replace('In', 'NotIn'))).rejects.toThrow('422')
  await call(agent, 'POST', '/v1/policies', signed)
  expect(await call(agent, 'GET', '/v1/policies/signed')).toMatchObject({ name: 'signed' })
  fs.rmSync(directory, { recursive: true })
})
