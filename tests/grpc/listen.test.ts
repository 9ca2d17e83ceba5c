import { expect } from 'bun:test'
import fs from 'node:fs'
import path from 'node:path'
import { Client, credentials, Server, type ServiceError, status } from '@grpc/grpc-js'
import { listenAt } from '../../src/grpc/listen.ts'
import { certificates, OPENSSL_MISSING } from '../export/certificates.ts'
import { testWhere } from '../kernel/need.ts'

const bytes = (value: Buffer) => value

testWhere(
  OPENSSL_MISSING,
  'listenAt() serves by TLS, and asks clients for their certificates where it is to',
  async () => {
    const directory = certificates()
    const read = (name: string) => fs.readFileSync(path.join(directory, name))
    const definition = {
      path: '/test/Echo',
      requestStream: false,
      responseStream: false,
      ...{ requestSerialize: bytes, requestDeserialize: bytes, responseSerialize: bytes, responseDeserialize: bytes },
    }
    const start = async (client_ca: string | null) => {
      const server = new Server()
      server.addService({ Echo: definition }, {
        Echo: (call: { request: Buffer }, answer: (error: null, value: Buffer) => void) => answer(null, call.request),
      })
      const texts = { certificate: read('server.pem').toString(), key: read('server.key').toString(), client_ca }
      return await listenAt(server, '127.0.0.1:0', texts)
    }
    const ask = async (address: string, how: ReturnType<typeof credentials.createSsl>) => {
      // Bun (1.4.5) takes no address for a server's name.
      const client = new Client(address.replace('127.0.0.1', 'localhost'), how)
      const { promise, resolve } = Promise.withResolvers<string>()
      const done = (error: ServiceError | null, answer?: Buffer) => {
        resolve(error === null ? answer!.toString() : status[error.code]!)
      }
      const options = { deadline: Date.now() + 30_000 }
      client.makeUnaryRequest('/test/Echo', bytes, bytes, Buffer.from('well'), options, done)
      const answer = await promise
      client.close()
      return answer
    }
    const anybody = credentials.createSsl(read('ca.pem'))
    const known = credentials.createSsl(read('ca.pem'), read('client.key'), read('client.pem'))
    await using open = await start(null)
    expect(await ask(open.address, anybody)).toBe('well')
    expect(await ask(open.address, credentials.createSsl(read('other.pem')))).toBe('UNAVAILABLE')
    expect(await ask(open.address, credentials.createInsecure())).toBe('UNAVAILABLE')
    await using mutual = await start(read('ca.pem').toString())
    expect(await ask(mutual.address, known)).toBe('well')
    expect(await ask(mutual.address, anybody)).toBe('UNAVAILABLE')
    fs.rmSync(directory, { recursive: true })
  },
  120_000,
)
