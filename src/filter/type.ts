// Filters as plain data: what --export-allowlist, queries and the client's flags all become.

export type CapabilityList = 'permitted' | 'effective' | 'inheritable'
export type CapabilitySetFilter = { readonly [how in 'any' | 'all' | 'exactly' | 'none']?: readonly string[] }

/** Fields are ANDed, the elements of one field ORed. An empty list in a field is as if the field were not there. */
export interface Filter {
  readonly binary_regex?: readonly string[]
  readonly namespace?: readonly string[]
  readonly health_check?: boolean
  readonly pid?: readonly number[]
  readonly pid_set?: readonly number[]
  readonly event_set?: readonly string[]
  readonly pod_regex?: readonly string[]
  readonly arguments_regex?: readonly string[]
  readonly labels?: readonly string[]
  readonly policy_names?: readonly string[]
  readonly capabilities?: { readonly [list in CapabilityList]?: CapabilitySetFilter }
  readonly parent_binary_regex?: readonly string[]
  readonly cel_expression?: readonly string[]
  readonly parent_arguments_regex?: readonly string[]
  readonly container_id?: readonly string[]
  readonly in_init_tree?: boolean
  readonly ancestor_binary_regex?: readonly string[]
  readonly container_name_regex?: readonly string[]
  readonly namespace_regex?: readonly string[]
}

/** Filters of one list are ORed; an empty allow list lets all pass; deny wins. */
export interface FilterLists {
  readonly allow: readonly Filter[]
  readonly deny: readonly Filter[]
}

/** EventType of the protocol to the event's key in JSON. */
export const EVENT_KIND: Readonly<Record<string, string>> = {
  PROCESS_EXEC: 'process_exec',
  PROCESS_EXIT: 'process_exit',
  PROCESS_KPROBE: 'process_kprobe',
  PROCESS_TRACEPOINT: 'process_tracepoint',
  PROCESS_LOADER: 'process_loader',
  PROCESS_UPROBE: 'process_uprobe',
  PROCESS_THROTTLE: 'process_throttle',
  PROCESS_LSM: 'process_lsm',
  PROCESS_USDT: 'process_usdt',
  TEST: 'test',
  RATE_LIMIT_INFO: 'rate_limit_info',
  LOSS: 'loss',
}

/** Why a filter cannot be used; the message names the field and the nearest that exists. */
export class FilterError extends Error {
  override readonly name = 'FilterError'
}
