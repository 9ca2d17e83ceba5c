// The part of the configuration that is about the gRPC door.
import type { Listen } from './config_value.ts'

export interface GrpcConfig {
  readonly listen: Listen
  readonly open: boolean
  /** PEM files; '' for none. */
  readonly certificate: string
  readonly key: string
  readonly client_ca: string
  readonly health: Listen
}

/** What is needed of the reader of flags. */
interface FlagValues {
  text(name: string): string
  boolean(name: string): boolean
  parsed(name: string, parse: (text: string) => Listen | null): Listen
}

export function readGrpc(read: FlagValues, parseListen: (text: string) => Listen | null): GrpcConfig {
  return {
    listen: read.parsed('grpc', parseListen),
    open: read.boolean('grpc-open'),
    certificate: read.text('grpc-tls-cert'),
    key: read.text('grpc-tls-key'),
    client_ca: read.text('grpc-tls-client-ca'),
    health: read.parsed('health-server-address', parseListen),
  }
}
