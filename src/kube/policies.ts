// Policies that are objects of the cluster: watched, loaded as a file would be, and answered by one condition per node.
import { matchesLabels } from '../policy/workload.ts'
import type { LabelSelector } from '../policy/type.ts'
import { ApiError, type KubeApi } from './api.ts'
import { type KubeObject, Watch, type WatchHandler } from './watch.ts'

const GROUP = 'cilium.io/v1alpha1'
export const GROUP_PATH = `/apis/${GROUP}`
/** While the definitions are not installed the server is asked again this often, in ms. */
const PAUSE_MS_MAX = 30_000
const STATUS_ATTEMPTS_MAX = 5
const STATUS_PAUSE_MS = 500
/** Of a condition's type, behind its slash (metav1.Condition). */
const TYPE_CHARACTERS_MAX = 63
/** A condition's message is at most this long (metav1.Condition). */
const MESSAGE_CHARACTERS_MAX = 32_768

export const POLICY_KINDS = [
  { kind: 'TracingPolicy', plural: 'tracingpolicies', namespaced: false },
  { kind: 'TracingPolicyNamespaced', plural: 'tracingpoliciesnamespaced', namespaced: true },
] as const

type PolicyKind = typeof POLICY_KINDS[number]

export interface PolicyObject extends KubeObject {
  readonly spec?: { readonly nodeSelector?: LabelSelector | null; readonly [field: string]: unknown }
}

/** What became of a text: undefined if it is loaded, else why not. */
export type Apply = (source: string, text: string | null) => Promise<string | undefined>

export interface ClusterPoliciesOptions {
  readonly api: KubeApi
  readonly node_name: string
  /** False: only the node is watched, for its labels. */
  readonly crds?: boolean
  readonly apply: Apply
  readonly onTrouble: (what: string, error: Error | null) => void
  /** Called when the node's labels are known, and when they change. */
  readonly onNodeLabels?: (labels: Readonly<Record<string, string>>) => void
}

interface Known {
  readonly object: PolicyObject
  readonly kind: PolicyKind
  /** What was given to apply() last; null: it is for other nodes. */
  applied: string | null | undefined
}

export class ClusterPolicies implements Disposable {
  readonly #options: ClusterPoliciesOptions
  readonly #known = new Map<string, Known>()
  readonly #watches: Watch<PolicyObject>[] = []
  readonly #node: Watch<KubeObject>
  #labels: Readonly<Record<string, string>> = {}
  /** Definitions without a status subresource, such as Tetragon's own; asked again with the next list. */
  readonly #without_status = new Set<string>()
  #queue: Promise<void> = Promise.resolve()

