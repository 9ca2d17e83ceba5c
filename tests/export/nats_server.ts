/** A real nats-server for tests: its own port and store, killed, stopped and started again at will. */
import fs from 'node:fs'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { jetstreamManager } from '@nats-io/jetstream'
import { connect, type NatsConnection } from '@nats-io/transport-node'

/** Why tests with it cannot run here. */
export const NATS_MISSING = Bun.which('nats-server') === null ? 'no nats-server' : undefined

export interface Message {
  readonly id: string
  readonly subject: string
  readonly text: string
}

export class NatsServer implements AsyncDisposable {
  readonly directory = fs.mkdtempSync(path.join(os.tmpdir(), 'thump-nats-'))
  readonly port: number
  readonly #config: string
  #child: Bun.Subprocess | undefined

  private constructor(port: number, config: string) {
    this.port = port
    this.#config = config
  }

  /** `config` is appended to a configuration with JetStream; `@DIR@` in it is the server's directory. */
  static async start(config = ''): Promise<NatsServer> {
    const server = new NatsServer(await freePort(), config)
    await server.run()
    return server
  }

  get url(): string {
    return `nats://127.0.0.1:${this.port}`
  }

  async run(): Promise<void> {
    const file = path.join(this.directory, 'server.conf')
    const text = `listen: "127.0.0.1:${this.port}"\njetstream { store_dir: "@DIR@/store" }\n${this.#config}`
    fs.writeFileSync(file, text.replaceAll('@DIR@', this.directory))
    const log = fs.openSync(path.join(this.directory, 'log'), 'a')
    this.#child = Bun.spawn(['nats-server', '-c', file], { stdout: log, stderr: log })
    fs.closeSync(log)
    for (let i = 0; i < 500; i++) {
      if (this.#child.exitCode !== null) break
      if (await reachable(this.port)) return
      await Bun.sleep(20)
    }
    throw new Error(`nats-server did not start:\n${fs.readFileSync(path.join(this.directory, 'log'), 'utf8')}`)
  }

  /** SIGKILL ends it for good, SIGSTOP until SIGCONT. */
  async signal(signal: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): Promise<void> {
    this.#child?.kill(signal)
    if (signal === 'SIGKILL') await this.#child?.exited
  }

  async connect(): Promise<NatsConnection> {
    return await connect({ servers: this.url, reconnect: false })
  }

  async addStream(name: string, subject: string, duplicates_ms = 60_000): Promise<void> {
    const connection = await this.connect()
    const { streams } = await jetstreamManager(connection)
    await streams.add({ name, subjects: [subject], duplicate_window: duplicates_ms * 1e6 })
    await connection.close()
  }

  /** Everything in the stream, in its order. */
  async messages(stream: string): Promise<Message[]> {
    const connection = await this.connect()
    const manager = await jetstreamManager(connection)
    const { state } = await manager.streams.info(stream)
    const messages: Message[] = []
    for (let seq = state.first_seq; seq <= state.last_seq && state.messages > 0; seq++) {
      const message = await manager.streams.getMessage(stream, { seq })
      if (message === null) continue
      messages.push({
        id: message.header.get('Nats-Msg-Id'),
        subject: message.subject,
        text: new TextDecoder().decode(message.data),
      })
    }
    await connection.close()
    return messages
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.signal('SIGKILL')
    fs.rmSync(this.directory, { recursive: true, force: true })
  }
}

async function freePort(): Promise<number> {
  const server = net.createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as net.AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

async function reachable(port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const socket = net.connect(port, '127.0.0.1', () => resolve(true)).on('error', () => resolve(false))
  const answer = await promise
  socket.destroy()
  return answer
}
