// Policies of the cluster, where there is one, given to the registry.
import { BOUNDS, type Config } from '../config.ts'
import type { KubeApi } from '../kube/api.ts'
import { ClusterPolicies } from '../kube/policies.ts'
import type { Tracker } from '../process/tracker.ts'
import type { Registry } from '../sensor/registry.ts'
import type { Log } from './log.ts'

/** Resolves when those that there are now are loaded, within a bound; null outside Kubernetes. */
export async function followCluster(
  config: Config,
  log: Log,
  api: KubeApi | null,
  registry: Registry,
  tracker: Tracker,
): Promise<ClusterPolicies | null> {
  if (api === null) return null
  const policies = new ClusterPolicies({
    api,
    node_name: config.node_name,
    crds: config.containers.policy_crds,
    apply: async (source, text) => {
      const answer = await registry.syncFile(source, text)
      if (answer.ok) {
        log.info({ source }, text === null ? 'policy of the cluster not loaded here' : 'policy of the cluster loaded')
        return undefined
      }
      log.error({ source, mistakes: answer.mistakes }, 'policy of the cluster refused: what it had before stays loaded')
      return answer.mistakes.map(({ message }) => message).join('\n')
    },
    onNodeLabels: (labels) => tracker.lines.setNodeLabels(labels),
    onTrouble: (what, error) => {
      if (error === null) log.info({ what }, 'the Kubernetes API answers again')
      else log.warn({ what, error: error.message }, 'the Kubernetes API does not give what policies need')
    },
  })
  await policies.start(BOUNDS.kube.start_ms)
  return policies
}
