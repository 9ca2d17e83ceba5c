// The `selectors` part of the language.
import { actionList } from './action.ts'
import { workloads } from './label.ts'
import { findOperator, OPERATOR_NAMES } from './operator.ts'
import { nearest } from '../nearest.ts'
import { quote } from './error.ts'
import { choice, flag, integer, list, object, optional, type Reader, text } from './reader.ts'
import type {
  ArgumentMatch,
  BinaryMatch,
  CapabilityMatch,
  CredentialMatch,
  NamespaceMatch,
  PidMatch,
  Selector,
} from './type.ts'

/** HOOK_SELECTORS_MAX of bpf/config.h. */
export const SELECTORS_MAX = 16
/** Values of one list: they go into hash and trie maps. */
export const VALUES_MAX = 100_000
/** Entries of one match list; HOOK_FILTERS_MAX bounds them all. */
const MATCHES_MAX = 32
const PATH_MAX = 4095

export const NAMESPACE_NAMES = [
  'Uts',
  'Ipc',
  'Mnt',
  'Pid',
  'PidForChildren',
  'Net',
  'Time',
  'TimeForChildren',
  'Cgroup',
  'User',
] as const

const inOperator = choice(['In', 'NotIn'] as const)
const names = list(text({ min: 1, max: 128 }), { max: 128 })

const pid: Reader<PidMatch> = object<PidMatch>({
  operator: inOperator,
  values: list(integer(0, 2 ** 32 - 1), { max: VALUES_MAX }),
  isNamespacePID: flag,
  followForks: flag,
})

const binary: Reader<BinaryMatch> = object<BinaryMatch>({
  operator: choice(['In', 'NotIn', 'Prefix', 'NotPrefix', 'Postfix', 'NotPostfix'] as const),
  values: list(text({ min: 1, max: PATH_MAX }), { max: VALUES_MAX }),
  followChildren: flag,
})

const namespace: Reader<NamespaceMatch> = object<NamespaceMatch>({
  namespace: choice(NAMESPACE_NAMES),
  operator: inOperator,
  values: list(text({ min: 1, max: 32 }), { max: 1024 }),
})

const namespaceChange = object<{ operator: 'In' | 'NotIn'; values: readonly string[] }>({
  operator: inOperator,
  values: names,
})

const capability: Reader<CapabilityMatch> = object<CapabilityMatch>({
  type: optional(choice(['Effective', 'Inheritable', 'Permitted'] as const), 'Effective'),
  operator: inOperator,
  isNamespaceCapability: flag,
  values: names,
})

const operator: Reader<string> = {
  fallback: undefined,
  read(value, path, report) {
    const found = typeof value === 'string' ? findOperator(value) : undefined
    if (found !== undefined) return found.name
    const close = typeof value === 'string' && value !== ''
      ? `, nearest is ${quote(nearest(value.slice(0, 64), OPERATOR_NAMES))}`
      : ''
    report.error(path, `Invalid operator ${quote(value)}${close}, want one of ${OPERATOR_NAMES.join(', ')}`)
    return 'Equal'
  },
}

const match: Reader<ArgumentMatch> = object<ArgumentMatch>({
  index: optional(integer(0, 127), 0),
  args: list(integer(0, 15), { max: 16 }),
  operator,
  values: list(text({ max: PATH_MAX }), { max: VALUES_MAX }),
})

const optionalMatch = optional<ArgumentMatch | null>(match, null)

const credential: Reader<CredentialMatch> = object<CredentialMatch>({
  uid: optionalMatch,
  gid: optionalMatch,
  suid: optionalMatch,
  sgid: optionalMatch,
  euid: optionalMatch,
  egid: optionalMatch,
  fsuid: optionalMatch,
  fsgid: optionalMatch,
})

const matches = list(match, { max: MATCHES_MAX })

export const selector: Reader<Selector> = object<Selector>({
  label: optional(text({ max: 256 }), ''),
  macros: list(text({ min: 1, max: 128 }), { max: 32 }),
  matchPIDs: list(pid, { max: MATCHES_MAX }),
  matchBinaries: list(binary, { max: MATCHES_MAX }),
  matchParentBinaries: list(binary, { max: MATCHES_MAX }),
  matchNamespaces: list(namespace, { max: MATCHES_MAX }),
  matchNamespaceChanges: list(namespaceChange, { max: MATCHES_MAX }),
  matchCapabilities: list(capability, { max: MATCHES_MAX }),
  matchCapabilityChanges: list(capability, { max: MATCHES_MAX }),
  matchCurrentCred: list(credential, { max: 1 }),
  matchArgs: matches,
  matchData: matches,
  matchReturnArgs: matches,
  matchWorkloads: workloads,
  matchActions: actionList,
  matchReturnActions: actionList,
})

export const selectorList: Reader<readonly Selector[]> = list(selector, { max: SELECTORS_MAX })
