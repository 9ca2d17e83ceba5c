// From the configuration to the HTTP door: who may ask, and what the routes are made of.
import { formatCompact } from '../cli/compact.ts'
import { BOUNDS, type Config } from '../config.ts'
import type { Hub } from '../export/hub.ts'
import { parseLine } from '../filter/json.ts'
import { compileQuery, QUERY_HELP } from '../filter/query.ts'
import { FilterError } from '../filter/type.ts'
import { parentOf, viewOfMeta } from '../filter/view_meta.ts'
import { type AppParts, buildApp } from '../http/app.ts'
import { Guard } from '../http/guard.ts'
import { isLocal, listen, type Listener } from '../http/listen.ts'
import { openapiDocument } from '../http/openapi.ts'
import { loadToken } from '../http/token.ts'
import { thumpVersion } from '../version.ts'

type Given = 'budget' | 'readiness' | 'metrics' | 'loss' | 'coverage' | 'processes' | 'policies' | 'stop' | 'onError'

export interface HttpParts extends Pick<AppParts, Given> {
  readonly hub: Hub
  readonly boot: string
  readonly release: string
}

type HttpConfig = Pick<Config, 'listen' | 'token_file' | 'read_token' | 'node_name' | 'metrics'>

/** Null with `--listen none`. Throws where the address cannot be had. */
export async function openHttp(config: HttpConfig, parts: HttpParts): Promise<Listener | null> {
  const { listen: where, token_file, read_token, node_name } = config
  if (where.kind === 'none') return null
  const { version } = thumpVersion()
  const app = buildApp({
    ...parts,
    metrics_prefix: config.metrics.prefix,
    openapi: openapiDocument(version, QUERY_HELP),
    guard: new Guard({
      token: loadToken(token_file),
      open_reading: isLocal(where) && !read_token,
      any_host: where.kind === 'unix',
      host_names: where.kind === 'tcp' ? [where.host, node_name] : [],
    }),
    version: () => ({ ...thumpVersion(), boot: parts.boot, kernel: parts.release }),
    events: { hub: parts.hub, heartbeat_ms: BOUNDS.heartbeat_ms, compact, parseQuery },
  })
  return await listen(where, app, BOUNDS.request_bytes_max)
}

function compact(line: string): string | null {
  const event = parseLine(line)
  return event === undefined ? null : formatCompact(event)
}

function parseQuery(query: URLSearchParams) {
  try {
    const predicate = compileQuery(query, ['since', 'format'], { parentOf })
    return (line: string, meta: Parameters<typeof viewOfMeta>[1]) => predicate(viewOfMeta(line, meta))
  } catch (error) {
    if (error instanceof FilterError) return error.message
    throw error
  }
}
