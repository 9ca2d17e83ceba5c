// Capabilities into features: what each is for, and what goes missing without it.
import type { Feature } from './facts.ts'
import type { HostFacts } from './host.ts'

/** Those that the agent does not start without, unless it has CAP_SYS_ADMIN. */
const REQUIRED: readonly (readonly [capability: string, need: string])[] = [
  ['CAP_BPF', 'programs and maps cannot be loaded'],
  ['CAP_PERFMON', 'programs cannot be attached to tracepoints and functions, nor read kernel memory'],
  [
    'CAP_SYS_PTRACE',
    'namespaces, programs and directories of processes that are older than the agent cannot be read, so that containers cannot be told from the host',
  ],
]

/** One line that names what is missing and says what it is needed for; empty if nothing is. */
export function missingCapabilities({ capabilities }: HostFacts): string[] {
  if (capabilities.includes('CAP_SYS_ADMIN')) return []
  const lacking = REQUIRED.filter(([name]) => !capabilities.includes(name))
  if (lacking.length === 0) return []
  const names = lacking.map(([name]) => name).join(', ')
  const needs = lacking.map(([name, need]) => lacking.length > 1 ? `${name}: ${need}` : need).join('; ')
  return [`Missing ${names}: run with sudo, or give the container these capabilities. Without, ${needs}`]
}

/** What `thump doctor` and /v1/coverage show of privileges; what is absent is also said when the agent starts. */
export function privilegeFeatures(facts: HostFacts): Feature[] {
  const { capabilities } = facts
  const all = capabilities.includes('CAP_SYS_ADMIN')
  const has = (name: string) => all || capabilities.includes(name)
  const reads_all = capabilities.includes('CAP_DAC_READ_SEARCH') || capabilities.includes('CAP_DAC_OVERRIDE')
  return [
    feature('CAP_BPF', has('CAP_BPF'), 'needed to load programs and maps (or CAP_SYS_ADMIN)'),
    feature('CAP_PERFMON', has('CAP_PERFMON'), 'needed to attach to tracepoints and functions (or CAP_SYS_ADMIN)'),
    feature(
      'CAP_SYS_PTRACE',
      capabilities.includes('CAP_SYS_PTRACE'),
      'needed to read /proc of other users: cwd, binary and namespaces of older processes stay empty',
    ),
    lockedMemory(facts),
    feature(
      'names in kernel stack traces',
      facts.kernel_addresses,
      capabilities.includes('CAP_SYSLOG')
        ? '/proc/kallsyms shows no addresses: kernel.kptr_restrict is 2'
        : '/proc/kallsyms shows no addresses without CAP_SYSLOG',
    ),
    feature(
      'files that only their owner may read',
      reads_all,
      'needs CAP_DAC_READ_SEARCH: no uprobes in such programs, and no names of their functions in stack traces',
    ),
  ]
}

function lockedMemory({ capabilities, memlock, version }: HostFacts): Feature {
  const name = 'locked memory'
  if (memlock[0] === Infinity || capabilities.includes('CAP_SYS_RESOURCE')) {
    return { name, state: 'active', reason: 'no limit, or CAP_SYS_RESOURCE lifts it' }
  }
  const limit = `limit ${memlock[0]} bytes`
  return version[0] > 5 || (version[0] === 5 && version[1] >= 11)
    ? {
      name,
      state: 'fallback',
      reason: `${limit} without CAP_SYS_RESOURCE; this kernel charges BPF memory to the cgroup instead`,
    }
    : {
      name,
      state: 'absent',
      reason: `${limit} and no CAP_SYS_RESOURCE: rings and maps do not fit (ulimit -l unlimited)`,
    }
}

function feature(name: string, works: boolean, absent: string): Feature {
  return { name, state: works ? 'active' : 'absent', reason: works ? '' : absent }
}
