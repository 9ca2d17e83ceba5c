// Selector macros: fragments of selectors under a name, put in place before anything else looks at selectors.
import { nearest } from '../nearest.ts'
import { selectorEnforces } from './action_plan.ts'
import { type Path, quote, type Report } from './error.ts'
import type { Selector } from './type.ts'

const FILTERS = [
  'matchPIDs',
  'matchBinaries',
  'matchParentBinaries',
  'matchNamespaces',
  'matchNamespaceChanges',
  'matchCapabilities',
  'matchCapabilityChanges',
  'matchCurrentCred',
  'matchArgs',
  'matchData',
  'matchReturnArgs',
  'matchActions',
  'matchReturnActions',
] as const

export function checkMacros(macros: Readonly<Record<string, Selector>>, path: Path, report: Report): void {
  for (const [name, macro] of Object.entries(macros)) {
    if (macro.macros.length > 0) {
      report.error([...path, name, 'macros'], `Macro ${quote(name)} uses macros, which it cannot`)
    }
    if (macro.matchWorkloads !== null) {
      report.warn(
        [...path, name, 'matchWorkloads'],
        `Macro ${quote(name)} has matchWorkloads, which is ignored, as in Tetragon: only selectors can have it`,
      )
    }
  }
}

/** What is ignored must not make a hook enforce on more than it says. `selectors` as written, and expanded. */
export function refuseIgnored(
  selectors: readonly Selector[],
  expanded: readonly Selector[],
  macros: Readonly<Record<string, Selector>>,
  path: Path,
  report: Report,
): void {
  if (!expanded.some(selectorEnforces)) return
  selectors.forEach((selector, n) =>
    selector.macros.forEach((name, i) => {
      if (!Object.hasOwn(macros, name) || macros[name]!.matchWorkloads === null) return
      const why = 'Tetragon ignores that, and so would enforce in the wrong workloads; put it into the selector'
      report.error([...path, n, 'macros', i], `Macro ${quote(name)} has matchWorkloads in a hook that enforces: ${why}`)
    })
  )
}

/** The same filter in selector and macro, or in two macros, is an error: nobody could say which one was meant. */
export function expandMacros(
  selector: Selector,
  macros: Readonly<Record<string, Selector>>,
  path: Path,
  report: Report,
): Selector {
  if (selector.macros.length === 0) return selector
  let found = selector
  const from = new Map<string, string>()
  for (const filter of FILTERS) if (selector[filter].length > 0) from.set(filter, 'the selector')
  selector.macros.forEach((name, i) => {
    const macro = Object.hasOwn(macros, name) ? macros[name] : undefined
    if (macro === undefined) {
      const names = Object.keys(macros)
      const close = names.length === 0
        ? 'the policy has no selectorsMacros'
        : `nearest is ${quote(nearest(name, names))}`
      report.error([...path, 'macros', i], `Unknown macro ${quote(name)}, ${close}`)
      return
    }
    for (const filter of FILTERS) {
      if (macro[filter].length === 0) continue
      const other = from.get(filter)
      if (other !== undefined) {
        report.error([...path, 'macros', i], `Macro ${quote(name)} has ${filter}, and so has ${other}`)
      } else {
        from.set(filter, `macro ${quote(name)}`)
        found = { ...found, [filter]: macro[filter] }
      }
    }
  })
  return { ...found, macros: [] }
}
