/** Each row of PROVEN_HOOKS: the operation with and without a policy that refuses it, and what there was to see of it. */
import { expect } from 'bun:test'
import fs from 'node:fs'
import os from 'node:os'
import { PROVEN_HOOKS } from '../../src/policy/effect.ts'
import { TestAgent } from './agent.ts'
import { call, NO_REFUSING, policyOf, told } from './enforce.ts'
import { testWhere } from './need.ts'

const DIRECTORY = '/tmp/thump-effect'
/** Rows that begin with an empty directory; the others find a file `a` of five bytes. */
const EMPTY = /^(inode_mkdir|path_mkdir|inode_rmdir|path_rmdir|sb_|bprm_|move_mount)/
/** Functions that are not named after their hook. */
const FUNCTIONS: Readonly<Record<string, string>> = { bprm_check_security: 'bprm_check' }

const symbols = new Set(
  fs.readFileSync('/proc/kallsyms', 'utf8').split('\n').map((line) => line.split(/\s+/)[2] ?? ''),
)

/** What may be skipped is not said to prevent. */
const [major = 0, minor] = os.release().split('.').map(Number)
const SKIPS = major >= 7
/** They are given a struct, and nobody can refuse there before 6.1. */
const BY_VALUE: ReadonlySet<string> = new Set(['path_chown'])

type Attach = 'fmod_ret' | 'lsm'

function nameOf(hook: string, attach: Attach): string {
  return attach === 'lsm' ? hook : `security_${FUNCTIONS[hook] ?? hook}`
}

/** What this kernel has; the rest is named in the report. */
function present(hooks: readonly string[], attach: Attach): string[] {
  const takes = hooks.filter((hook) => !BY_VALUE.has(hook) || major > 6 || (major === 6 && minor! >= 1))
  return takes.filter((hook) => symbols.has(attach === 'lsm' ? `bpf_lsm_${hook}` : nameOf(hook, attach)))
}

/** Of hooks that the program itself meets before or after what it is there for: its output, the loader's protections. */
const NARROW: Readonly<Record<string, { readonly args: string; readonly filter: string }>> = {
  file_permission: narrow('{index: 0, type: file}', `{index: 0, operator: Prefix, values: ["${DIRECTORY}/d/"]}`),
  file_mprotect: narrow('{index: 1, type: uint64}', '{index: 1, operator: Equal, values: ["5"]}'),
}

function narrow(arg: string, match: string) {
  return { args: `\n    args:\n    - ${arg}`, filter: `\n      matchArgs:\n      - ${match}` }
}

function hookYaml(hook: string, attach: Attach): string {
  const head = attach === 'lsm' ? `- hook: ${hook}` : `- call: ${nameOf(hook, attach)}\n    syscall: false`
  const { args, filter } = NARROW[hook] ?? { args: '', filter: '' }
  return `  ${head}${args}
    selectors:
    - matchBinaries:
      - {operator: In, values: ["${DIRECTORY}/${hook}"]}${filter}
      matchActions:
      - {action: Override, argError: -1}
`
}

/** `BEFORE RESULT AFTER`, in a uts namespace of its own. */
function attempt(hook: string): string {
  const directory = `${DIRECTORY}/d`
  for (const name of ['a', 'b']) Bun.spawnSync(['umount', `${directory}/${name}`], { stderr: 'ignore' })
  fs.rmSync(directory, { recursive: true, force: true })
  fs.mkdirSync(directory, { mode: 0o777 })
  if (!EMPTY.test(hook)) fs.writeFileSync(`${directory}/a`, '12345', { mode: 0o644 })
  // A file, because what Bun reads from is a socket, to which the program could not send.
  fs.rmSync(`${DIRECTORY}/out`, { force: true })
  // Before 5.11 memory of BPF objects counts as locked, also the agent's, which is of the same user.
  Bun.spawnSync(['prlimit', '--memlock=unlimited', 'unshare', '-u', `${DIRECTORY}/${hook}`, directory], {
    stdout: Bun.file(`${DIRECTORY}/out`),
  })
  return fs.readFileSync(`${DIRECTORY}/out`, 'utf8').trim()
}

async function prove(hooks: readonly string[], attach: Attach): Promise<void> {
  const rows = present(hooks, attach)
  const absent = hooks.filter((hook) => !rows.includes(hook))
  if (absent.length > 0) console.log(`${attach}: not on this kernel: ${absent.join(', ')}`)
  fs.mkdirSync(DIRECTORY, { recursive: true })
  for (const hook of rows) fs.copyFileSync('build/program/effect', `${DIRECTORY}/${hook}`)
  const before = new Map(rows.map((hook) => [hook, attempt(hook)]))
  for (const [hook, line] of before) {
    const [was, result, is] = line.split(' ')
    expect([hook, result, was !== is]).toEqual([hook, 'done', true])
  }
  await using agent = await TestAgent.start()
  const list = attach === 'lsm' ? 'lsmhooks' : 'kprobes'
  const options = attach === 'lsm' ? '' : '  options: [{name: override-method, value: fmod-ret}]\n'
  const spec = `${options}  ${list}:\n${rows.map((hook) => hookYaml(hook, attach)).join('')}`
  await call(agent, 'POST', '/v1/policies', policyOf('effect', spec))
  const state = await call(agent, 'GET', '/v1/policies/effect') as {
    verdict: string
    hooks: { attach: string[]; verdict: string }[]
  }
  const [plan, verdict] = attach === 'fmod_ret' && SKIPS ? ['refuses', 'refused'] : ['prevents', 'prevented']
  expect(state.verdict).toBe(plan!)
  expect(new Set(state.hooks.map((hook) => `${hook.attach.join()} ${hook.verdict}`))).toEqual(
    new Set([`${attach} ${plan}`]),
  )
  const refused = rows.map((hook) => [hook, attempt(hook)])
  expect(refused).toEqual(rows.map((hook) => {
    const [was] = before.get(hook)!.split(' ')
    return [hook, `${was} EPERM ${was}`]
  }))
  await call(agent, 'PATCH', '/v1/policies/effect', '{"mode":"monitor"}')
  expect(rows.map((hook) => [hook, attempt(hook)])).toEqual([...before])
  const last = Bun.spawn(['true'])
  await agent.waitFor(({ kind, process }) => kind === 'process_exit' && process?.pid === last.pid)
  // Other programs meet these hooks as well, and a kernel that preempts skips fmod_ret programs.
  if (attach === 'lsm') await agent.requireNoLoss()
  const events = told(agent.events, 'effect')
  const seen = (verdict: string) =>
    new Set(events.filter((each) => each.verdict === verdict).map((each) => each.function))
  const names = rows.map((hook) => nameOf(hook, attach)).sort()
  expect([...seen(verdict!)].sort()).toEqual(names)
  expect([...seen('monitored')].sort()).toEqual(names)
}

/** Hooks of one policy: the verifier takes its time on emulated machines. */
const PART = 10
const all = [...PROVEN_HOOKS]
const parts = Array.from({ length: Math.ceil(all.length / PART) }, (_, i) => all.slice(i * PART, (i + 1) * PART))
for (const attach of ['fmod_ret', 'lsm'] as const) {
  for (const part of parts) {
    testWhere(NO_REFUSING, `refusing by ${attach} leaves nothing done: ${part[0]} to ${part.at(-1)}`, () => {
      return prove(part, attach)
    })
  }
}
