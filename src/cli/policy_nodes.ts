// `thump policy list --all-nodes`: what each node of the cluster made of each policy, from the objects themselves.
import { nodeAnswers } from '../kube/answers.ts'
import { findApi, SERVICE_ACCOUNT } from '../kube/place.ts'
import { type Options, outputForm, type Terminal, UsageError } from './command.ts'
import { table } from './table.ts'

export const NODES_OPTIONS = { '--all-nodes': false, '--k8s-api-server': true, '--k8s-service-account': true } as const

const TIMEOUT_MS = 10_000

/** Exit status 1 if a node refused a policy. */
export async function listOnAllNodes(options: Options, terminal: Terminal): Promise<number> {
  const form = outputForm(options, ['text', 'json'])
  const value = (name: string) => options.values.get(name)?.at(-1)
  const { api } = findApi({
    server: value('--k8s-api-server') ?? terminal.env.THUMP_K8S_API_SERVER ?? '',
    service_account: value('--k8s-service-account') ?? terminal.env.THUMP_K8S_SERVICE_ACCOUNT ?? SERVICE_ACCOUNT,
    timeout_ms: TIMEOUT_MS,
  }, terminal.env)
  if (api === null) {
    throw new UsageError(
      '--all-nodes asks the Kubernetes API: run it in a pod of the agent, or "kubectl proxy" and --k8s-api-server http://127.0.0.1:8001',
    )
  }
  const answers = await nodeAnswers(api)
  const rows = answers.map(({ policy, namespace, node, state, current, gone, message }) => [
    namespace === '' ? policy : `${namespace}/${policy}`,
    gone ? `${node} (gone)` : node,
    current ? state : `${state} (before its last change)`,
    // Mistakes stand one to a line.
    state === 'refused' ? message.split('\n')[0]! : '',
  ])
  await terminal.write(
    form === 'json' ? JSON.stringify(answers) + '\n' : table([['NAME', 'NODE', 'STATE', 'MISTAKE'], ...rows]),
  )
  return answers.some(({ state, gone }) => state === 'refused' && !gone) ? 1 : 0
}
