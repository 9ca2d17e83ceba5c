// Who could be asked about containers here, as features: from the places that exist, or from sources that run.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { DEFAULT_SOCKET } from '../hook/message.ts'
import type { Feature } from '../kernel/facts.ts'
import { BUNDLE_DIRECTORIES, CRI_SOCKETS, DOCKER_SOCKETS } from './places.ts'
import type { ContainerSource } from './type.ts'

const SERVICE_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount/token'

const NAMES: Readonly<Record<ContainerSource['name'], string>> = {
  kubernetes: 'containers from the Kubernetes API',
  'oci-hook': 'containers from the OCI hook',
  bundle: "containers from containerd's bundles",
  cri: 'containers from the CRI socket',
  docker: "containers from Docker's socket",
}

/** Without an agent: what would be found by default. */
export function containerPlaces(exists: (path: string) => boolean = existsSync): Feature[] {
  const places: readonly (readonly [ContainerSource['name'], readonly string[]])[] = [
    ['kubernetes', [SERVICE_ACCOUNT]],
    ['oci-hook', [DEFAULT_SOCKET]],
    ['bundle', BUNDLE_DIRECTORIES],
    ['cri', CRI_SOCKETS],
    ['docker', DOCKER_SOCKETS],
  ]
  return places.map(([name, paths]) => {
    const found = paths.find((path) => exists(path))
    return found === undefined
      ? {
        name: NAMES[name],
        state: 'absent',
        reason: `no ${paths[0]}${paths.length > 1 ? ' or another usual place' : ''}`,
      }
      : { name: NAMES[name], state: 'active', reason: name === 'kubernetes' ? join(found, '..') : found }
  })
}

/** Of a running agent; a kind without a source is absent. */
export function containerFeatures(sources: readonly ContainerSource[]): Feature[] {
  return (Object.keys(NAMES) as ContainerSource['name'][]).flatMap((name): Feature[] => {
    const of_kind = sources.filter((source) => source.name === name)
    if (of_kind.length === 0) return [{ name: NAMES[name], state: 'absent', reason: 'nobody to ask, or switched off' }]
    return of_kind.map(({ status }) => {
      return { name: NAMES[name], state: status.state === 'active' ? 'active' : 'absent', reason: status.detail }
    })
  })
}
