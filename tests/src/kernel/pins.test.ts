import { expect, test } from 'bun:test'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { LibbpfError } from '../../../ffi/error.ts'
import type { BpfLink } from '../../../ffi/link.ts'
import { ownerLives, ownerText } from '../../../src/kernel/owner.ts'
import { keptPolicies, Pins, removePinned } from '../../../src/kernel/pins.ts'

function fill(root: string, generation: string, name: string): void {
  fs.mkdirSync(path.join(root, generation, name), { recursive: true })
  fs.writeFileSync(path.join(root, generation, name, '0'), '')
}

function pinned(): string {
  const root = fs.mkdtempSync(path.join(os.tmpdir(), 'thump-pins-'))
  fill(root, 'old', '@base')
  fill(root, 'old', 'team%2Fweb%2Eegress@3')
  fill(root, 'old', 'files@1')
  fill(root, 'older', '@base')
  fill(root, 'now', '@base')
  fill(root, 'now', 'files@1')
  return root
}

const names = (root: string) => keptPolicies(root).map(({ generation, policy }) => `${generation} ${policy}`)

test('Pins replaces what former agents kept of a policy, and sweeps base sensors without policies', () => {
  const root = pinned()
  const pins = new Pins({ generation: 'now', keeping: true, root })
  expect(names(root)).toEqual(['now files', 'old files', 'old team/web.egress'])
  pins.replaced('files')
  expect(pins.leftOver().map(({ policy, links }) => [policy, links])).toEqual([['team/web.egress', 1]])
  pins.sweep()
  expect(fs.readdirSync(root).sort()).toEqual(['now', 'old'])
  pins.replaced('team/web.egress')
  expect(fs.readdirSync(root)).toEqual(['now'])
  fs.rmSync(root, { recursive: true })
})

test('Pins forgets a policy that is taken out, and at the end a generation without policies', () => {
  const root = pinned()
  const pins = new Pins({ generation: 'now', keeping: true, root })
  pins.end()
  expect(fs.existsSync(path.join(root, 'now'))).toBe(true)
  pins.forget('files', 1)
  pins.end()
  expect(fs.existsSync(path.join(root, 'now'))).toBe(false)
  fs.rmSync(root, { recursive: true })
})

test('removePinned() takes the base sensor with the last policy of a generation', () => {
  const root = pinned()
  for (const kept of keptPolicies(root)) removePinned(kept, root)
  expect(fs.readdirSync(root)).toEqual(['older'])
  fs.rmSync(root, { recursive: true })
})

test('ownerLives() knows an agent by its number and start', () => {
  const own = ownerText('/proc')
  expect(ownerLives('/proc', own)).toBe(true)
  expect(ownerLives('/proc', own + '1')).toBe(false)
  expect(ownerLives('/proc', '999999999 1')).toBe(false)
  expect(ownerLives('/proc', '')).toBe(false)
})

test('Pins tells of links that the kernel cannot pin, and keeps nothing of a policy that has only such', () => {
  const root = fs.mkdtempSync(path.join(os.tmpdir(), 'thump-pins-'))
  const told: unknown[] = []
  const onRefused = (policy: string, links: readonly string[]) => told.push([policy, links])
  const pins = new Pins({ generation: 'now', keeping: true, root, onRefused })
  const refuse = () => {
    throw new LibbpfError('pin link', 22)
  }
  const link = { name: 'program "hook" to kprobe "tcp_connect"', pinAgain: refuse } as unknown as BpfLink
  const kept = pins.keep('files', 1, [link], () => {
    throw new Error('nothing is kept')
  })
  expect(kept).toEqual([link.name])
  expect(told).toEqual([['files', [link.name]]])
  expect(names(root)).toEqual([])
  fs.rmSync(root, { recursive: true })
})
