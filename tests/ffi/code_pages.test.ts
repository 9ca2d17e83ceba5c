import { expect, test } from 'bun:test'
import { codeMappings } from '../../ffi/code_pages.ts'

function part(range: string, mode: string, file: string, rss: number, dirty = 0, anonymous = dirty): string {
  return `${range} ${mode} 00001000 fe:00 1482898                   ${file}
Size:              20480 kB
Rss:               ${rss} kB
Private_Dirty:         ${dirty} kB
Anonymous:             ${anonymous} kB
VmFlags: rd ex mr mw me
`
}

test('codeMappings() takes code of the file that nobody has changed, and nothing else', () => {
  const smaps = part('00200000-01a39000', 'r--p', '/usr/bin/bun', 7000) +
    part('01a40000-01a50000', 'r-xp', '/usr/bin/bun', 36) +
    part('01a50000-01a60000', 'r-xp', '/usr/bin/bun', 36, 4) +
    part('01a60000-01a70000', 'r-xp', '/usr/bin/bun', 36, 0, 4) +
    part('7f8700000000-7f8700001000', 'r-xp', '/usr/lib/libc.so.6', 4) +
    part('7f8700002000-7f8700003000', 'rwxp', '', 4)
  expect(codeMappings(smaps, '/usr/bin/bun')).toEqual([{ from: 0x1a40000, bytes: 0x10000, resident_bytes: 36864 }])
  expect(codeMappings('', '/usr/bin/bun')).toEqual([])
})

test('releaseCode() makes this process smaller, and it goes on', async () => {
  // In a process of its own: another thread of this one may be debugged.
  const script = `
    const { releaseCode } = await import('${new URL('../../ffi/code_pages.ts', import.meta.url).pathname}')
    const before = process.memoryUsage.rss()
    const released = releaseCode()
    const after = process.memoryUsage.rss()
    console.log(JSON.stringify({ released, less: before - after, sum: [1, 2, 3].map((n) => n * 2).join() }))`
  const child = Bun.spawn([process.execPath, '-e', script], { stdout: 'pipe' })
  const { released, less, sum } = await new Response(child.stdout).json()
  expect(await child.exited).toBe(0)
  expect(released).toBeGreaterThan(5e6)
  expect(less).toBeGreaterThan(1e6)
  expect(sum).toBe('2,4,6')
})
