// Maps of hook programs that are large only where a hook uses them: the others get a small one, so that idle features
// cost no memory. Both kinds are shared between hooks.
import {
  ACTION_FLAG,
  ACTION_KIND,
  ARGUMENT_TYPE,
  FILTER_KIND,
  FILTER_OPERATOR,
  HOOK_FLAG,
  type HookConfig,
} from '../../ffi/wire.gen.ts'

/** max_entries where used, and which configurations use it. Preallocated maps only: hashes made on demand cost nothing. */
const LARGE: Readonly<Record<string, { readonly entries: number; readonly uses: (config: HookConfig) => boolean }>> = {
  kept_small: { entries: 4096, uses: keeps },
  kept_large: { entries: 512, uses: keeps },
  rate_limits: { entries: 32_768, uses: (config) => config.actions.some((action) => action.rate_interval_ns > 0n) },
  enforcer_data: {
    entries: 32_768,
    uses: (config) => acts(config, ACTION_KIND.NOTIFYENFORCER) || config.argument_count === 0,
  },
  sock_owners: {
    entries: 32_768,
    uses: (config) =>
      config.arguments.some(({ type }) => type === ARGUMENT_TYPE.SOCK || type === ARGUMENT_TYPE.SOCKET) ||
      acts(config, ACTION_KIND.TRACKSOCK) || acts(config, ACTION_KIND.UNTRACKSOCK) || tracksReturn(config),
  },
  followed_fds: {
    entries: 32_768,
    uses: (config) =>
      (config.flags & HOOK_FLAG.FOLLOWS_FD) !== 0 || acts(config, ACTION_KIND.FOLLOWFD) ||
      acts(config, ACTION_KIND.UNFOLLOWFD) || acts(config, ACTION_KIND.COPYFD),
  },
  stacks: {
    entries: 8192,
    uses: (config) =>
      config.actions.some(({ flags }) => (flags & (ACTION_FLAG.KERNEL_STACK | ACTION_FLAG.USER_STACK)) !== 0),
  },
  binary_verdicts: { entries: 65_536, uses: asksTrieOfBinaries },
  chunk_scratches: { entries: 8, uses: ({ flags }) => (flags & HOOK_FLAG.LARGE) !== 0 },
}

function keeps({ flags }: HookConfig): boolean {
  if ((flags & HOOK_FLAG.HASHES) !== 0) return true
  return (flags & HOOK_FLAG.RETURN) !== 0 && (flags & HOOK_FLAG.RETURN_ONLY) === 0
}

function acts(config: HookConfig, kind: number): boolean {
  return config.actions.some((action) => action.kind === kind)
}

function tracksReturn({ flags }: HookConfig): boolean {
  return (flags & (HOOK_FLAG.RETURN_TRACKSOCK | HOOK_FLAG.RETURN_UNTRACKSOCK)) !== 0
}

function asksTrieOfBinaries(config: HookConfig): boolean {
  return config.filters.some(({ kind, operator }) =>
    (kind === FILTER_KIND.BINARY || kind === FILTER_KIND.PARENT_BINARY) && operator !== FILTER_OPERATOR.STRINGS
  )
}

/** Name under which hooks of this configuration share map `name`. */
export function mapNameFor(name: string, config: HookConfig): string {
  const large = LARGE[name]
  return large === undefined || large.uses(config) ? name : `${name} (unused)`
}

export function mapEntriesFor(config: HookConfig): Record<string, number> {
  const entries: Record<string, number> = {}
  for (const [name, large] of Object.entries(LARGE)) entries[name] = large.uses(config) ? large.entries : 1
  return entries
}
