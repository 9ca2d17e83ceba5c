// Who can tell what a container is: the Kubernetes API, the runtime's socket, its files.
import type { ContainerName } from '../process/container.ts'
import type { ContainerInfo } from '../process/container_entry.ts'

export interface SourceStatus {
  readonly state: 'active' | 'failing' | 'absent'
  /** For people: the address, or why not. */
  readonly detail: string
}

export interface ContainerSource extends Disposable {
  readonly name: 'kubernetes' | 'oci-hook' | 'cri' | 'docker' | 'bundle'
  readonly status: SourceStatus
  /** look() is all that it will ever know: nobody needs to wait for more. */
  readonly tells_all?: boolean
  /** False where it can never know this one. */
  covers(name: ContainerName): boolean
  /** What it knows without asking anybody. */
  look(name: ContainerName): ContainerInfo | undefined
  /** What is written of the pod's container `own` that look() cannot tell yet, because its id has not been heard of. */
  written?(name: ContainerName, own: string): ContainerInfo | undefined
  /** Makes ready, within a bound. Never throws. */
  start?(): Promise<void>
  /** Asks; undefined: it does not know. Absent for one that hears of changes by itself. Never throws. */
  ask?(name: ContainerName): Promise<ContainerInfo | undefined>
  /** Set by whoever wants to hear of which containers look() may have more to say now. */
  onChange?: (affects: (name: ContainerName) => boolean) => void
}