  constructor(options: ClusterPoliciesOptions) {
    this.#options = options
    const { api, node_name } = options
    for (const kind of options.crds === false ? [] : POLICY_KINDS) {
      const path = `${GROUP_PATH}/${kind.plural}`
      const watch = { api, path, query: '', what: kind.plural, pause_ms_max: PAUSE_MS_MAX }
      this.#watches.push(new Watch<PolicyObject>(watch, this.#handler(kind)))
    }
    const query = `fieldSelector=${encodeURIComponent(`metadata.name=${node_name}`)}`
    this.#node = new Watch<KubeObject>({ api, path: '/api/v1/nodes', query, what: 'this node' }, {
      replace: (nodes) => this.#setLabels(nodes[0]?.metadata.labels ?? {}),
      change: (node) => this.#setLabels(node.metadata.labels ?? {}),
      remove: () => {}, // the pod that we are goes with it
      trouble: (error) => options.onTrouble('this node', error),
    })
  }

  /** Resolves when the first lists are applied, or after `wait_ms`. */
  async start(wait_ms: number): Promise<void> {
    void this.#node.run()
    await Promise.race([this.#node.listed, Bun.sleep(wait_ms)])
    for (const watch of this.#watches) void watch.run()
    const listed = Promise.all(this.#watches.map((watch) => watch.listed)).then(() => this.#queue)
    await Promise.race([listed, Bun.sleep(wait_ms)])
  }

  get policies(): number {
    return this.#known.size
  }

  [Symbol.dispose](): void {
    this.#node[Symbol.dispose]()
    for (const watch of this.#watches) watch[Symbol.dispose]()
  }

  #handler(kind: PolicyKind): WatchHandler<PolicyObject> {
    return {
      replace: (objects) => {
        this.#without_status.delete(kind.plural)
        const now = new Set(objects.map((object) => sourceOf(kind, object)))
        for (const [source, known] of [...this.#known]) {
          if (known.kind === kind && !now.has(source)) this.#remove(source)
        }
        for (const object of objects) this.#put(kind, object)
      },
      change: (object) => this.#put(kind, object),
      remove: (object) => this.#remove(sourceOf(kind, object)),
      trouble: (error) => this.#options.onTrouble(kind.plural, error),
    }
  }

  #setLabels(labels: Readonly<Record<string, string>>): void {
    if (JSON.stringify(labels) === JSON.stringify(this.#labels)) return
    this.#labels = labels
    this.#options.onNodeLabels?.(labels)
    for (const [source, known] of this.#known) this.#inTurn(() => this.#apply(source, known))
  }

  #put(kind: PolicyKind, object: PolicyObject): void {
    const source = sourceOf(kind, object)
    const known: Known = { kind, object, applied: this.#known.get(source)?.applied }
    this.#known.set(source, known)
    this.#inTurn(() => this.#apply(source, known))
  }

  #remove(source: string): void {
    this.#known.delete(source)
    this.#inTurn(async () => void await this.#options.apply(source, null))
  }

  async #apply(source: string, known: Known): Promise<void> {
    if (this.#known.get(source) !== known) return // changed again meanwhile
    const { object, kind } = known
    const selector = object.spec?.nodeSelector ?? null
    const wanted = selector === null || matchesLabels({ ...EMPTY_SELECTOR, ...selector }, this.#labels)
    const text = wanted ? policyText(kind, object) : null
    // Other nodes write their conditions, which changes the object but nothing of it that matters here.
    if (known.applied === text) return
    known.applied = text
    const refusal = await this.#options.apply(source, text)
    const [status, reason, message] = !wanted
      ? ['False', 'OtherNodes', 'nodeSelector does not select this node']
      : refusal === undefined
      ? ['True', 'Loaded', 'Loaded on this node']
      : ['False', 'Refused', refusal.slice(0, MESSAGE_CHARACTERS_MAX)]
    await this.#report(known, { status: status!, reason: reason!, message: message! })
  }

  /** One condition of our own, by server-side apply under our own name: nodes do not get into each other's way. */
  async #report(
    { kind, object }: Known,
    condition: { readonly status: string; readonly reason: string; readonly message: string },
  ): Promise<void> {
    if (this.#without_status.has(kind.plural)) return
    const { api, node_name } = this.#options
    const { name, namespace, generation } = object.metadata
    const place = namespace === undefined ? '' : `/namespaces/${namespace}`
    const manager = `thump-${node_name}`
    const path = `${GROUP_PATH}${place}/${kind.plural}/${name}/status?fieldManager=${
      encodeURIComponent(manager)
    }&force=true`
    const body = {
      apiVersion: GROUP,
      kind: kind.kind,
      metadata: { name, ...(namespace === undefined ? {} : { namespace }) },
      status: {
        conditions: [{
          type: conditionType(node_name),
          ...condition,
          ...(generation === undefined ? {} : { observedGeneration: generation }),
          lastTransitionTime: new Date().toISOString().replace(/\.\d+/, ''),
        }],
      },
    }
    for (let attempt = 1; attempt <= STATUS_ATTEMPTS_MAX; attempt++) {
      try {
        const content_type = 'application/apply-patch+yaml'
        await api.json(path, `write the status of ${kind.plural} "${name}"`, { method: 'PATCH', body, content_type })
        return
      } catch (error) {
        const status = error instanceof ApiError ? error.status : 0
        if (status === 404 || status === 405 || status === 403) {
          // A definition without the subresource and an object that was deleted meanwhile answer the same.
          if (status === 404 && !await this.#exists(`${GROUP_PATH}${place}/${kind.plural}/${name}`)) return
          this.#without_status.add(kind.plural)
          this.#options.onTrouble(`status of ${kind.plural}`, error as Error)
          return
        }
        if (attempt === STATUS_ATTEMPTS_MAX) {
          this.#options.onTrouble(`status of ${kind.plural}`, error instanceof Error ? error : new Error(String(error)))
          return
        }
        await Bun.sleep(STATUS_PAUSE_MS * attempt)
      }
    }
  }

  async #exists(path: string): Promise<boolean> {
    try {
      await this.#options.api.json(path, 'look for a policy')
      return true
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return false
      throw error
    }
  }

  #inTurn(work: () => Promise<void>): void {
    this.#queue = this.#queue.then(work).catch((error: unknown) => {
      this.#options.onTrouble('policies', error instanceof Error ? error : new Error(String(error)))
    })
  }
}

const EMPTY_SELECTOR: LabelSelector = { matchLabels: {}, matchExpressions: [] }

/** Names the object where a file's path would stand. */
export function sourceOf(kind: PolicyKind, { metadata }: KubeObject): string {
  const name = metadata.namespace === undefined ? metadata.name : `${metadata.namespace}/${metadata.name}`
  return `kubernetes:${kind.plural}/${name}`
}

/** `node-1` as the type of a condition: letters, digits, dashes, dots and underscores, at most 63 of them behind the slash. */
export function conditionType(node_name: string): string {
  const name = node_name.replace(/[^A-Za-z0-9._-]/g, '-')
  if (name.length <= TYPE_CHARACTERS_MAX) return `node/${name}`
  // Two long names that begin alike must not share a condition.
  const hash = Bun.hash(node_name).toString(16).padStart(16, '0')
  return `node/${name.slice(0, TYPE_CHARACTERS_MAX - hash.length - 1)}-${hash}`
}

/** The node that writes conditions of a type; one that is not among `nodes` by what the type says. Undefined for other types. */
export function nodeOfCondition(type: string, nodes: Iterable<string>): string | undefined {
  if (!type.startsWith('node/')) return undefined
  for (const node of nodes) if (conditionType(node) === type) return node
  return type.slice('node/'.length)
}

/** Items of a list lack their kind; what the server adds to metadata is none of the policy. */
function policyText(kind: PolicyKind, { metadata, spec }: PolicyObject): string {
  const { name, namespace } = metadata
  const meta = { name, ...(namespace === undefined ? {} : { namespace }) }
  // In lines, so that the place of a mistake can be found.
  return JSON.stringify({ apiVersion: GROUP, kind: kind.kind, metadata: meta, spec: spec ?? {} }, null, 2)
}
