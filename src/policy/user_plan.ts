// uprobes into hook plans.
import { HOOK_FLAG } from '../../ffi/wire.gen.ts'
import { nearest } from '../nearest.ts'
import { planArgument } from './argument_plan.ts'
import { assemble, type Attachment, type HookLook } from './assemble.ts'
import { newDraft, type PolicyContext } from './draft.ts'
import { type Path, quote } from './error.ts'
import type { PlanFacts, UserBinary } from './facts_type.ts'
import type { HookPlan, ProgramPlan, UprobeSite } from './plan_type.ts'
import { moves, type ProbePlace } from './register_write.ts'
import { addSelectors } from './selector_plan.ts'
import { slotsOf } from './slot.ts'
import type { Action, UprobeHook } from './type.ts'

const PARAMETERS_MAX = 6
export type UserLook = Omit<HookLook, 'message' | 'tags' | 'selectors' | 'event'>

export function planUprobe(
  hook: UprobeHook,
  context: PolicyContext,
  facts: PlanFacts,
  look: UserLook,
  path: Path,
): HookPlan[] {
  const { report } = context
  const binary = openBinary(hook.path, 'uprobe', context, facts, path)
  if (binary === undefined) return []
  const before = report.errors.length
  const sites = uprobeSites(hook, binary, context, path)
  checkDigests(hook, binary, context, path)
  const types = hook.btfPath === '' ? null : facts.fileTypes(hook.btfPath) ?? null
  if (hook.btfPath !== '' && types === null) {
    report.error([...path, 'btfPath'], `Cannot read BTF from ${quote(hook.btfPath)}`)
  }
  if (report.errors.length > before) return []
  const overrides = hook.selectors.some((selector) => selector.matchActions.some(isOverride))
  const { uprobe_write } = facts.attach
  if (overrides && !uprobe_write.works) {
    report.error(
      path,
      `Override in a uprobe: this kernel lets no program write registers (6.18 does): ${uprobe_write.reason}`,
    )
    return []
  }
  // How far it is to a new address depends on where one comes from.
  const apart = hook.selectors.some((selector) => selector.matchActions.some((each) => isOverride(each) && moves(each)))
  const groups = apart ? sites.map((site) => [site]) : [sites]
  return groups.flatMap((group) => {
    const place: ProbePlace = {
      path: hook.path,
      binary,
      architecture: facts.architecture,
      offset: group[0]?.offset ?? 0n,
    }
    const read = slotsOf(hook, 'uprobe', path, report).flatMap((slot) =>
      planArgument(slot, {
        facts,
        types: slot.argument.source === 'current_task' ? facts.types : types,
        parameters: null,
        parameters_max: PARAMETERS_MAX,
        returns: null,
        user: true,
        name: hook.path,
        registers: true,
      }, report) ?? []
    )
    if (report.errors.length > before) return []
    const draft = newDraft(context, 'uprobe', path, read.map((argument) => argument.slot), place)
    addSelectors(draft, hook.selectors)
    if (report.errors.length > before) return []
    const how = attachment(hook, group, draft.registers.length > 0)
    return [assemble(draft, read, how, {
      ...look,
      event: 'process_uprobe',
      message: hook.message,
      tags: hook.tags,
      selectors: hook.selectors,
      path: hook.path,
      digests: hook.binaryDigests,
    })]
  })
}

function isOverride({ action }: Action): boolean {
  return action === 'Override'
}

function attachment(hook: UprobeHook, sites: readonly UprobeSite[], writes: boolean): Attachment {
  const programs: ProgramPlan[] = [{
    program: writes ? 'hook_uprobe_write' : 'hook_uprobe',
    attach: { kind: 'uprobe', path: hook.path, sites },
    half: 'entry',
  }]
  const wants_return = hook.return || hook.args.some((argument) => argument.returnCopy)
  if (wants_return) {
    programs.push({ program: 'hook_uretprobe', attach: { kind: 'uretprobe', path: hook.path, sites }, half: 'return' })
  }
  return {
    family: 'uprobe',
    reason: sites.length === 1 ? 'one uprobe' : `${sites.length} uprobes that share one program`,
    programs,
    names: sites.map((site) => site.symbol ?? ''),
    flags: (wants_return ? HOOK_FLAG.RETURN : 0) | (sites.length > 1 ? HOOK_FLAG.COOKIE : 0),
  }
}

export function openBinary(
  file: string,
  what: string,
  { report }: PolicyContext,
  facts: PlanFacts,
  path: Path,
): UserBinary | undefined {
  if (!facts.attach.uprobe.works) {
    report.error([...path, 'path'], `Cannot attach ${what} to ${quote(file)}: ${facts.attach.uprobe.reason}`)
    return undefined
  }
  const binary = facts.binary(file)
  if (typeof binary !== 'string') return binary
  report.error([...path, 'path'], `Cannot attach ${what} to ${quote(file)}: ${binary}`)
  return undefined
}

function uprobeSites(hook: UprobeHook, binary: UserBinary, { report }: PolicyContext, path: Path): UprobeSite[] {
  const counters = hook.refCtrOffsets
  const counter = (i: number) => counters[i] === undefined ? {} : { ref_ctr_offset: counters[i]! }
  const sites: UprobeSite[] = []
  hook.symbols.forEach((symbol, i) => {
    const offset = binary.symbol(symbol)
    if (offset !== undefined) return sites.push({ symbol, offset, ...counter(i) })
    const names = binary.symbolNames()
    const close = names.length === 0
      ? 'it has no symbols'
      : `closest is ${quote(nearest(symbol.slice(0, 128), similar(symbol, names)))}`
    report.error([...path, 'symbols', i], `No symbol ${quote(symbol)} in ${hook.path}, ${close}`)
  })
  hook.offsets.forEach((offset, i) => sites.push({ offset, ...counter(i) }))
  hook.addrs.forEach((address, i) => {
    const offset = binary.address(address)
    if (offset !== undefined) sites.push({ address, offset, ...counter(i) })
    else {report.error(
        [...path, 'addrs', i],
        `Address 0x${address.toString(16)} is in no loaded segment of ${hook.path}`,
      )}
  })
  return sites
}

function similar(name: string, names: readonly string[]): readonly string[] {
  const near = names.filter((each) => Math.abs(each.length - name.length) <= 3).slice(0, 5000)
  return near.length === 0 ? names.slice(0, 5000) : near
}

function checkDigests(hook: UprobeHook, binary: UserBinary, { report }: PolicyContext, path: Path): void {
  if (hook.binaryDigests.length === 0) return
  if (hook.binaryDigests.some((digest) => binary.digest(digest) === true)) return
  const message = `${hook.path} has none of these ${hook.binaryDigests.length} digests`
  if (hook.ignore.digestVerificationFailure) report.warn([...path, 'binaryDigests'], message)
  else report.error([...path, 'binaryDigests'], message)
}
