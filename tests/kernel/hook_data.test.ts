/** Long buffers: with maxData they come whole, in chunks before their event, up to Tetragon's limit. */
import { expect, test } from 'bun:test'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { objectFile } from '../../src/kernel/objects.ts'
import { probeFacts } from '../../src/kernel/probe.ts'
import { TestAgent } from './agent.ts'
import { testWhere } from './need.ts'
import { hookBodies, loadPolicy, NO_FUNCTIONS, policyYaml } from './policy.ts'

const CALLS = path.resolve('build/program/hook_calls')
const LIMIT = 327_360

function yaml(name: string, max: boolean, from: number): string {
  return policyYaml(
    name,
    `
kprobes:
- call: sys_write
  syscall: true
  args:
  - {index: 0, type: int}
  - {index: 1, type: char_buf, sizeArgIndex: 3${max ? ', maxData: true' : ''}}
  - {index: 2, type: size_t}
  selectors:
  # Not what the agent writes about it.
  - matchBinaries:
    - {operator: In, values: [${CALLS}]}
    matchArgs:
    - {index: 2, operator: InRange, values: ["${from}:1000000"]}
`,
  )
}

function text(size: number): string {
  return Buffer.from(Array.from({ length: size }, (_, i) => 97 + i % 26)).toString('base64')
}

test('maxData: buffers come whole, longer ones cut at the limit and flagged, others not at all', async () => {
  await using agent = await TestAgent.start()
  await loadPolicy(agent, yaml('whole', true, 4000))
  const sizes = [3999, 4000, 4096, 4097, 20_480, 200_000, LIMIT, LIMIT + 1]
  const events = await agent.run([CALLS, ...sizes.flatMap((size) => ['fill', `${size}`])])
  const shown = hookBodies(events, 'whole').map(({ args }) => (args as unknown[])[1])
  const want = sizes.slice(1).map((size) =>
    size <= LIMIT
      ? { bytes_arg: text(size) }
      : { truncated_bytes_arg: { bytes_arg: text(LIMIT), orig_size: `${size}` } }
  )
  expect(shown.length).toBe(want.length)
  shown.forEach((argument, i) => expect([sizes[i + 1], argument]).toEqual([sizes[i + 1], want[i]]))
  await agent.requireNoLoss()
})

test('without maxData a longer buffer is cut and says its size', async () => {
  await using agent = await TestAgent.start()
  await loadPolicy(agent, yaml('short', false, 4000))
  const events = await agent.run([CALLS, 'fill', '5000'])
  expect(hookBodies(events, 'short').map(({ args }) => (args as unknown[])[1])).toEqual([
    { truncated_bytes_arg: { bytes_arg: text(4095), orig_size: '5000' } },
  ])
})

test('maxData with a return value: bytes of the call, result of the return', async () => {
  await using agent = await TestAgent.start()
  await loadPolicy(
    agent,
    yaml('both', true, 4000).replace(
      '  selectors:',
      '  return: true\n    returnArg: {index: 0, type: long}\n    selectors:',
    ),
  )
  const events = await agent.run([CALLS, 'fill', '50000'])
  const [found] = hookBodies(events, 'both')
  expect((found?.args as unknown[])[1]).toEqual({ bytes_arg: text(50_000) })
  expect(found?.return).toEqual({ long_arg: '50000' })
  await agent.requireNoLoss()
})

const { attach } = probeFacts({ btf: '', procfs: '/proc', object: objectFile('probe') })
const WAYS = [
  { name: 'what comes first here', kind: 'kprobes', more: '', needs: attach.raw_tp },
  { name: 'fentry and fexit', kind: 'fentries', more: '', needs: attach.fentry },
  {
    name: 'kprobe and kretprobe',
    kind: 'kprobes',
    more: '\n  data: [{type: uint64, source: pt_regs, resolve: rsp}]',
    needs: attach.kprobe,
  },
]

