// Development only: writes tests/policy/testdata/facts-6.12.json, the facts that tests plan policies against.
//   bun scripts/policy_facts.ts DUMP [POLICY-DIRECTORY]...
// DUMP comes from a guest: files `vmlinux` (/sys/kernel/btf/vmlinux), `release` (uname -r), `ns` (ls -l /proc/1/ns) and
// `tracefs/` with available_filter_functions, available_events and events/*/*/format. Every policy below policies/,
// tests/policy/testdata/ and the directories given is planned once; what is asked goes into the recording.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { ATTACH_KINDS, type AttachKind } from '../src/kernel/facts.ts'
import { parseVersion } from '../src/kernel/host.ts'
import { readPlanFacts } from '../src/kernel/plan_facts.ts'
import type { PlanFacts } from '../src/policy/facts_type.ts'
import { planText } from '../src/policy/plan.ts'
import { recordFacts, toJson } from '../tests/policy/recorded_facts.ts'

/** What Debian's 6.12 lacks (docs/kernels.md). */
const ABSENT: Readonly<Partial<Record<AttachKind, string>>> = {
  syscall_fmod_ret: 'the kernel does not list __x64_sys_getpgid for error injection (CONFIG_FUNCTION_ERROR_INJECTION)',
  kprobe_override: 'CONFIG_BPF_KPROBE_OVERRIDE is unset',
  uprobe_write: 'invalid bpf_context access off=0 size=8',
}

const NAMESPACES: Readonly<Record<string, string>> = {
  uts: 'Uts',
  ipc: 'Ipc',
  mnt: 'Mnt',
  pid: 'Pid',
  pid_for_children: 'PidForChildren',
  net: 'Net',
  time: 'Time',
  time_for_children: 'TimeForChildren',
  cgroup: 'Cgroup',
  user: 'User',
}

/** Names kept for messages that suggest the nearest one, and for lists by pattern. */
const KEPT = /^(ksys_|tcp_c|bpf_lsm_|security_inode_)/

const [dump, ...directories] = process.argv.slice(2)
if (dump === undefined) throw new Error('Want: bun scripts/policy_facts.ts DUMP [POLICY-DIRECTORY]...')
const release = readFileSync(`${dump}/release`, 'utf8').trim()
const attach = Object.fromEntries(
  ATTACH_KINDS.map((kind) => [kind, { works: ABSENT[kind] === undefined, reason: ABSENT[kind] ?? '' }]),
) as PlanFacts['attach']
const host_namespaces: Record<string, number> = {}
for (const [, file, inode] of readFileSync(`${dump}/ns`, 'utf8').matchAll(/ (\w+) -> \w+:\[(\d+)\]/g)) {
  host_namespaces[NAMESPACES[file!] ?? ''] = Number(inode)
}
const live = readPlanFacts({
  release,
  version: parseVersion(release),
  architecture: 'x64',
  attach,
  btf: `${dump}/vmlinux`,
  tracefs: `${dump}/tracefs`,
  capabilities: ['CAP_SYS_ADMIN'],
  preempts: false,
})
/** The kit's own program, compiled by hand and named here, stands for the one of the guest. */
const substitute = process.env['POLICY_FACTS_U'] ?? ''
const facts: PlanFacts = {
  ...live,
  host_namespaces,
  binary: (path) => live.binary(path === '/job/bin/u' && substitute !== '' ? substitute : path),
}
const answers: Record<string, unknown> = {
  'functionNames()': [...live.types?.functionNames() ?? []].filter((name) => KEPT.test(name)).sort(),
  'traceableNames()': live.traceableNames().filter((name) => KEPT.test(name)).sort(),
  'tracepointNames()': live.tracepointNames().filter((name) => /^(sched|raw_syscalls)\//.test(name)),
}
const without = (...kinds: AttachKind[]): PlanFacts => {
  const changed = Object.fromEntries(
    ATTACH_KINDS.map((kind) => [kind, kinds.includes(kind) ? { works: false, reason: '' } : attach[kind]]),
  )
  return { ...facts, attach: changed as PlanFacts['attach'] }
}
/** Tests plan for poorer kernels as well, which asks more. */
const recordings = [facts, without('fmod_ret'), without('fentry'), without('fentry', 'kprobe'), without('kprobe_multi')]
  .map((each) => recordFacts(each, answers))
let count = 0
for (const directory of ['policies', 'tests/policy/testdata', ...directories]) {
  if (!existsSync(directory)) continue
  for (const file of new Bun.Glob('**/*.{yaml,yml}').scanSync(directory)) {
    const yaml = readFileSync(`${directory}/${file}`, 'utf8')
    for (const recording of recordings) planText(file, yaml, recording)
    count++
  }
}
const sorted = Object.fromEntries(Object.entries(answers).sort(([a], [b]) => (a < b ? -1 : 1)))
const text = toJson({ release, version: live.version, attach, host_namespaces, answers: sorted })
writeFileSync(new URL('../tests/policy/testdata/facts-6.12.json', import.meta.url), text)
console.log(`${count} policies, ${Object.keys(sorted).length} answers, ${text.length} bytes`)
