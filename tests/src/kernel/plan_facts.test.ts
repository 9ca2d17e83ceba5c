import { expect, test } from 'bun:test'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadedModules, type PlanSource, readPlanFacts } from '../../../src/kernel/plan_facts.ts'

const NO_KERNEL: PlanSource = {
  release: '6.12.1',
  version: [6, 12],
  architecture: 'x64',
  attach: { fentry: { works: true } } as PlanSource['attach'],
  btf: null,
  tracefs: null,
  capabilities: [],
  preempts: false,
}

const NFT = 'nf_tables 360448 2 nft_ct,nft_nat, Live 0xffffffffc0a00000\n'
const VBOX = 'vboxdrv 12288 0 - Live 0xffffffffc0b00000 (OE)\n'

function stamp(text: string): string {
  const procfs = mkdtempSync(join(tmpdir(), 'thump-modules-'))
  writeFileSync(join(procfs, 'modules'), text)
  const found = loadedModules(procfs)
  rmSync(procfs, { recursive: true })
  return found
}

test('loadedModules() changes with modules, and not with who uses them', () => {
  expect(stamp(NFT + VBOX)).toBe('nf_tables 360448 0xffffffffc0a00000\nvboxdrv 12288 0xffffffffc0b00000\n')
  expect(stamp(NFT.replace('2 nft_ct,nft_nat,', '1 nft_ct,'))).toBe(stamp(NFT))
  expect(stamp(NFT.replace('0xffffffffc0a', '0xffffffffc0c'))).not.toBe(stamp(NFT))
  expect(stamp(VBOX)).not.toBe(stamp(NFT + VBOX))
})

test('loadedModules() of a kernel without modules is empty', () => {
  expect(loadedModules('/nonexistent')).toBe('')
})

test('functions that the compiler has renamed stand under both names, and are listed under theirs', () => {
  const tracefs = mkdtempSync(join(tmpdir(), 'thump-tracefs-'))
  writeFileSync(
    join(tracefs, 'available_filter_functions'),
    ['ksys_read', 'ksys_msgctl.constprop.0', 'nft_do [nf_tables]', '__ftrace_invalid_address___12', ''].join('\n'),
  )
  const facts = readPlanFacts({ ...NO_KERNEL, tracefs })
  expect(facts.traceableNames()).toEqual(['ksys_read', 'ksys_msgctl.constprop.0', 'nft_do'])
  const known = ['ksys_read', 'ksys_msgctl', 'ksys_msgctl.constprop.0', 'nft_do', 'nft_do.', 'ksys', ''].map((name) =>
    facts.traceable(name)
  )
  expect(known).toEqual([true, true, true, true, false, false, false])
  rmSync(tracefs, { recursive: true })
})
