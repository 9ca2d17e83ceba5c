// A client of the gRPC door in a process of its own: bun client.ts ADDRESS METHOD JSON [EVENTS [TOKEN]]; prints each answer as a JSON line.

import { Client, credentials, Metadata, type ServiceError, status } from '@grpc/grpc-js'
import { join } from 'node:path'
import protobuf from 'protobufjs'

const [address = '', method = '', text = '{}', events = '0', token = ''] = process.argv.slice(2)
const root = new protobuf.Root()
root.loadSync(join(import.meta.dir, '../../src/grpc/tetragon.proto'), { keepCase: true })
const name = method.endsWith('EventLogParams') ? 'EventLogService' : 'FineGuidanceSensors'
const service = root.lookupService(`tetragon.${name}`)
const { requestType, responseType } = service.methods[method]!
const request = root.lookupType(`tetragon.${requestType}`)
const response = root.lookupType(`tetragon.${responseType}`)

const client = new Client(address, credentials.createInsecure())
const metadata = new Metadata()
if (token !== '') metadata.set('authorization', `Bearer ${token}`)
const path = `/tetragon.${name}/${method}`
const serialize = (value: object) => Buffer.from(request.encode(request.fromObject(value)).finish())
const deserialize = (bytes: Buffer) =>
  response.toObject(response.decode(bytes), { enums: String, longs: String, bytes: String })
const print = (value: unknown) => process.stdout.write(JSON.stringify(value) + '\n')
const fail = (error: ServiceError) => {
  print({ code: status[error.code], details: error.details })
  process.exit(0)
}

if (method === 'GetEvents') {
  const stream = client.makeServerStreamRequest(path, serialize, deserialize, JSON.parse(text) as object, metadata)
  let left = Number(events)
  stream.on('data', (event: object) => {
    print(event)
    if (--left === 0) process.exit(0)
  })
  stream.on('error', fail)
} else {
  client.makeUnaryRequest(path, serialize, deserialize, JSON.parse(text) as object, metadata, (error, answer) => {
    if (error) return fail(error)
    print(answer)
    client.close()
  })
}
