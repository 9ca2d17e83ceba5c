import { describe, expect, test } from 'bun:test'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ARGUMENT_SOURCE } from '../../ffi/wire.gen.ts'
import { mistakeText } from '../../src/policy/error.ts'
import { planJson, planText } from '../../src/policy/plan.ts'
import { describePlan } from '../../src/policy/plan_show.ts'
import { fromJson, recordedFacts } from './recorded_facts.ts'

const TESTDATA = join(import.meta.dirname, 'testdata')
const SHIPPED = join(import.meta.dirname, '../../policies')
const facts = recordedFacts(fromJson(readFileSync(join(TESTDATA, 'facts-6.12.json'), 'utf8')))

/** Compares with the file beside the case; UPDATE_GOLDEN=1 writes it instead. */
function golden(file: string, text: string): void {
  const path = join(TESTDATA, file)
  if (process.env['UPDATE_GOLDEN'] === '1' || !existsSync(path)) writeFileSync(path, text)
  expect(text).toBe(readFileSync(path, 'utf8'))
}

describe('planText()', () => {
  for (const file of readdirSync(TESTDATA).filter((name) => name.endsWith('.yaml'))) {
    const name = file.replace(/\.yaml$/, '')
    test(`gives the plan or the mistakes of ${name}`, () => {
      const { plans, errors } = planText(file, readFileSync(join(TESTDATA, file), 'utf8'), facts)
      if (errors.length > 0) golden(`${name}.error.txt`, errors.map(mistakeText).join('\n') + '\n')
      else golden(`${name}.plan.json`, planJson(plans) + '\n')
    })
  }

  for (const file of readdirSync(SHIPPED).filter((name) => name.endsWith('.yaml'))) {
    test(`plans the shipped policy ${file} on 6.12`, () => {
      const { plans, errors } = planText(file, readFileSync(join(SHIPPED, file), 'utf8'), facts)
      expect(errors.map(mistakeText)).toEqual([])
      expect(plans.length).toBeGreaterThan(0)
      for (const plan of plans) expect(describePlan(plan, null)).toContain(plan.name)
    })
  }

  test('describePlan() tells what the kernel made of each hook', () => {
    const [plan] = planText('tcp.yaml', readFileSync(join(SHIPPED, 'tcp.yaml'), 'utf8'), facts).plans
    const programs = [{ name: 'hook_fentry', verified_insns: 4321, jited_bytes: 2048 }]
    const lines = describePlan(plan!, [{ load_ms: 12.34, kernel_memory_bytes: 30_000, programs }]).split('\n')
    const first = lines.findIndex((line) => line.includes('process_kprobe tcp_close'))
    expect(lines.slice(first - 2, first)).toEqual([
      '    loaded  hook_fentry: 4321 instructions verified, 2048 bytes of machine code',
      '    memory  30000 bytes of its own in the kernel, loaded in 12.3 ms',
    ])
    expect(lines.slice(first).join('\n')).not.toContain('verified')
    expect(describePlan(plan!, null)).not.toContain('memory')
  })

  test('docs/policy.md shows every shipped policy as it is', () => {
    const document = readFileSync(join(import.meta.dirname, '../../docs/policy.md'), 'utf8')
    for (const file of readdirSync(SHIPPED)) {
      const yaml = readFileSync(join(SHIPPED, file), 'utf8')
      expect([file, document.includes('### ' + file + '\n\n```yaml\n' + yaml + '```\n')]).toEqual([file, true])
    }
  })

  test('gives the same bytes for the same input', () => {
    const text = readFileSync(join(TESTDATA, 'selectors.yaml'), 'utf8')
    expect(planJson(planText('a', text, facts))).toBe(planJson(planText('a', text, facts)))
  })
})

const policy = (spec: string) =>
  `apiVersion: cilium.io/v1alpha1
kind: TracingPolicy
metadata: {name: t}
spec:
${spec}`

/** The attach kinds of the only hook, joined. */
function attachOf(spec: string, changes: Parameters<typeof recordedFacts>[1] = {}): string {
  const changed = recordedFacts(fromJson(readFileSync(join(TESTDATA, 'facts-6.12.json'), 'utf8')), changes)
  const { plans, errors } = planText('t', policy(spec), changed)
  if (errors.length > 0) return errors[0]!.message
  return plans[0]!.hooks.map((hook) => hook.programs.map((program) => program.attach.kind).join('+')).join(' ')
}

