// Where a gRPC server listens, and by which credentials: the same for the door and for probes.
import { chmodSync, rmSync } from 'node:fs'
import { type Server, ServerCredentials } from '@grpc/grpc-js'

/** PEM texts. */
export interface DoorTls {
  readonly certificate: string
  readonly key: string
  /** Clients must have a certificate of one of these; null: anybody. */
  readonly client_ca: string | null
}

export interface Door extends AsyncDisposable {
  /** `127.0.0.1:54321` with the port that was bound, or `unix:PATH`. */
  readonly address: string
}

/** Listens on `HOST:PORT` or `unix:PATH` (mode 0600). Throws where it cannot. */
export async function listenAt(server: Server, address: string, tls: DoorTls | null): Promise<Door> {
  const path = address.startsWith('unix:') ? address.slice('unix:'.length) : undefined
  if (path !== undefined) rmSync(path, { force: true }) // left by an agent that was killed
  const credentials = tls === null ? ServerCredentials.createInsecure() : ServerCredentials.createSsl(
    tls.client_ca === null ? null : Buffer.from(tls.client_ca),
    [{ cert_chain: Buffer.from(tls.certificate), private_key: Buffer.from(tls.key) }],
    tls.client_ca !== null,
  )
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync(address, credentials, (error, bound) => error ? reject(error) : resolve(bound))
  })
  if (path !== undefined) chmodSync(path, 0o600)
  return {
    address: path === undefined ? address.replace(/:\d+$/, `:${port}`) : address,
    async [Symbol.asyncDispose]() {
      const { promise, resolve } = Promise.withResolvers<void>()
      server.tryShutdown(() => resolve())
      const timer = setTimeout(() => server.forceShutdown(), 500) // streams of events do not end by themselves
      await promise
      clearTimeout(timer)
    },
  }
}
