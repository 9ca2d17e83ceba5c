// `thump policy plan --offline FILE`: what an agent would attach on this kernel, without an agent and without loading it.
import { ATTACH_KINDS, type AttachFact, type AttachKind, type KernelFacts } from '../kernel/facts.ts'
import { type HostFacts, readHostFacts } from '../kernel/host.ts'
import { objectFile, prepareObjects } from '../kernel/objects.ts'
import { readPlanFacts } from '../kernel/plan_facts.ts'
import { probeFacts } from '../kernel/probe.ts'
import { mistakeText } from '../policy/error.ts'
import { planJson, planText } from '../policy/plan.ts'
import { describePlan } from '../policy/plan_show.ts'
import type { Terminal } from './command.ts'
import { readPolicyFile } from './policy_validate.ts'

/** Gives 1 if the file has errors on this kernel. */
export async function planOffline(file: string, json: boolean, terminal: Terminal): Promise<number> {
  const text = file === '-' ? await new Response(terminal.stdin).text() : readPolicyFile(file)
  const facts = readPlanFacts(await attachFacts(terminal))
  const { plans, errors, warnings } = planText(file, text, facts)
  if (json) {
    await terminal.write(errors.length > 0 ? JSON.stringify(errors) + '\n' : planJson(plans) + '\n')
    return errors.length > 0 ? 1 : 0
  }
  for (const error of errors) terminal.error(`${mistakeText(error)}\n`)
  for (const warning of warnings) terminal.error(`warning: ${mistakeText(warning)}\n`)
  await terminal.write(plans.map((plan) => describePlan(plan, null)).join('\n'))
  return errors.length > 0 ? 1 : 0
}

/** Probed where privileges allow it, else guessed from version and configuration. */
async function attachFacts(terminal: Terminal): Promise<Pick<KernelFacts, 'attach'> & HostFacts> {
  const host = readHostFacts('/proc')
  const can = host.capabilities.includes('CAP_SYS_ADMIN') ||
    (host.capabilities.includes('CAP_BPF') && host.capabilities.includes('CAP_PERFMON'))
  if (can) {
    await prepareObjects((object) => terminal.error(`compiling ${object}\n`))
    return probeFacts({ btf: '', procfs: '/proc', object: objectFile('probe') })
  }
  terminal.error(
    'Without CAP_BPF this kernel cannot be probed: ways to attach are guessed from its version and configuration\n',
  )
  return { ...host, attach: guessAttach(host) }
}

const NEEDS: Readonly<Partial<Record<AttachKind, string>>> = {
  fentry: 'CONFIG_DYNAMIC_FTRACE_WITH_DIRECT_CALLS',
  fexit: 'CONFIG_DYNAMIC_FTRACE_WITH_DIRECT_CALLS',
  fmod_ret: 'CONFIG_DYNAMIC_FTRACE_WITH_DIRECT_CALLS',
  syscall_fmod_ret: 'CONFIG_FUNCTION_ERROR_INJECTION',
  lsm: 'CONFIG_BPF_LSM',
  kprobe: 'CONFIG_KPROBE_EVENTS',
  kprobe_multi: 'CONFIG_FPROBE',
  kprobe_override: 'CONFIG_BPF_KPROBE_OVERRIDE',
  uprobe: 'CONFIG_UPROBE_EVENTS',
  uprobe_write: 'CONFIG_UPROBE_EVENTS',
}

export function guessAttach(host: HostFacts): Record<AttachKind, AttachFact> {
  const guess = (kind: AttachKind): AttachFact => {
    const option = NEEDS[kind]
    if (option !== undefined && host.config_known && host.config[option] === undefined) {
      return { works: false, reason: `${option} is unset` }
    }
    if (kind === 'lsm' && host.lsm.length > 0 && !host.lsm.includes('bpf')) {
      return { works: false, reason: '"bpf" is not among the active security modules' }
    }
    if (kind === 'uprobe_write' && (host.version[0] < 6 || (host.version[0] === 6 && host.version[1] < 18))) {
      return { works: false, reason: `${host.release} is older than 6.18` }
    }
    return { works: true, reason: '' }
  }
  return Object.fromEntries(ATTACH_KINDS.map((kind) => [kind, guess(kind)])) as Record<AttachKind, AttachFact>
}