const no = (...kinds: string[]) => ({
  attach: Object.fromEntries(
    Object.entries(facts.attach).map((
      [kind, fact],
    ) => [kind, kinds.includes(kind) ? { works: false, reason: `no ${kind}` } : fact]),
  ) as typeof facts.attach,
})

test('sizeArgIndex without type is for fields of a tracepoint that point to bytes', () => {
  const hook = '  tracepoints: [{subsystem: syscalls, event: sys_enter_lseek, args: [{index: 5, sizeArgIndex: 8}]}]'
  expect(planText('t', policy(hook), facts).errors.map(({ message }) => message)).toEqual([
    'sizeArgIndex with "unsigned int fd" of syscalls/sys_enter_lseek, works with char_buf and char_iovec only',
  ])
})

test('fields of a system call: plain integers by size, as in Tetragon, others by name', () => {
  const hook =
    '  tracepoints: [{subsystem: syscalls, event: sys_enter_lseek, args: [{index: 5}, {index: 6}, {index: 4}]}]'
  const types = planText('t', policy(hook), facts).plans[0]?.hooks[0]?.arguments.map(({ type }) => type)
  expect(types).toEqual(['uint64', 'int64', 'int32'])
})

test('enforcing on everything: a function of a program is a filter by itself, one of a shared library is none', () => {
  const anywhere: typeof facts = { ...facts, binary: () => facts.binary('/job/bin/u') }
  const selectors = 'selectors: [{matchActions: [{action: Sigkill}]}]'
  const kill = (hook: string) => planText('t', policy(`  ${hook}, ${selectors}}]`), anywhere).plans[0]?.matches_all
  expect(kill('kprobes: [{call: security_inode_mkdir, syscall: false')).toBe(true)
  expect(kill('uprobes: [{path: /job/bin/u, symbols: [k_int]')).toBe(false)
  expect(kill('usdts: [{path: /job/bin/u, provider: kit, name: three')).toBe(false)
  expect(kill('uprobes: [{path: /usr/lib/libc.so.6, symbols: [k_int]')).toBe(true)
})

