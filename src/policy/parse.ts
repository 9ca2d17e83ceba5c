// YAML text to TracingPolicy: every mistake of a file at its line and column, or typed policies with defaults filled in.
import { checkPolicy } from './check.ts'
import { type LocatedMistake, type Path, quote, Report } from './error.ts'
import { functionHooks, lsmHooks, tracepoints, uprobes, usdts } from './hook.ts'
import { hostSelector, labelSelector } from './label.ts'
import { policyLists } from './list.ts'
import { checkMacros, expandMacros, refuseIgnored } from './macro.ts'
import { options } from './option.ts'
import { choice, flag, integer, isObject, list, object, optional, type Reader, record, text } from './reader.ts'
import { selector } from './selector.ts'
import { type PolicyDocument, readSource } from './source.ts'
import type { PolicySpec, Selector, TracingPolicy } from './type.ts'

export interface ParsedPolicy {
  readonly policy: TracingPolicy
  readonly document: PolicyDocument
}

export interface ParseResult {
  /** In order of the file; documents with errors are left out. */
  readonly policies: readonly ParsedPolicy[]
  readonly errors: readonly LocatedMistake[]
  readonly warnings: readonly LocatedMistake[]
}

const MACROS_MAX = 128
const CALLS_MAX = 1024

const spec: Reader<PolicySpec> = object<PolicySpec>({
  kprobes: functionHooks,
  fentries: functionHooks,
  tracepoints,
  uprobes,
  usdts,
  lsmhooks: lsmHooks,
  loader: flag,
  lists: policyLists,
  enforcers: list(
    object<{ calls: readonly string[] }>({ calls: list(text({ min: 1, max: 512 }), { min: 1, max: CALLS_MAX }) }),
    {
      max: 1,
    },
  ),
  options,
  selectorsMacros: record<Selector>(selector, MACROS_MAX),
  podSelector: labelSelector,
  containerSelector: labelSelector,
  hostSelector,
  nodeSelector: labelSelector,
  killBudget: optional(integer(0, 1_000_000), 0),
  onBudget: optional(choice(['kill', 'monitor'] as const), 'kill'),
})

/** RFC 1123 subdomain, as Kubernetes wants names. */
const name = text({
  min: 1,
  max: 253,
  pattern: /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/,
  want: 'lower case letters, digits, dash and dot, with a letter or digit at both ends',
})

/** What Kubernetes writes into metadata is of no concern here, so its values are not read. */
const anything: Reader<unknown> = { fallback: null, read: (value) => value }
interface Metadata {
  readonly name: string
  readonly namespace: string
}
const metadata: Reader<Metadata> = object({
  name,
  namespace: optional(
    text({
      max: 63,
      pattern: /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/,
      want: 'lower case letters, digits and dash',
    }),
    '',
  ),
  ...Object.fromEntries(
    [
      'labels',
      'annotations',
      'uid',
      'resourceVersion',
      'generation',
      'creationTimestamp',
      'deletionTimestamp',
      'deletionGracePeriodSeconds',
      'managedFields',
      'ownerReferences',
      'finalizers',
      'generateName',
      'selfLink',
    ].map((key) => [key, anything]),
  ),
})

interface Root {
  readonly apiVersion: 'cilium.io/v1alpha1'
  readonly kind: TracingPolicy['kind']
  readonly metadata: Metadata
  readonly spec: PolicySpec
  readonly status: unknown
}

const root: Reader<Root> = object<Root>({
  apiVersion: choice(['cilium.io/v1alpha1'] as const),
  kind: choice(['TracingPolicy', 'TracingPolicyNamespaced'] as const),
  metadata,
  spec,
  status: anything,
})

