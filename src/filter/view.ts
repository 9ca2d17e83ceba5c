// What filters see of an event: the same for an event being exported and for a parsed line.

import { eventKind, type JsonObject, objectAt } from './json.ts'

export interface PodView {
  readonly namespace?: string | undefined
  readonly name?: string | undefined
  readonly pod_labels?: Readonly<Record<string, string>> | undefined
  readonly container?:
    | { readonly name?: string | undefined; readonly maybe_exec_probe?: boolean | undefined }
    | undefined
}

export interface CapabilitiesView {
  readonly permitted?: readonly string[] | undefined
  readonly effective?: readonly string[] | undefined
  readonly inheritable?: readonly string[] | undefined
}

/** Members of an event's `process`, with the names and forms of the JSON. */
export interface ProcessView {
  readonly exec_id?: string | undefined
  readonly parent_exec_id?: string | undefined
  readonly pid?: number | undefined
  readonly binary?: string | undefined
  readonly arguments?: string | undefined
  /** Container id, cut as in the JSON. */
  readonly docker?: string | undefined
  readonly in_init_tree?: boolean | undefined
  readonly pod?: PodView | undefined
  readonly cap?: CapabilitiesView | undefined
}

export interface EventView {
  /** `process_exec`, `rate_limit_info`, ... */
  readonly kind: string
  readonly process?: ProcessView | undefined
  readonly parent?: ProcessView | undefined
  /** Beyond the parent, nearest first; where the source has none, ancestor filters see the parent only. */
  readonly ancestors?: readonly ProcessView[] | undefined
  readonly policy_name?: string | undefined
  /** NAMESPACE/NAME of a namespaced policy, where the source knows it. */
  readonly policy?: string | undefined
  /** The whole event as JSON; asked for only by CEL expressions. */
  document(): JsonObject
}

/** Of a parsed line; undefined if it holds no event. Members are taken on trust: wrong types only fail to match. */
export function viewOfDocument(document: JsonObject): EventView | undefined {
  const kind = eventKind(document)
  if (kind === undefined) return undefined
  const event = objectAt(document, kind) ?? {}
  const ancestors = event['ancestors']
  const policy_name = event['policy_name']
  return {
    kind,
    process: objectAt(event, 'process') as ProcessView | undefined,
    parent: objectAt(event, 'parent') as ProcessView | undefined,
    ancestors: Array.isArray(ancestors) ? (ancestors as readonly ProcessView[]) : undefined,
    policy_name: typeof policy_name === 'string' ? policy_name : undefined,
    document: () => document,
  }
}
