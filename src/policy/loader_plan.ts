// spec.loader into a hook plan.
import { ARGUMENT_TYPE } from '../../ffi/wire.gen.ts'
import { EMPTY_ARGUMENT } from './argument_plan.ts'
import { EMPTY_CONFIG } from './assemble.ts'
import type { Report } from './error.ts'
import type { PlanFacts } from './facts_type.ts'
import type { HookPlan, WorkloadPlan } from './plan_type.ts'

const FUNCTION = 'perf_event_mmap_output'

/** Files as they are mapped. The kernel looks for build ids in them for perf, from 5.12 on (commit 88a16a130933). */
export function planLoader(scope: WorkloadPlan | null, facts: PlanFacts, report: Report): HookPlan[] {
  const refuse = (message: string) => {
    report.error(['spec', 'loader'], message)
    return []
  }
  if (scope !== null) {
    return refuse('loader in a policy for certain pods or containers: it works for everything only')
  }
  const { types, attach } = facts
  if (types !== null && types.findFunction(FUNCTION) === undefined) {
    return refuse(`Cannot attach loader: ${FUNCTION} is not in kernel BTF`)
  }
  const mapped = types?.findStruct('perf_mmap_event')
  if (mapped !== undefined && types?.findMember(mapped.id, 'build_id') === undefined) {
    return refuse(
      `Cannot attach loader: ${facts.release} does not read build ids of mapped files, kernels from 5.12 on do`,
    )
  }
  if (!attach.fentry.works && !attach.kprobe.works) {
    return refuse(`Cannot attach loader: fentry: ${attach.fentry.reason}; kprobe: ${attach.kprobe.reason}`)
  }
  return [{
    family: 'loader',
    event: 'process_loader',
    reason: 'files that are mapped and have a build id, as perf records them: once per process and file',
    programs: [
      attach.fentry.works
        ? { program: 'hook_loader_fentry', attach: { kind: 'fentry', function: FUNCTION }, half: 'entry' }
        : { program: 'hook_loader_kprobe', attach: { kind: 'kprobe', functions: [FUNCTION] }, half: 'entry' },
    ],
    // What the program sends, in its order; it reads them itself.
    config: {
      ...EMPTY_CONFIG,
      arguments: [
        { ...EMPTY_ARGUMENT, type: ARGUMENT_TYPE.STRING },
        { ...EMPTY_ARGUMENT, type: ARGUMENT_TYPE.CONST_BUF },
      ],
    },
    sets: [],
    names: [FUNCTION],
    arguments: [{ label: '', type: 'string' }, { label: '', type: 'const_buf' }],
    message: '',
    tags: [],
    outbound: {},
    verdict: 'observes',
    selector_labels: [],
    companion: false,
    digests: [],
  }]
}
