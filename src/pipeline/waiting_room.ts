// WaitingRoom: lines whose process is in a container that somebody is still asked about, in order per container.
import type { EventLine } from '../event/type.ts'
import type { Container } from '../process/container_entry.ts'

/** 10,000 lines of 2 kB are 20 MB; more than that waits only when a runtime hangs during a flood. */
export const HELD_EVENTS_MAX = 10_000

export class WaitingRoom {
  /** Lines held now. */
  size = 0
  /** Lines that were held so far. */
  held = 0
  readonly #lines = new Map<Container, EventLine[]>()

  /** Where it is full, the container that waits longest must go first. */
  add(event: EventLine & { readonly held: { readonly container: Container } }): void {
    const { container } = event.held
    const lines = this.#lines.get(container)
    if (lines === undefined) this.#lines.set(container, [event])
    else lines.push(event)
    this.size++
    this.held++
  }

  get full(): boolean {
    return this.size >= HELD_EVENTS_MAX
  }

  /** The container whose first line came first. */
  oldest(): Container | undefined {
    return this.#lines.keys().next().value
  }

  /** Its lines, which leave. */
  take(container: Container): readonly EventLine[] {
    const lines = this.#lines.get(container) ?? []
    this.#lines.delete(container)
    this.size -= lines.length
    return lines
  }

  containers(): readonly Container[] {
    return [...this.#lines.keys()]
  }
}
