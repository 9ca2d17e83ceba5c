// GetEvents: one client's subscription to the hub, encoded as Tetragon's messages.

import { type ServerWritableStream, status } from '@grpc/grpc-js'
import type { FileExporter } from '../export/file.ts'
import type { Hub, HubEvent } from '../export/hub.ts'
import { compileFieldFilters, type FieldFilter, parseFieldFilters } from '../filter/fields.ts'
import { isObject, type JsonObject, parseLine } from '../filter/json.ts'
import { compileLists } from '../filter/match.ts'
import { parseFilter } from '../filter/parse.ts'
import { type Filter, FilterError } from '../filter/type.ts'
import { parentOf, viewOfMeta } from '../filter/view_meta.ts'
import { DoorError, type MethodParts } from './methods.ts'
import { fromJson, messageType } from './schema.ts'

export interface DoorParts extends MethodParts {
  readonly hub: Hub
  /** The export file; null where there is none: EventLogService answers that it has nothing to change. */
  readonly file?: Pick<FileExporter, 'rotation' | 'configure'> | null
  readonly onError?: (error: unknown) => void
}

type Call = ServerWritableStream<Record<string, unknown>, object>

const RESPONSE = messageType('GetEventsResponse')

/** Kinds that the protocol has; what is Thump's own stays with HTTP. */
const KINDS: ReadonlySet<string> = new Set(RESPONSE.oneofsArray[0]?.fieldsArray.map((field) => field.name) ?? [])

/** Silence after which take() returns, only to look whether the client is still there. */
const IDLE_MS = 15_000

const encoded = new WeakMap<HubEvent, Uint8Array>()

/** Ends when the client does. Throws DoorError for filters that cannot be used. */
export async function streamEvents(call: Call, { hub }: DoorParts): Promise<void> {
  const { match, trim } = compileRequest(call.request)
  const subscription = hub.subscribe(match, null)
  if (subscription === null) throw new DoorError(status.RESOURCE_EXHAUSTED, 'too many subscribers')
  call.on('cancelled', () => subscription[Symbol.dispose]())
  call.on('close', () => subscription[Symbol.dispose]())
  try {
    while (!subscription.closed && !call.cancelled) {
      for (const delivery of await subscription.take(IDLE_MS)) {
        if ('lost' in delivery || call.cancelled) continue // this protocol has no word for it; it is in the counters
        const message = trim ? trimmed(delivery.event, trim) : whole(delivery.event)
        if (message && !call.write(message)) await drained(call)
      }
    }
  } finally {
    subscription[Symbol.dispose]()
    call.end()
  }
}

function whole(event: HubEvent): Uint8Array | undefined {
  const known = encoded.get(event)
  if (known) return known
  const document = parseLine(event.line)
  if (!document) return undefined
  const bytes = encode(document)
  encoded.set(event, bytes)
  return bytes
}

function trimmed(event: HubEvent, trim: (document: JsonObject) => JsonObject): Uint8Array | undefined {
  const document = parseLine(event.line)
  return document && encode(trim(document))
}

function encode(document: JsonObject): Uint8Array {
  return RESPONSE.encode(RESPONSE.fromObject(fromJson(RESPONSE, document) as Record<string, unknown>)).finish()
}

async function drained(call: Call): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const done = () => resolve()
  call.once('drain', done)
  call.once('cancelled', done)
  call.once('close', done)
  await promise
}

function compileRequest(request: Record<string, unknown>) {
  try {
    const lists = {
      allow: filters(request['allow_list'], 'allow_list'),
      deny: filters(request['deny_list'], 'deny_list'),
    }
    const passes = compileLists(lists, { parentOf })
    const fields = fieldFilters(request['field_filters'])
    return {
      match: (line: string, meta: Parameters<typeof viewOfMeta>[1]) =>
        KINDS.has(meta.type) && passes(viewOfMeta(line, meta)),
      trim: fields.length > 0 ? compileFieldFilters(fields) : undefined,
    }
  } catch (error) {
    if (error instanceof FilterError) throw new DoorError(status.INVALID_ARGUMENT, error.message, { cause: error })
    throw error
  }
}

function filters(value: unknown, what: string): Filter[] {
  return (Array.isArray(value) ? value : []).filter(isObject).map((filter) => parseFilter(filter, what))
}

function fieldFilters(value: unknown): FieldFilter[] {
  const list = (Array.isArray(value) ? value : []).filter(isObject)
  return parseFieldFilters(list.map((filter) => JSON.stringify(filter)).join('\n'), 'field_filters')
}
