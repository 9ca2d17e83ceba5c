// From the configuration to the gRPC door, if one is asked for.
import type { Config } from '../config.ts'
import type { DoorParts } from '../grpc/events.ts'
import { isLocal } from '../http/listen.ts'
import { loadToken } from '../http/token.ts'
import type { KernelFacts } from '../kernel/facts.ts'
import { features } from '../kernel/feature.ts'
import { thumpVersion } from '../version.ts'
import type { Log } from './log.ts'

export interface GrpcParts extends Omit<DoorParts, 'log_level' | 'onError' | 'version' | 'features'> {
  readonly facts: () => Promise<KernelFacts>
}

/** Null without --grpc. Throws where the address cannot be had. */
export async function openGrpc(
  config: Config,
  log: Log,
  { facts, ...parts }: GrpcParts,
): Promise<AsyncDisposable | null> {
  const where = config.grpc
  if (where.kind === 'none') return null
  // Loaded only where it is asked for: it takes 100 ms and 10 MB.
  const { openDoor } = await import('../grpc/door.ts')
  const open = where.kind === 'unix' || (config.grpc_open && isLocal(where))
  const access = {
    token: open ? null : loadToken(config.token_file),
    open_reading: isLocal(where) && !config.read_token,
  }
  const host = where.kind === 'tcp' && where.host.includes(':')
    ? `[${where.host}]`
    : where.kind === 'tcp'
    ? where.host
    : ''
  const door = await openDoor(where.kind === 'unix' ? `unix:${where.path}` : `${host}:${where.port}`, access, {
    ...parts,
    version: thumpVersion().version,
    features: async () =>
      Object.fromEntries(features(await facts()).map(({ name, state }) => [name, state !== 'absent'])),
    log_level: {
      get: () => log.level,
      set: (level) => {
        log.level = level
      },
    },
    onError: (error) => log.error({ err: error }, 'a gRPC call failed'),
  })
  log.info({ grpc: door.address }, 'gRPC is served')
  return door
}