describe('chooseAttach()', () => {
  const lseek = '  kprobes: [{call: sys_lseek}]'
  const mkdir =
    '  kprobes: [{call: security_inode_mkdir, syscall: false, selectors: [{matchActions: [{action: Override, argError: -1}]}]}]'
  const kept = mkdir.replace('syscall: false,', 'syscall: false, return: true, returnArg: {index: 0, type: int},')
  const list = '  lists: [{name: d, type: syscalls, values: [sys_dup, sys_dup2]}]\n  kprobes: [{call: "list:d"}]'
  const permission =
    '  kprobes: [{call: security_file_permission, syscall: false, return: true, args: [{index: 0, type: file}], returnArg: {type: int}}]'
  const table: readonly (readonly [string, string, string, Parameters<typeof attachOf>[1]])[] = [
    ['takes fentry for a system call', lseek, 'fentry', {}],
    ['takes kprobe without fentry', lseek, 'kprobe', no('fentry')],
    ['takes raw_tp for a system call without both', lseek, 'sys_enter', no('fentry', 'kprobe')],
    ['takes LSM to override', mkdir, 'lsm', {}],
    ['takes fmod_ret to override without LSM', mkdir, 'fmod_ret', no('lsm')],
    ['takes fmod_ret to override where the event tells the result', kept, 'fmod_ret+fexit', {}],
    ['takes LSM, and kretprobe.multi for the result, where fmod_ret may be skipped', kept, 'lsm+kretprobe.multi', {
      preempts: true,
      version: [6, 14],
    }],
    ['takes kprobe.multi for a list', list, 'kprobe.multi', {}],
    ['takes raw_tp for a list of system calls without kprobe.multi', list, 'sys_enter', no('kprobe_multi')],
    ['takes fexit alone where arguments are still held', permission, 'fexit', {}],
    [
      'takes fentry and fexit where they may have changed',
      permission.replace('security_file_permission', 'vfs_write'),
      'fentry+fexit',
      {},
    ],
    ['takes kprobe and kretprobe without fentry', permission, 'kprobe+kretprobe', no('fentry')],
    ['takes kprobe.multi where fentry is preempted', lseek, 'kprobe.multi', { preempts: true }],
    ['takes kprobe where fentry is preempted and there is no multi', lseek, 'kprobe', {
      preempts: true,
      ...no('kprobe_multi'),
    }],
    ['takes fentry for fentries also where it is preempted', lseek.replace('kprobes', 'fentries'), 'fentry', {
      preempts: true,
    }],
    ['takes fentry where nothing else is there', lseek, 'fentry', { preempts: true, ...no('kprobe_multi', 'kprobe') }],
    ['takes both halves by kprobe.multi from 6.14 on', permission, 'kprobe.multi+kretprobe.multi', {
      preempts: true,
      version: [6, 14],
    }],
    ['takes fexit before 6.14, whose return probes are few', permission, 'fexit', { preempts: true, version: [6, 12] }],
  ]
  for (const [name, spec, want, changes] of table) {
    test(name, () => expect(attachOf(spec, changes)).toBe(want))
  }

  test('refuses to override a function that cannot be, naming what is missing', () => {
    expect(attachOf('  kprobes: [{call: sys_lseek, selectors: [{matchActions: [{action: Override, argError: -1}]}]}]'))
      .toContain('CONFIG_FUNCTION_ERROR_INJECTION')
  })

  test('leaves trampolines alone that the verifier refuses', () => {
    const regs = facts.types!.resolve(facts.types!.findFunction('__x64_sys_lseek')!.parameters[0]!.type)
    const to = regs.kind === 'pointer' ? regs.to : 0
    const types = {
      ...facts.types!,
      resolve: (id: number) =>
        id === to ? { kind: 'forward' as const, id, name: 'pt_regs', size: 0 } : facts.types!.resolve(id),
    }
    expect(attachOf(lseek, { types })).toBe('kprobe')
    const chown = mkdir.replace('security_inode_mkdir', 'security_path_chown')
    expect(attachOf(chown)).toBe('lsm')
    expect(attachOf(chown, { version: [5, 10] })).toContain(
      'passes a struct by value, which programs that refuse take since 6.1',
    )
    expect(attachOf('  lsmhooks: [{hook: path_chown}]', { version: [5, 10] })).toContain('passes a struct by value')
    expect(attachOf(chown.replace('syscall:', 'ignore: {callNotFound: true}, syscall:'), { version: [5, 10] })).toBe('')
  })

  test('takes kprobes at a function of a module without the right to its types', () => {
    const name = 'security_file_permission'
    const types = {
      ...facts.types!,
      findFunction: (each: string) => each === name ? undefined : facts.types!.findFunction(each),
    }
    const moduleOf = (each: string) => each === name ? 'module' : undefined
    const of_module = { types, moduleOf, moduleTypes: () => facts.types! }
    expect(attachOf(permission, of_module)).toBe('fexit')
    const module_trampolines = { works: false, reason: 'no right' }
    expect(attachOf(permission, { ...of_module, module_trampolines })).toBe('kprobe+kretprobe')
    expect(attachOf(permission, { ...of_module, module_trampolines, ...no('kprobe') })).toContain('no right')
    expect(attachOf(permission, { module_trampolines })).toBe('fexit')
  })

  test('says why a classic tracepoint cannot be attached, and that a raw one may', () => {
    const spec = '  tracepoints: [{subsystem: raw_syscalls, event: sys_enter}]'
    expect(attachOf(spec, no('tracepoint'))).toContain('no tracepoint')
    expect(attachOf(spec, no('tracepoint'))).toContain('raw: true')
    expect(attachOf(spec, no('kprobe'))).toBe('tracepoint')
  })

  test('says why a function cannot be attached at all', () => {
    expect(attachOf('  kprobes: [{call: tcp_connect, syscall: false}]', no('fentry', 'kprobe'))).toContain('no fentry')
  })
})

