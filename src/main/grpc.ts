// From the configuration to the gRPC door, if one is asked for.
import { readFileSync } from 'node:fs'
import { type Config, UsageError } from '../config.ts'
import type { DoorParts } from '../grpc/events.ts'
import type { DoorTls } from '../grpc/listen.ts'
import { isLocal } from '../http/listen.ts'
import { loadToken } from '../http/token.ts'
import type { KernelFacts } from '../kernel/facts.ts'
import { features } from '../kernel/feature.ts'
import { thumpVersion } from '../version.ts'
import type { Log } from './log.ts'

export interface GrpcParts extends Omit<DoorParts, 'log_level' | 'onError' | 'version' | 'features'> {
  readonly facts: () => Promise<KernelFacts>
}

/** What --grpc and --health-server-address ask for. Throws where an address cannot be had. */
export async function openGrpc(config: Config, log: Log, parts: GrpcParts): Promise<AsyncDisposable> {
  const stack = new AsyncDisposableStack()
  const { health } = config.grpc
  if (health.kind !== 'none') {
    const { openHealth } = await import('../grpc/health.ts')
    const door = stack.use(await openHealth(addressOf(health), () => parts.health().length === 0))
    log.info({ health: door.address }, 'health is served by gRPC')
  }
  stack.use(await openEvents(config, log, parts))
  return stack
}

async function openEvents(config: Config, log: Log, { facts, ...parts }: GrpcParts): Promise<AsyncDisposable | null> {
  const where = config.grpc.listen
  if (where.kind === 'none') return null
  const tls = readTls(config)
  // Loaded only where it is asked for: it takes 100 ms and 10 MB.
  const { openDoor } = await import('../grpc/door.ts')
  const open = where.kind === 'unix' || (config.grpc.open && isLocal(where))
  const access = {
    token: open ? null : loadToken(config.token_file),
    open_reading: isLocal(where) && !config.read_token,
  }
  const door = await openDoor(addressOf(where), access, {
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
  }, tls)
  log.info({ grpc: door.address, tls: tls !== null }, 'gRPC is served')
  return door
}

function addressOf(where: Exclude<Config['listen'], { kind: 'none' }>): string {
  if (where.kind === 'unix') return `unix:${where.path}`
  return `${where.host.includes(':') ? `[${where.host}]` : where.host}:${where.port}`
}

/** Throws UsageError for half of it, or for a file that cannot be read. */
function readTls(config: Config): DoorTls | null {
  const { certificate, key, client_ca } = config.grpc
  if (certificate === '' && key === '' && client_ca === '') return null
  if (certificate === '' || key === '') throw new UsageError('TLS of --grpc needs --grpc-tls-cert and --grpc-tls-key')
  const read = (flag: string, file: string) => {
    try {
      return readFileSync(file, 'utf8')
    } catch (error) {
      throw new UsageError(`Cannot read --${flag}: ${error instanceof Error ? error.message : error}`, { cause: error })
    }
  }
  return {
    certificate: read('grpc-tls-cert', certificate),
    key: read('grpc-tls-key', key),
    client_ca: client_ca === '' ? null : read('grpc-tls-client-ca', client_ca),
  }
}