/** A file that is there until `stack` is disposed. */
function fileUntil(stack: DisposableStack, content: string): string {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'thump-data-'))
  stack.defer(() => fs.rmSync(directory, { recursive: true }))
  const file = path.join(directory, 'file')
  fs.writeFileSync(file, content)
  return file
}

for (const { name, kind, more, needs } of WAYS) {
  const missing = needs.works ? undefined : needs.reason
  testWhere(
    missing,
    `returnCopy: bytes that a call leaves behind, beside what is gone by then, by ${name}`,
    async () => {
      using stack = new DisposableStack()
      const file = fileUntil(stack, 'left behind')
      await using agent = await TestAgent.start()
      await loadPolicy(
        agent,
        policyYaml(
          'left',
          `
${kind}:
- call: sys_read
  syscall: true${more}
  args:
  - {index: 0, type: fd}
  - {index: 1, type: char_buf, returnCopy: true}
  - {index: 2, type: size_t}
  return: true
  returnArg: {index: 0, type: size_t}
  selectors:
  - matchArgs: [{index: 0, operator: Equal, values: ["${file}"]}]
    matchReturnArgs: [{operator: GT, values: ["0"]}]
`,
        ),
      )
      const events = await agent.run(['cat', file, file])
      const shown = hookBodies(events, 'left').map(({ args }) => (args as { bytes_arg?: string }[])[1]?.bytes_arg)
      expect(shown).toEqual(Array(2).fill(Buffer.from('left behind').toString('base64')))
      await agent.requireNoLoss()
    },
  )
}

test('returnCopy of vectors: as many bytes as the call returned, none of one that failed', async () => {
  using stack = new DisposableStack()
  const file = fileUntil(stack, 'left behind')
  await using agent = await TestAgent.start()
  await loadPolicy(
    agent,
    policyYaml(
      'vectors',
      `
kprobes:
- call: sys_readv
  args:
  - {index: 1, type: char_iovec, returnCopy: true, sizeArgIndex: 3}
  return: true
  returnArg: {index: 0, type: int}
`,
    ),
  )
  const events = await agent.run([
    CALLS,
    'readv',
    file,
    '4',
    '20',
    'readv',
    file,
    '20',
    '4',
    'readv',
    '/nowhere',
    '4',
    '4',
  ])
  const shown = hookBodies(events, 'vectors').map(({ args }) => (args as { bytes_arg?: string }[])[0]?.bytes_arg)
  const whole = Buffer.from('left behind').toString('base64')
  expect(shown).toEqual([whole, whole, ''])
  await agent.requireNoLoss()
})

testWhere(NO_FUNCTIONS, 'iov_iter: the bytes of a program, and none of what the kernel itself moves', async () => {
  await using agent = await TestAgent.start()
  const hook = (call: string) => `
- call: ${call}
  syscall: false
  ignore: {callNotFound: true}
  args: [{index: 1, type: iov_iter}]
  selectors:
  - matchBinaries: [{operator: In, values: [${CALLS}]}]`
  // Of tmpfs: the first before 6.6.
  await loadPolicy(
    agent,
    policyYaml('vectors', `kprobes:${['generic_file_write_iter', 'shmem_file_write_iter'].map(hook).join('')}`),
  )
  const file = '/tmp/thump-hook-data'
  const events = await agent.run([
    'sh',
    '-c',
    `exec ${CALLS} write hello sendfile ${path.resolve('bunfig.toml')} >${file}`,
  ])
  expect(fs.readFileSync(file, 'utf8')).toBe('hello' + fs.readFileSync('bunfig.toml', 'utf8'))
  fs.rmSync(file)
  const seen = hookBodies(events, 'vectors').map(({ args }) => args)
  expect(seen).toEqual([[{ bytes_arg: btoa('hello') }], [{ bytes_arg: '' }]])
  await agent.requireNoLoss()
})
