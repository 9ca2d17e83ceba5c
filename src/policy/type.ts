// TracingPolicy as the language has it (cilium.io/v1alpha1), defaults filled in, no positions: keys are those of the YAML.

export interface TracingPolicy {
  readonly kind: 'TracingPolicy' | 'TracingPolicyNamespaced'
  readonly name: string
  /** '' for TracingPolicy. */
  readonly namespace: string
  readonly spec: PolicySpec
}

export interface PolicySpec {
  readonly kprobes: readonly FunctionHook[]
  readonly fentries: readonly FunctionHook[]
  readonly tracepoints: readonly TracepointHook[]
  readonly uprobes: readonly UprobeHook[]
  readonly usdts: readonly UsdtHook[]
  readonly lsmhooks: readonly LsmHook[]
  readonly loader: boolean
  readonly lists: readonly PolicyList[]
  readonly enforcers: readonly { readonly calls: readonly string[] }[]
  readonly options: readonly { readonly name: string; readonly value: string }[]
  readonly selectorsMacros: Readonly<Record<string, Selector>>
  readonly podSelector: LabelSelector | null
  readonly containerSelector: LabelSelector | null
  readonly hostSelector: LabelSelector | null
  readonly nodeSelector: LabelSelector | null
  /** Thump: kills per minute, 0 for no limit. */
  readonly killBudget: number
  /** Thump: what a policy that can only kill does beyond its budget. */
  readonly onBudget: 'kill' | 'monitor'
}

interface HookCommon {
  readonly message: string
  readonly tags: readonly string[]
  readonly args: readonly Argument[]
  readonly selectors: readonly Selector[]
}

export interface FunctionHook extends HookCommon {
  readonly call: string
  readonly syscall: boolean
  readonly return: boolean
  readonly returnArg: Argument | null
  readonly returnArgAction: '' | 'Post' | 'TrackSock' | 'UntrackSock'
  readonly data: readonly Argument[]
  readonly ignore: { readonly callNotFound: boolean }
}

export interface TracepointHook extends HookCommon {
  readonly subsystem: string
  readonly event: string
  readonly raw: boolean
  readonly data: readonly Argument[]
}

export interface UprobeHook extends HookCommon {
  readonly path: string
  readonly btfPath: string
  readonly symbols: readonly string[]
  readonly offsets: readonly bigint[]
  readonly addrs: readonly bigint[]
  readonly refCtrOffsets: readonly bigint[]
  readonly data: readonly Argument[]
  readonly return: boolean
  readonly returnArg: Argument | null
  readonly binaryDigests: readonly string[]
  readonly ignore: { readonly digestVerificationFailure: boolean }
}

export interface UsdtHook extends HookCommon {
  readonly path: string
  readonly btfPath: string
  readonly provider: string
  readonly name: string
}

export interface LsmHook extends HookCommon {
  readonly hook: string
  readonly data: readonly Argument[]
}

export interface Argument {
  readonly index: number
  readonly type: string
  readonly resolve: string
  readonly source: '' | 'current_task' | 'pt_regs'
  readonly btfType: string
  readonly btfTypeModule: string
  /** 1-based, 0 for none. */
  readonly sizeArgIndex: number
  readonly returnCopy: boolean
  readonly maxData: boolean
  readonly label: string
}

export interface PolicyList {
  readonly name: string
  readonly type: '' | 'syscalls' | 'generated_syscalls' | 'generated_ftrace'
  readonly values: readonly string[]
  readonly pattern: string
  readonly validated: boolean
}

export interface Selector {
  readonly label: string
  readonly macros: readonly string[]
  readonly matchPIDs: readonly PidMatch[]
  readonly matchBinaries: readonly BinaryMatch[]
  readonly matchParentBinaries: readonly BinaryMatch[]
  readonly matchNamespaces: readonly NamespaceMatch[]
  readonly matchNamespaceChanges: readonly { readonly operator: InOperator; readonly values: readonly string[] }[]
  readonly matchCapabilities: readonly CapabilityMatch[]
  readonly matchCapabilityChanges: readonly CapabilityMatch[]
  /** Older language: credentials of the current task. */
  readonly matchCurrentCred: readonly CredentialMatch[]
  readonly matchArgs: readonly ArgumentMatch[]
  readonly matchData: readonly ArgumentMatch[]
  readonly matchReturnArgs: readonly ArgumentMatch[]
  readonly matchWorkloads: WorkloadMatch | null
  readonly matchActions: readonly Action[]
  readonly matchReturnActions: readonly Action[]
}

export type InOperator = 'In' | 'NotIn'
export type BinaryOperator = InOperator | 'Prefix' | 'NotPrefix' | 'Postfix' | 'NotPostfix'

export interface PidMatch {
  readonly operator: InOperator
  readonly values: readonly number[]
  readonly isNamespacePID: boolean
  readonly followForks: boolean
}

export interface BinaryMatch {
  readonly operator: BinaryOperator
  readonly values: readonly string[]
  readonly followChildren: boolean
}

export interface NamespaceMatch {
  readonly namespace: string
  readonly operator: InOperator
  readonly values: readonly string[]
}

export interface CapabilityMatch {
  readonly type: 'Effective' | 'Inheritable' | 'Permitted'
  readonly operator: InOperator
  readonly isNamespaceCapability: boolean
  readonly values: readonly string[]
}

/** `uid: {operator, values}` and so on; each one given must hold. */
export type CredentialMatch = Readonly<Record<CredentialName, ArgumentMatch | null>>
export const CREDENTIAL_NAMES = ['uid', 'gid', 'suid', 'sgid', 'euid', 'egid', 'fsuid', 'fsgid'] as const
export type CredentialName = typeof CREDENTIAL_NAMES[number]

export interface ArgumentMatch {
  readonly index: number
  /** Positions in the hook's list; they win over `index`. */
  readonly args: readonly number[]
  readonly operator: string
  readonly values: readonly string[]
}

export interface WorkloadMatch {
  readonly podSelector: LabelSelector | null
  readonly containerSelector: LabelSelector | null
  readonly hostSelector: LabelSelector | null
}

export interface LabelSelector {
  readonly matchLabels: Readonly<Record<string, string>>
  readonly matchExpressions: readonly LabelExpression[]
}

export interface LabelExpression {
  readonly key: string
  readonly operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist'
  readonly values: readonly string[]
}

export interface Action {
  readonly action: string
  readonly argFd: number
  readonly argName: number
  readonly argUrl: string
  readonly argFqdn: string
  readonly argError: number
  readonly argSig: number
  readonly argSock: number
  readonly argIndex: number
  readonly argValue: number
  readonly argRegs: readonly string[]
  readonly argNewSymbol: string
  readonly argNewAddr: number
  readonly argNewOffset: number
  readonly rateLimit: string
  readonly rateLimitScope: 'thread' | 'process' | 'global'
  readonly kernelStackTrace: boolean
  readonly userStackTrace: boolean
  readonly imaHash: boolean
}
