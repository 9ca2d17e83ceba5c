import { describe, expect, test } from 'bun:test'
import { generateKeyPairSync, sign } from 'node:crypto'
import { PolicyKey, withSignature } from '../../src/policy/signature.ts'

const TEXT = 'kind: TracingPolicy\n# ümlaut\n'
const { publicKey, privateKey } = generateKeyPairSync('ed25519')
const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString()
const signature = sign(null, Buffer.from(TEXT), privateKey)

describe('PolicyKey', () => {
  const key = new PolicyKey(pem)

  test('open() gives the text that was signed', () => {
    expect(key.open(withSignature(TEXT, signature))).toBe(TEXT)
    expect(key.open(withSignature(TEXT, Buffer.from(`${signature.toString('base64')}\n`)))).toBe(TEXT)
  })

  test('open() refuses text without signature, changed text, and the signature of another key', () => {
    const other = generateKeyPairSync('ed25519').privateKey
    expect(key.open(TEXT)).toBeNull()
    expect(key.open('')).toBeNull()
    expect(key.open(withSignature(`${TEXT} `, signature))).toBeNull()
    expect(key.open(withSignature(TEXT, sign(null, Buffer.from(TEXT), other)))).toBeNull()
    expect(key.open(`# thump-signature: ${'A'.repeat(86)}==\n${TEXT}`)).toBeNull()
    expect(key.open(`# thump-signature: short\n${TEXT}`)).toBeNull()
    expect(key.open(`\n${withSignature(TEXT, signature)}`)).toBeNull()
  })

  test('takes Ed25519 keys only', () => {
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({ type: 'spki', format: 'pem' })
    expect(() => new PolicyKey(rsa.toString())).toThrow('it is rsa, want ed25519')
    expect(() => new PolicyKey('nothing')).toThrow('not a public key in PEM form')
  })
})

test('withSignature() refuses what is no signature', () => {
  expect(() => withSignature(TEXT, Buffer.from('x'))).toThrow('want 64 bytes')
})