/** Never throws. `file` stands in the messages. */
export function parsePolicies(file: string, yaml: string): ParseResult {
  const source = readSource(file, yaml)
  const policies: ParsedPolicy[] = []
  const errors = [...source.errors]
  const warnings: LocatedMistake[] = []
  const names = new Map<string, LocatedMistake>()
  for (const document of source.documents) {
    const report = new Report(document.quoted)
    const policy = readPolicy(document.value, report)
    for (const mistake of report.warnings) warnings.push(document.locate(mistake))
    for (const mistake of report.errors) errors.push(document.locate(mistake))
    if (report.errors.length > 0 || policy === null) continue
    const key = `${policy.namespace}/${policy.name}`
    const here = document.locate({ path: ['metadata', 'name'], message: '' })
    const other = names.get(key)
    if (other !== undefined) {
      errors.push({ ...here, message: `Policy ${quote(policy.name)} is already on line ${other.line} of this file` })
      continue
    }
    names.set(key, here)
    policies.push({ policy, document })
  }
  return { policies, errors: sorted(errors), warnings: sorted(warnings) }
}

/** By position; the same thing said twice of one place is kept once. */
export function sorted(mistakes: readonly LocatedMistake[]): LocatedMistake[] {
  const all = [...mistakes].sort((a, b) => a.line - b.line || a.column - b.column || (a.message < b.message ? -1 : 1))
  return all.filter((each, i) => {
    const before = all[i - 1]
    return before === undefined || before.line !== each.line || before.column !== each.column ||
      before.message !== each.message
  })
}

function readPolicy(value: unknown, report: Report): TracingPolicy | null {
  if (!isObject(value)) {
    report.error([], `Document is ${Array.isArray(value) ? 'a list' : quote(value)}, want a TracingPolicy`)
    return null
  }
  // The keys of another kind mean something else: nothing but its name is worth a word.
  if (typeof value['kind'] === 'string' && !/^tracingpolicy(namespaced)?$/i.test(value['kind'])) {
    report.error(['kind'], `Unknown kind ${quote(value['kind'])}, want TracingPolicy or TracingPolicyNamespaced`)
    return null
  }
  const found = root.read(value, [], report)
  report.seal()
  checkMacros(found.spec.selectorsMacros, ['spec', 'selectorsMacros'], report)
  const policy: TracingPolicy = {
    kind: found.kind,
    name: found.metadata.name,
    namespace: found.metadata.namespace,
    spec: expandSpec(found.spec, report),
  }
  checkPolicy(policy, report)
  return policy
}

function expandSpec(spec: PolicySpec, report: Report): PolicySpec {
  const expand = <T extends { readonly selectors: readonly Selector[] }>(hooks: readonly T[], key: string): T[] =>
    hooks.map((hook, i) => {
      const path: Path = ['spec', key, i, 'selectors']
      const selectors = hook.selectors.map((each, n) => expandMacros(each, spec.selectorsMacros, [...path, n], report))
      refuseIgnored(hook.selectors, selectors, spec.selectorsMacros, path, report)
      return { ...hook, selectors }
    })
  return {
    ...spec,
    kprobes: expand(spec.kprobes, 'kprobes').map((hook, i) => dropReturn(hook, ['spec', 'kprobes', i], report)),
    fentries: expand(spec.fentries, 'fentries').map((hook, i) => dropReturn(hook, ['spec', 'fentries', i], report)),
    tracepoints: expand(spec.tracepoints, 'tracepoints'),
    uprobes: expand(spec.uprobes, 'uprobes').map((hook, i) => dropReturn(hook, ['spec', 'uprobes', i], report)),
    usdts: expand(spec.usdts, 'usdts'),
    lsmhooks: expand(spec.lsmhooks, 'lsmhooks'),
  }
}

/** `returnArg` describes the return value, but only `return: true` asks for it. */
function dropReturn<T extends { readonly return: boolean; readonly returnArg: unknown }>(
  hook: T,
  path: Path,
  report: Report,
): T {
  if (hook.return || hook.returnArg === null) return hook
  report.warn([...path, 'returnArg'], 'returnArg without return: true, so the return value is not read')
  return { ...hook, returnArg: null }
}
