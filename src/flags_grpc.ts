// Flags of the gRPC door.

import type { Flag } from './flags.ts'

export const GRPC_FLAGS = [
  {
    name: 'grpc',
    type: 'text',
    fallback: 'none',
    form: 'HOST:PORT|unix:PATH|none',
    help: "where Tetragon's gRPC service is served; over TCP, changing needs the token as metadata",
  },
  {
    name: 'grpc-open',
    type: 'boolean',
    fallback: 'false',
    form: 'true|false',
    help: 'let whoever reaches --grpc on loopback change policies without the token, as Tetragon does',
  },
  {
    name: 'grpc-tls-cert',
    type: 'path',
    fallback: '',
    form: 'FILE',
    help: 'serve --grpc by TLS with this certificate (PEM)',
  },
  { name: 'grpc-tls-key', type: 'path', fallback: '', form: 'FILE', help: 'its key' },
  {
    name: 'grpc-tls-client-ca',
    type: 'path',
    fallback: '',
    form: 'FILE',
    help: 'take only clients whose certificates are signed by one of these',
  },
  {
    name: 'health-server-address',
    type: 'text',
    fallback: 'none',
    form: 'HOST:PORT|unix:PATH|none',
    help: 'where grpc.health.v1.Health is served for probes, without a token and TLS; Tetragon has it on :6789',
  },
] as const satisfies readonly Flag[]
