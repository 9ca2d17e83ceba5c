// The part of the configuration that is about NATS.

export interface NatsConfig {
  /** Empty: no such exporter. */
  readonly servers: readonly string[]
  readonly prefix: string
  readonly stream: string
  readonly credentials: string
  readonly ca: string
  readonly certificate: string
  readonly key: string
  /** '' for the general lists. */
  readonly allowlist: string
  readonly denylist: string
}

/** What is needed of the reader of flags. */
interface FlagValues {
  text(name: string): string
  parsed<T>(name: string, parse: (text: string) => T | null): T
}

export function readNats(read: FlagValues): NatsConfig {
  return {
    servers: read.parsed('nats-url', parseServers),
    prefix: read.parsed('nats-subject', (text) => /^[\w-]+(\.[\w-]+)*$/.test(text) ? text : null),
    stream: read.parsed('nats-stream', (text) => /^[\w-]*$/.test(text) ? text : null),
    credentials: read.text('nats-credentials'),
    ca: read.text('nats-ca'),
    certificate: read.text('nats-cert'),
    key: read.text('nats-key'),
    allowlist: read.text('nats-allowlist'),
    denylist: read.text('nats-denylist'),
  }
}

/** No user in the URL: every user of the machine sees the flags of a process. */
function parseServers(text: string): readonly string[] | null {
  const servers = text.split(',').map((server) => server.trim()).filter((server) => server !== '')
  const well = /^(nats|tls):\/\/(\[[0-9a-fA-F:]+\]|[A-Za-z0-9._-]+)(:\d{1,5})?\/?$/
  return servers.every((server) => well.test(server)) ? servers : null
}
