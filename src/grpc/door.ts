// The gRPC door: Tetragon's FineGuidanceSensors service over the same hub, policies and processes as HTTP.

import { timingSafeEqual } from 'node:crypto'
import {
  type handleServerStreamingCall,
  type handleUnaryCall,
  type Metadata,
  Server,
  type ServiceDefinition,
  status,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js'
import type protobuf from 'protobufjs'
import { type DoorParts, streamEvents } from './events.ts'
import { type Door, type DoorTls, listenAt } from './listen.ts'
import { DoorError, METHODS } from './methods.ts'
import { EVENT_LOG_METHODS } from './event_log.ts'
import { EVENT_LOG_SERVICE, messageType, REQUEST_BYTES_MAX, SERVICE, toJson } from './schema.ts'

export interface DoorAccess {
  /** What `authorization: Bearer TOKEN` must carry; null: nothing is asked, as on a Unix socket of mode 0600. */
  readonly token: string | null
  /** Reading needs no token. */
  readonly open_reading: boolean
}

/** Methods that change the agent. */
const CHANGING: ReadonlySet<string> = new Set([
  'AddTracingPolicy',
  'DeleteTracingPolicy',
  'ConfigureTracingPolicy',
  'EnableTracingPolicy',
  'DisableTracingPolicy',
  'RuntimeHook',
  'SetDebug',
  'SetEventLogParams',
])

/** Listens on `HOST:PORT` or `unix:PATH` (mode 0600). Throws where it cannot. */
export async function openDoor(
  address: string,
  access: DoorAccess,
  parts: DoorParts,
  tls: DoorTls | null = null,
): Promise<Door> {
  const server = new Server({
    'grpc.max_receive_message_length': REQUEST_BYTES_MAX,
    'grpc.max_concurrent_streams': 64,
    'grpc.keepalive_time_ms': 30_000,
    'grpc.keepalive_timeout_ms': 20_000,
  })
  server.addService(definition(SERVICE), implementation(access, parts))
  server.addService(definition(EVENT_LOG_SERVICE), eventLog(access, parts))
  return await listenAt(server, address, tls)
}

/** Bytes in and out are those of the description; the rest is plain objects. */
function definition(service: protobuf.Service): ServiceDefinition {
  return Object.fromEntries(
    service.methodsArray.map((method) => {
      const request = messageType(method.requestType)
      const response = messageType(method.responseType)
      return [method.name, {
        path: `/tetragon.${service.name}/${method.name}`,
        requestStream: false,
        responseStream: method.responseStream === true,
        requestSerialize: (value: object) => Buffer.from(request.encode(request.fromObject(value)).finish()),
        requestDeserialize: (bytes: Buffer) => toJson(request, request.decode(bytes)),
        // Events are encoded once for all clients that want them whole.
        responseSerialize: (value: object) =>
          value instanceof Uint8Array
            ? Buffer.from(value)
            : Buffer.from(response.encode(response.fromObject(value)).finish()),
        responseDeserialize: (bytes: Buffer) => toJson(response, response.decode(bytes)),
      }]
    }),
  )
}

function implementation(access: DoorAccess, parts: DoorParts): UntypedServiceImplementation {
  const stream: handleServerStreamingCall<Record<string, unknown>, object> = (call) => {
    const refused = refusal(access, 'GetEvents', call.metadata)
    if (refused) return call.emit('error', refused)
    streamEvents(call, parts).catch((error: unknown) => {
      call.emit('error', { code: codeOf(error), details: messageOf(error) })
    })
  }
  const methods: UntypedServiceImplementation = { GetEvents: stream }
  for (const [name, method] of Object.entries(METHODS)) {
    methods[name] = unary(access, parts, name, (request) => method(request, parts))
  }
  return methods
}

function eventLog(access: DoorAccess, parts: DoorParts): UntypedServiceImplementation {
  const { file } = parts
  const methods: UntypedServiceImplementation = {}
  for (const [name, method] of Object.entries(EVENT_LOG_METHODS)) {
    methods[name] = unary(access, parts, name, (request) => {
      if (!file) throw new DoorError(status.FAILED_PRECONDITION, 'this agent has no export file (--export-file)')
      return method(request, file)
    })
  }
  return methods
}

function unary(
  access: DoorAccess,
  parts: DoorParts,
  name: string,
  method: (request: Record<string, unknown>) => object | Promise<object>,
): handleUnaryCall<Record<string, unknown>, object> {
  return (call, answer) => {
    const refused = refusal(access, name, call.metadata)
    if (refused) return answer(refused)
    Promise.resolve()
      .then(() => method(call.request))
      .then((value) => answer(null, value), (error: unknown) => {
        if (!(error instanceof DoorError)) parts.onError?.(error)
        answer({ code: codeOf(error), details: messageOf(error) })
      })
  }
}

function refusal(
  access: DoorAccess,
  method: string,
  metadata: Metadata,
): { code: number; details: string } | undefined {
  if (access.token === null || (access.open_reading && !CHANGING.has(method))) return undefined
  const [given = ''] = metadata.get('authorization')
  const wanted = Buffer.from(`Bearer ${access.token}`)
  const got = Buffer.from(given)
  if (got.length === wanted.length && timingSafeEqual(got, wanted)) return undefined
  return {
    code: status.UNAUTHENTICATED,
    details: `${method} needs metadata "authorization: Bearer TOKEN" on this address`,
  }
}

function codeOf(error: unknown): number {
  return error instanceof DoorError ? error.code : status.INTERNAL
}

function messageOf(error: unknown): string {
  return error instanceof DoorError ? error.message : 'the agent could not answer'
}
