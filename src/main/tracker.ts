// From the configuration to what the tracker needs to know.
import type { Namespaces } from '../../ffi/wire.gen.ts'
import { type Config, UsageError } from '../config.ts'
import { createRedactor } from '../filter/redact.ts'
import { FilterError } from '../filter/type.ts'
import { CACHE_LIMITS } from '../process/cache.ts'
import type { WallClock } from '../process/clock.ts'
import type { ContainerTable } from '../process/container_table.ts'
import type { AncestorsOption } from '../process/process_json.ts'
import type { TrackerOptions } from '../process/tracker.ts'
import { UserNames } from '../process/username.ts'

const ANCESTORS: readonly AncestorsOption[] = ['base', 'kprobe', 'tracepoint', 'loader', 'uprobe', 'lsm', 'usdt']

/** Throws UsageError for redaction filters that cannot be used. */
export function trackerOptions(
  config: Config,
  boot: string,
  clock: WallClock,
  host_namespaces: Namespaces,
  containers: ContainerTable,
): TrackerOptions {
  const names = config.environment_variable_names
  return {
    node_name: config.node_name,
    cluster_name: config.cluster_name,
    boot,
    tetragon_only: config.tetragon_only,
    clock,
    host_namespaces,
    containers,
    ancestors: new Set(ANCESTORS.filter((kind) => config.ancestors.includes(kind))),
    cache: { ...CACHE_LIMITS, processes_max: config.process_cache_size },
    process_cred: config.process_credentials,
    process_ns: config.process_namespaces,
    environment: config.environment_variables,
    ...(names.length > 0 ? { environment_names: new Set(names) } : {}),
    ...(config.user_names ? { user_names: new UserNames() } : {}),
    redactor: redactor(config),
  }
}

function redactor(config: Config) {
  try {
    return createRedactor({ filters: config.redaction_filters, builtin: config.redact_secrets })
  } catch (error) {
    if (error instanceof FilterError) throw new UsageError(error.message, { cause: error })
    throw error
  }
}
