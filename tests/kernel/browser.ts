// A headless Chromium for tests of the page, driven over its debugging protocol; nothing but the browser is needed.
import fs from 'node:fs'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'

const PROGRAM = ['chromium', 'chromium-browser', 'google-chrome'].map((name) => Bun.which(name)).find((found) => found)

/** For testWhere(): undefined where a browser is installed. */
export const missingBrowser = PROGRAM === undefined ? 'no Chromium is installed' : undefined

export class Browser implements AsyncDisposable {
  /** What the page complained about: console errors, refused resources, exceptions. */
  readonly complaints: string[] = []
  readonly #child: Bun.Subprocess
  readonly #directory: string
  readonly #socket: WebSocket
  #id = 0
  #waiting = new Map<number, (result: Record<string, unknown>) => void>()

  private constructor(child: Bun.Subprocess, directory: string, socket: WebSocket) {
    this.#child = child
    this.#directory = directory
    this.#socket = socket
    socket.onmessage = ({ data }) => this.#take(JSON.parse(String(data)))
  }

  static async open(url: string): Promise<Browser> {
    const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'thump-browser-'))
    const flags = [
      '--headless=new',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-dev-shm-usage',
      '--remote-debugging-port=0',
    ]
    const child = Bun.spawn([PROGRAM!, ...flags, `--user-data-dir=${directory}`, 'about:blank'], {
      stdout: 'ignore',
      stderr: 'ignore',
    })
    const address = await pageAddress(path.join(directory, 'DevToolsActivePort'))
    const socket = new WebSocket(address)
    await new Promise((resolve) => (socket.onopen = resolve))
    const browser = new Browser(child, directory, socket)
    for (const domain of ['Runtime', 'Log', 'Page']) await browser.#call(`${domain}.enable`)
    await browser.navigate(url)
    return browser
  }

  async navigate(url: string): Promise<void> {
    await this.#call('Page.navigate', { url })
  }

  async evaluate(expression: string): Promise<unknown> {
    const answer = await this.#call('Runtime.evaluate', { expression, awaitPromise: true, returnByValue: true })
    return (answer['result'] as { value?: unknown } | undefined)?.value
  }

  /** Evaluates until the result is true. */
  async until(expression: string, timeout_ms = 60_000): Promise<void> {
    const end = performance.now() + timeout_ms
    while (await this.evaluate(expression) !== true) {
      if (performance.now() > end) throw new Error(`Never true: ${expression}\n${this.complaints.join('\n')}`)
      await Bun.sleep(50)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#child.exited
    await Bun.sleep(100) // its children write into the directory until they notice
    fs.rmSync(this.#directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 })
  }

  #call(method: string, params: object = {}): Promise<Record<string, unknown>> {
    const id = ++this.#id
    this.#socket.send(JSON.stringify({ id, method, params }))
    return new Promise((resolve) => this.#waiting.set(id, resolve))
  }

  #take(message: { id?: number; method?: string; params?: object; result?: Record<string, unknown> }): void {
    if (message.id !== undefined) this.#waiting.get(message.id)?.(message.result ?? {})
    else if (/exceptionThrown|entryAdded/.test(message.method ?? '')) {
      this.complaints.push(JSON.stringify(message.params).slice(0, 500))
    }
  }
}

/** Waits until Chromium has written its port, then asks it for its page. */
async function pageAddress(file: string): Promise<string> {
  for (let i = 0; i < 600; i++) {
    await Bun.sleep(100)
    // The port's line is whole when there is another one.
    const [port, next] = fs.existsSync(file) ? fs.readFileSync(file, 'utf8').split('\n') : []
    if (next === undefined) continue
    const targets = await (await fetch(`http://127.0.0.1:${port}/json/list`)).json() as {
      type: string
      webSocketDebuggerUrl: string
    }[]
    const page = targets.find(({ type }) => type === 'page')
    if (page !== undefined) return page.webSocketDebuggerUrl
  }
  throw new Error('Chromium did not start')
}

/** A TCP port that leads to a Unix socket: browsers know no other address. */
export async function portTo(socket: string): Promise<{ readonly port: number } & Disposable> {
  const server = net.createServer((client) => {
    const agent = net.connect(socket)
    client.pipe(agent).pipe(client)
    for (const each of [client, agent]) {
      each.on('error', () => {
        client.destroy()
        agent.destroy()
      })
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as net.AddressInfo
  return { port, [Symbol.dispose]: () => void server.close() }
}
