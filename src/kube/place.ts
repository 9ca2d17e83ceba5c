// Where the Kubernetes API is, as pods find it by default.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { KubeApi } from './api.ts'

/** Where the kubelet mounts token and authority into a pod. */
export const SERVICE_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount'

export interface ApiPlace {
  /** '' for the one of the environment. */
  readonly server: string
  readonly service_account: string
  readonly timeout_ms: number
}

export interface FoundApi {
  /** Null where nobody says where it is. */
  readonly api: KubeApi | null
  /** False: without a token, as a proxy takes it. */
  readonly mounted: boolean
}

export function findApi(place: ApiPlace, env: Readonly<Record<string, string | undefined>>): FoundApi {
  const { KUBERNETES_SERVICE_HOST: host = '', KUBERNETES_SERVICE_PORT: port = '443' } = env
  const address = host.includes(':') ? `[${host}]` : host
  const server = place.server !== '' ? place.server : host === '' ? '' : `https://${address}:${port}`
  const mounted = existsSync(join(place.service_account, 'token'))
  if (server === '') return { api: null, mounted }
  return {
    api: new KubeApi({
      server: server.replace(/\/+$/, ''),
      service_account: mounted ? place.service_account : '',
      timeout_ms: place.timeout_ms,
    }),
    mounted,
  }
}