test('a system call has the parameters that its tracepoint shows; of a list, the calls differ', () => {
  const args = (call: string, index: number) => `  kprobes: [{call: ${call}, args: [{index: ${index}, type: int}]}]`
  expect(attachOf(args('sys_lseek', 2))).toBe('fentry')
  expect(attachOf(args('sys_lseek', 3))).toBe('No parameter 3: __x64_sys_lseek has parameters 0 to 2')
  const list = '  lists: [{name: d, type: syscalls, values: [sys_dup, sys_dup2]}]\n'
  expect(attachOf(list + args('list:d', 1))).toBe('kprobe.multi')
  expect(attachOf(args('sys_lseek', 5), { tracepoint: () => undefined })).toBe('fentry')
})

test('a wrapper of a system call has its arguments with syscall: true only', () => {
  const wrapper = (more: string) =>
    planText('t', policy(`  kprobes: [{call: __x64_sys_lseek, args: [{index: 0, type: int}], ${more}}]`), facts)
      .warnings.map((warning) => warning.message)
  expect(wrapper('syscall: false')[0]).toBe(
    '"__x64_sys_lseek" is a system call: say syscall: true to read its arguments',
  )
  expect(wrapper('syscall: true')).toEqual([])
})

test('the length of a Unix address is the parameter behind it', () => {
  const length = (spec: string) => {
    const { plans, errors } = planText('t', policy(spec), facts)
    expect(errors).toEqual([])
    return plans[0]!.hooks[0]!.config.arguments[0]!.size_argument
  }
  const connect = '  kprobes: [{call: security_socket_connect, syscall: false, args: [{index: 1, type: sockaddr_un}]}]'
  expect(length(connect)).toBe(3)
  expect(length(connect.replace('sockaddr_un', 'sockaddr'))).toBe(0)
  expect(length('  kprobes: [{call: sys_lseek, args: [{index: 0, type: sockaddr_un}]}]')).toBe(0)
})

describe('features that a kernel may lack are refused with the reason', () => {
  const lsm = (hook: string) =>
    `  lsmhooks: [{hook: ${hook}, selectors: [{matchActions: [{action: Post, imaHash: true}]}]}]`
  test('imaHash', () => {
    expect(attachOf(lsm('file_open'))).toBe('lsm+lsm')
    const without = (name: string) => {
      const types = {
        ...facts.types!,
        findFunction: (each: string) => each === name ? undefined : facts.types!.findFunction(each),
      }
      return attachOf(lsm('file_open'), { types })
    }
    expect(without('bpf_ima_file_hash')).toContain('5.18')
    expect(without('ima_file_hash')).toContain('CONFIG_IMA')
    // No file to hash: a warning, and one program.
    expect(attachOf(lsm('inode_mkdir'))).toBe('lsm')
  })

  test('loader', () => {
    expect(attachOf('  loader: true')).toBe('fentry')
    expect(attachOf('  loader: true', no('fentry'))).toBe('kprobe')
    expect(attachOf('  loader: true', no('fentry', 'kprobe'))).toContain('no kprobe')
    expect(attachOf('  loader: true\n  podSelector: {}')).toContain('for certain pods')
  })
})

test('an argument of a static probe may be found by two registers', () => {
  const memory = { kind: 'memory', size: 8, signed: false, register: 'rbp', displacement: -20 } as const
  const probe = (register: string) => ({
    offset: 64n,
    semaphore: 0n,
    arguments: [{ ...memory, index: { register, scale: 4 } }],
  })
  const firstOf = (register: string) =>
    planText(
      't',
      policy('  usdts: [{path: /u, provider: p, name: n, args: [{index: 0, type: uint64}]}]'),
      recordedFacts(fromJson(readFileSync(join(TESTDATA, 'facts-6.12.json'), 'utf8')), {
        binary: () => ({
          symbol: () => undefined,
          symbolNames: () => [],
          address: () => undefined,
          digest: () => undefined,
          probes: () => [probe(register)],
          probeNames: () => ['p:n'],
        }),
      }),
    )
  // pt_regs of x86-64: rbp at 32, rax at 80.
  expect(firstOf('rax').plans[0]?.hooks[0]?.config.arguments[0]).toMatchObject({
    source: ARGUMENT_SOURCE.MEMORY,
    offset: 32,
    steps: [{ offset: 2 ** 32 - 20, deref: 4 << 16 | 80 }],
  })
  expect(firstOf('xmm0').errors[0]?.message).toBe('Cannot read argument 0: 8 bytes in memory')
})
