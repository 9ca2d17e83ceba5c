// Flags of the exporter to NATS.

import type { Flag } from './flags.ts'

export const NATS_FLAGS = [
  {
    name: 'nats-url',
    type: 'list',
    fallback: '',
    form: 'nats://HOST:PORT,...',
    help: 'publish events to a JetStream of NATS, acknowledged one by one; tls:// for TLS',
  },
  {
    name: 'nats-subject',
    type: 'text',
    fallback: 'thump.events',
    form: 'SUBJECT',
    help: 'beginning of the subject; the name of the node is its last part',
  },
  {
    name: 'nats-stream',
    type: 'text',
    fallback: '',
    form: 'NAME',
    help:
      'stream that must take the events, made with a day of keeping where it is missing; empty: whichever takes them',
  },
  {
    name: 'nats-credentials',
    type: 'path',
    fallback: '',
    form: 'FILE',
    help: '.creds file, seed of a key (SU...), USER:PASSWORD or token; read at each connection',
  },
  {
    name: 'nats-ca',
    type: 'path',
    fallback: '',
    form: 'FILE',
    help: "certificates that the server's is checked against",
  },
  {
    name: 'nats-cert',
    type: 'path',
    fallback: '',
    form: 'FILE',
    help: "the agent's certificate, and key if both are in it",
  },
  { name: 'nats-key', type: 'path', fallback: '', form: 'FILE', help: 'its key' },
  {
    name: 'nats-allowlist',
    type: 'text',
    fallback: '',
    form: 'JSON',
    help: 'filters for NATS in place of --export-allowlist',
  },
  {
    name: 'nats-denylist',
    type: 'text',
    fallback: '',
    form: 'JSON',
    help: 'filters for NATS in place of --export-denylist',
  },
] as const satisfies readonly Flag[]
