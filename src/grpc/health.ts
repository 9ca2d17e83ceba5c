// grpc.health.v1.Health for probes: whether the agent is alive and ready, and nothing else, to whoever asks.
import {
  type handleServerStreamingCall,
  type handleUnaryCall,
  Server,
  type ServiceDefinition,
  status,
} from '@grpc/grpc-js'
import protobuf from 'protobufjs'
import { type Door, listenAt } from './listen.ts'

/** How often a watcher's answer is looked at, in ms: readiness changes in seconds. */
const PERIOD_MS = 500

// github.com/grpc/grpc, src/proto/grpc/health/v1/health.proto
const root = protobuf.Root.fromJSON({
  nested: {
    HealthCheckRequest: { fields: { service: { type: 'string', id: 1 } } },
    HealthCheckResponse: { fields: { status: { type: 'int32', id: 1 } } },
  },
})
const [request, response] = [root.lookupType('HealthCheckRequest'), root.lookupType('HealthCheckResponse')]

const SERVING_STATUS = { SERVING: 1, NOT_SERVING: 2, SERVICE_UNKNOWN: 3 } as const

interface Asked {
  readonly service: string
}

interface Answer {
  readonly status: number
}

function method(name: string, responseStream: boolean): ServiceDefinition[string] {
  return {
    path: `/grpc.health.v1.Health/${name}`,
    requestStream: false,
    responseStream,
    requestSerialize: (value: object) => Buffer.from(request.encode(request.fromObject(value)).finish()),
    requestDeserialize: (bytes: Buffer) => request.toObject(request.decode(bytes), { defaults: true }),
    responseSerialize: (value: object) => Buffer.from(response.encode(response.fromObject(value)).finish()),
    responseDeserialize: (bytes: Buffer) => response.toObject(response.decode(bytes), { defaults: true }),
  }
}

/** Serves `liveness` (it answers, so it is), as Tetragon names it, and readiness by '' and `readiness`. Throws where it cannot listen. */
export async function openHealth(address: string, ready: () => boolean): Promise<Door> {
  const statusOf = (service: string): number => {
    if (service === 'liveness') return SERVING_STATUS.SERVING
    if (service !== '' && service !== 'readiness') return SERVING_STATUS.SERVICE_UNKNOWN
    return ready() ? SERVING_STATUS.SERVING : SERVING_STATUS.NOT_SERVING
  }
  const check: handleUnaryCall<Asked, Answer> = (call, answer) => {
    const found = statusOf(call.request.service)
    if (found !== SERVING_STATUS.SERVICE_UNKNOWN) answer(null, { status: found })
    else answer({ code: status.NOT_FOUND, details: `no service "${call.request.service}": liveness, readiness` })
  }
  const watch: handleServerStreamingCall<Asked, Answer> = (call) => {
    let last = 0
    const look = () => {
      const found = statusOf(call.request.service)
      if (found !== last) call.write({ status: last = found })
    }
    const timer = setInterval(look, PERIOD_MS)
    call.on('cancelled', () => clearInterval(timer))
    look()
  }
  const server = new Server({ 'grpc.max_concurrent_streams': 16 })
  server.addService({ Check: method('Check', false), Watch: method('Watch', true) }, { Check: check, Watch: watch })
  return await listenAt(server, address, null)
}
