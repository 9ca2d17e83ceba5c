// What every node made of the policies of the cluster: its condition in each object's status.
import { ApiError, type KubeApi } from './api.ts'
import { GROUP_PATH, nodeOfCondition, POLICY_KINDS } from './policies.ts'
import type { KubeObject } from './watch.ts'

/** `current` false: about what the policy said before. `silent`: the node has no condition; `gone`: the cluster has no such node. */
export interface NodeAnswer {
  readonly policy: string
  readonly namespace: string
  readonly node: string
  readonly state: 'loaded' | 'refused' | 'other nodes' | 'silent'
  readonly current: boolean
  readonly gone: boolean
  readonly message: string
}

interface Answered extends KubeObject {
  readonly status?: {
    readonly conditions?: readonly {
      readonly type: string
      readonly status: string
      readonly reason: string
      readonly message: string
      readonly observedGeneration?: number
    }[]
  }
}

/** Throws ApiError, or what fetch throws. Definitions that are not installed have no policies. */
export async function nodeAnswers(api: KubeApi): Promise<NodeAnswer[]> {
  const nodes = new Set((await list<KubeObject>(api, '/api/v1/nodes', 'nodes')).map(({ metadata }) => metadata.name))
  const answers: NodeAnswer[] = []
  for (const { plural } of POLICY_KINDS) {
    for (const policy of await listPolicies(api, plural)) answers.push(...answersOf(policy, nodes))
  }
  return answers
}

function answersOf({ metadata, status }: Answered, nodes: ReadonlySet<string>): NodeAnswer[] {
  const { name: policy, namespace = '', generation } = metadata
  const answers = new Map<string, NodeAnswer>()
  for (const { type, status: value, reason, message, observedGeneration } of status?.conditions ?? []) {
    const node = nodeOfCondition(type, nodes)
    if (node === undefined) continue
    answers.set(node, {
      policy,
      namespace,
      node,
      state: value === 'True' ? 'loaded' : reason === 'OtherNodes' ? 'other nodes' : 'refused',
      current: observedGeneration === undefined || generation === undefined || observedGeneration >= generation,
      gone: !nodes.has(node),
      message,
    })
  }
  for (const node of nodes) {
    if (answers.has(node)) continue
    answers.set(node, { policy, namespace, node, state: 'silent', current: true, gone: false, message: '' })
  }
  return [...answers.values()].sort((one, other) => one.node < other.node ? -1 : 1)
}

async function listPolicies(api: KubeApi, plural: string): Promise<readonly Answered[]> {
  try {
    return await list<Answered>(api, `${GROUP_PATH}/${plural}`, plural)
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return []
    throw error
  }
}

async function list<T>(api: KubeApi, path: string, what: string): Promise<T[]> {
  const objects: T[] = []
  let next = ''
  do {
    const more = next === '' ? '' : `&continue=${encodeURIComponent(next)}`
    const page: { readonly items: readonly T[]; readonly metadata: { readonly continue?: string } } = await api.json(
      `${path}?limit=500${more}`,
      `list ${what}`,
    )
    objects.push(...page.items)
    next = page.metadata.continue ?? ''
  } while (next !== '')
  return objects
}
