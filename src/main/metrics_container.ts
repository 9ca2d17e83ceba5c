// Metrics about containers: how many are known, who tells about them, and which events had to wait or go without.
import type { Identifier } from '../container/identifier.ts'
import type { MetricFamily } from '../http/metrics.ts'
import type { WaitingRoom } from '../pipeline/waiting_room.ts'
import type { ContainerTable } from '../process/container_table.ts'

export interface ContainerMetricSources {
  readonly table: ContainerTable
  readonly identifier: Identifier
  readonly held: WaitingRoom
}

export function containerFamilies({ table, identifier, held }: ContainerMetricSources): MetricFamily[] {
  return [
    { name: 'containers', type: 'gauge', help: 'Containers remembered', samples: [{ value: table.size }] },
    {
      name: 'containers_total',
      type: 'counter',
      help: 'Containers seen, forgotten, and forgotten to make room',
      samples: Object.entries(table.counters).map(([what, value]) => ({ labels: { what }, value })),
    },
    {
      name: 'container_identity_total',
      type: 'counter',
      help: 'How the names of containers came to be known, or not',
      samples: Object.entries(identifier.counters).map(([how, value]) => ({ labels: { how }, value })),
    },
    {
      name: 'container_source_up',
      type: 'gauge',
      help: 'Whether who is asked about containers answers',
      samples: identifier.sources.map(({ name, status }) => {
        return { labels: { source: name }, value: status.state === 'active' ? 1 : 0 }
      }),
    },
    { name: 'held_events', type: 'gauge', help: 'Events that wait for a container', samples: [{ value: held.size }] },
    {
      name: 'held_events_total',
      type: 'counter',
      help: 'Events that waited for a container',
      samples: [{ value: held.held }],
    },
  ]
}
