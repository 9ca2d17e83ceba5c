// How programs of a plan are attached: plain data between sensor/load.ts and ffi/attach.ts.
import type { AttachSpec } from '../../ffi/attach.ts'
import { HOOK_FLAG } from '../../ffi/wire.gen.ts'
import type { HookPlan, ProgramPlan } from '../policy/plan_type.ts'

/** Pure: how the program of a plan is attached, once or at several places. */
export function attachSpecs(program: ProgramPlan, hook: HookPlan): AttachSpec[] {
  const { attach } = program
  const cookies = (hook.config.flags & HOOK_FLAG.COOKIE) !== 0
  switch (attach.kind) {
    case 'fentry':
    case 'fexit':
    case 'fmod_ret':
      return [{ kind: 'trampoline' }]
    case 'lsm':
      return [{ kind: 'lsm' }]
    case 'kprobe':
    case 'kretprobe':
      return attach.functions.map((name, i) => ({
        kind: 'kprobe',
        function: name,
        return: attach.kind === 'kretprobe',
        ...(cookies ? { cookie: BigInt(i) } : {}),
      }))
    case 'kprobe.multi':
    case 'kretprobe.multi':
      return [{
        kind: 'kprobe_multi',
        functions: attach.functions,
        return: attach.kind === 'kretprobe.multi',
        ...(cookies ? { cookies: attach.functions.map((_, i) => BigInt(i)) } : {}),
      }]
    case 'sys_enter':
    case 'sys_exit':
      return [{ kind: 'raw_tp', tracepoint: attach.kind }]
    case 'tracepoint':
      return [{ kind: 'tracepoint', category: attach.subsystem, name: attach.event }]
    case 'raw_tp':
      return [{ kind: 'raw_tp', tracepoint: attach.event }]
    case 'uprobe':
    case 'uretprobe':
      return attach.sites.map((site, i) => ({
        kind: 'uprobe',
        path: attach.path,
        offset: Number(site.offset ?? 0n),
        return: attach.kind === 'uretprobe',
        ...(site.ref_ctr_offset === undefined ? {} : { ref_ctr_offset: Number(site.ref_ctr_offset) }),
        ...(cookies ? { cookie: BigInt(i) } : {}),
      }))
  }
}
