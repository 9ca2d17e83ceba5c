import { expect, test } from 'bun:test'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Elf } from '../../src/kernel/elf.ts'
import { KernelSymbols } from '../../src/kernel/kallsyms.ts'
import { UserSymbols } from '../../src/kernel/user_symbols.ts'
import { StackTraces } from '../../src/sensor/stack.ts'

const TABLE = [
  'ffffffff81000000 T _stext',
  'ffffffff81000100 t do_one',
  'ffffffff81000100 T do_one_alias',
  'ffffffff81000200 D some_data',
  'ffffffff81000300 W do_weak',
  'ffffffff81000400 T bpf_lsm_path_mkdir',
  'ffffffffc0100000 t helper\t[tls]',
  'ffffffffc0200000 t bpf_prog_1234_hook_fentry\t[bpf]',
  '0000000000000000 T hidden',
].join('\n')

function stackOf(...addresses: bigint[]): Uint8Array {
  return new Uint8Array(new BigUint64Array([...addresses, 0n, 0n]).buffer)
}

function traces(stacks: Record<number, Uint8Array>, addresses = false): { traces: StackTraces; folder: string } {
  const folder = mkdtempSync(join(tmpdir(), 'thump-kallsyms-'))
  writeFileSync(join(folder, 'kallsyms'), TABLE)
  const kernel = new KernelSymbols(join(folder, 'kallsyms'))
  const user = new UserSymbols('/proc')
  return { folder, traces: new StackTraces({ read: (id) => stacks[id], kernel, user, addresses }) }
}

test('kernel() names functions with offsets and leaves out our own programs on top', () => {
  const { traces: stacks, folder } = traces({
    0: stackOf(0xffffffffc0200010n, 0xffffffff81000109n, 0xffffffffc0100000n, 0xffffffff81000310n),
  })
  expect(JSON.parse(stacks.kernel(0, false))).toEqual([
    { offset: '9', symbol: 'do_one' },
    { symbol: 'helper' },
    { offset: '16', symbol: 'do_weak' },
  ])
  expect(stacks.missing).toBe(0)
  rmSync(folder, { recursive: true })
})

test('kernel() begins below the LSM hook that refuses in place of its caller, on request', () => {
  const { traces: stacks, folder } = traces({
    0: stackOf(0xffffffffc0200010n, 0xffffffff81000400n, 0xffffffff81000100n),
  })
  const names = (below_lsm: boolean) =>
    (JSON.parse(stacks.kernel(0, below_lsm)) as { symbol: string }[]).map(({ symbol }) => symbol)
  expect(names(true)).toEqual(['do_one'])
  expect(names(false)).toEqual(['bpf_lsm_path_mkdir', 'do_one'])
  rmSync(folder, { recursive: true })
})

test('kernel() shows addresses on request, below all functions without a name', () => {
  const { traces: stacks, folder } = traces({ 1: stackOf(0xffffffff80000000n, 0xffffffff81000000n) }, true)
  expect(JSON.parse(stacks.kernel(1, false))).toEqual([
    { address: '18446744071562067968' },
    { address: '18446744071578845184', symbol: '_stext' },
  ])
  rmSync(folder, { recursive: true })
})

test('kernel() gives nothing for a stack that is gone, and counts it', () => {
  const { traces: stacks, folder } = traces({})
  expect(stacks.kernel(7, false)).toBe('')
  expect(stacks.kernel(-17, false)).toBe('')
  expect(stacks.missing).toBe(2)
  rmSync(folder, { recursive: true })
})

test('KernelSymbols.invalidate() reads the table anew', () => {
  const folder = mkdtempSync(join(tmpdir(), 'thump-kallsyms-'))
  const path = join(folder, 'kallsyms')
  writeFileSync(path, TABLE)
  const symbols = new KernelSymbols(path)
  expect(symbols.find(0xffffffff81000150n)).toEqual({ name: 'do_one', offset: 0x50, bpf: false })
  writeFileSync(path, `${TABLE}\nffffffff81000140 t do_new\n`)
  expect(symbols.find(0xffffffff81000150n)?.name).toBe('do_one')
  symbols.invalidate()
  expect(symbols.find(0xffffffff81000150n)).toEqual({ name: 'do_new', offset: 0x10, bpf: false })
  rmSync(folder, { recursive: true })
})

test('user() names file, offset in it and function of a running process, none between functions', async () => {
  const maps = await Bun.file('/proc/self/maps').text()
  const libc = maps.split('\n').find((line) => /\br-xp\b.*\/libc[.-].*so/.test(line))!
  const [range, , hex] = libc.split(/\s+/) as [string, string, string]
  const from = BigInt(`0x${range.split('-')[0]}`) - BigInt(`0x${hex}`)
  const path = libc.split(/\s+/)[5]!
  const elf = new Elf(readFileSync(path))
  const functions = elf.functions().map(({ name, address, size }) => ({ name, at: elf.offsetOf(address)!, size }))
  const found = functions.find(({ name }) => name === 'qsort')!
  // The first of the file's table, of all that share the place.
  const first = functions.find(({ at, size }) => at <= found.at + 1n && found.at + 1n < at + size)!
  const ends = functions.map(({ at, size }) => at + size).sort((a, b) => a < b ? -1 : 1)
  const gap = ends.find((end) => end > found.at && !functions.some(({ at, size }) => at <= end && end < at + size))!
  const { traces: stacks, folder } = traces({ 3: stackOf(from + found.at + 1n, from + gap, 0x10n) })
  expect(JSON.parse(stacks.user(3, process.pid))).toEqual([
    { offset: String(found.at + 1n), symbol: first.name, module: path },
    { offset: String(gap), module: path },
  ])
  rmSync(folder, { recursive: true })
})

test('user() of a process that is gone has frames where addresses are shown', () => {
  const gone = 2 ** 22 + 5
  const { traces: stacks, folder } = traces({ 3: stackOf(0x401000n) })
  expect(stacks.user(3, gone)).toBe('')
  const { traces: shown, folder: other } = traces({ 3: stackOf(0x401000n) }, true)
  expect(shown.user(3, gone)).toBe('[{"address":"4198400"}]')
  for (const each of [folder, other]) rmSync(each, { recursive: true })
})
