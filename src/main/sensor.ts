// From the configuration to the base sensor and to the hub: sizes, rates, bounds.
import { BOUNDS, type Config } from '../config.ts'
import { Hub } from '../export/hub.ts'
import type { HostFacts } from '../kernel/host.ts'
import { objectFile } from '../kernel/objects.ts'
import type { BaseOptions } from '../sensor/base.ts'

export function baseOptions(config: Config, host: HostFacts): BaseOptions {
  return {
    objectFile,
    btf: config.btf,
    argument_bytes: config.argument_bytes,
    environment: config.environment_variables,
    process_map_entries: config.process_map_entries,
    pid_max: host.pid_max,
    memory_bytes: host.memory_bytes,
    ring_bytes: config.ring_bytes || config.ring_bytes_per_cpu * host.cpus,
    reserved_ring_bytes: config.reserved_ring_bytes,
    cgroup_rate: config.cgroup_rate,
    procfs: config.procfs,
  }
}

export function createHub(config: Config, boot: string): Hub {
  return new Hub({
    boot,
    history_events_max: BOUNDS.history_events_max,
    history_bytes_max: BOUNDS.history_bytes_max,
    queue_events_max: config.event_queue_size,
    queue_bytes_max: BOUNDS.subscriber_bytes_max,
    subscribers_max: BOUNDS.subscribers_max,
    flush_ms_max: BOUNDS.subscriber_flush_ms,
  })
}
