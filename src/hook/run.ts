// One call of the hook: the state of a container on stdin, told to the agent within a bound; a program of its own, because
// every container waits for it. It imports next to nothing: starting takes some 25 ms.
import fs from 'node:fs'
import net from 'node:net'
import { DEFAULT_SOCKET, type HookAnswer } from './message.ts'
import { messageOf } from './state.ts'

export interface HookOptions {
  readonly socket: string
  /** For everything, from the start of the program on. */
  readonly timeout_ms: number
  /** What becomes of a container that the agent was not told of. */
  readonly on_failure: 'start' | 'refuse'
  /** Namespaces of Kubernetes whose containers start all the same: else an agent that runs in one could not come back. */
  readonly except: readonly string[]
  /** Runtimes throw stderr away when a hook succeeds, so failures stand here as well; '' for nowhere. */
  readonly log: string
}

export const HOOK_DEFAULTS: HookOptions = {
  socket: DEFAULT_SOCKET,
  timeout_ms: 1000,
  on_failure: 'start',
  except: ['kube-system', 'thump'],
  log: '/run/thump/oci-hook.log',
}

/** A log that is longer begins anew. */
const LOG_BYTES_MAX = 1 << 20
/** Files larger than this are not read: a list of all containers has some kilobytes for each. */
const FILE_BYTES_MAX = 64 << 20

/** Gives the exit status: 0, or 1 where the container must not start. Takes no longer than its timeout. */
export async function runHook(options: HookOptions, stdin: ReadableStream<Uint8Array>): Promise<number> {
  let namespace = ''
  const left_ms = () => Math.max(0, options.timeout_ms - performance.now())
  try {
    const state = await within(left_ms(), 'the runtime to give the state', new Response(stdin).text())
    const message = messageOf(state, left_ms(), readText)
    namespace = namespaceOf(message.annotations)
    const answer = await within(left_ms(), `an agent at ${options.socket}`, tell(options.socket, message))
    if (!answer.told) throw new Error(`The agent could not use it: ${answer.reason}`)
    return 0
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    const starts = options.on_failure === 'start' || options.except.includes(namespace)
    const outcome = starts
      ? 'the container starts all the same, known to policies only by its cgroup'
      : 'the container does not start'
    complain(`thump oci-hook: ${reason}; ${outcome}`, options.log)
    return starts ? 0 : 1
  }
}

/** As containerd's CRI plugin and CRI-O annotate; '' outside Kubernetes. */
function namespaceOf(annotations: Readonly<Record<string, string>>): string {
  return annotations['io.kubernetes.cri.sandbox-namespace'] ?? annotations['io.kubernetes.pod.namespace'] ?? ''
}

function tell(socket: string, message: object): Promise<HookAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<HookAnswer>()
  let text = ''
  const connection = net.connect(socket, () => connection.write(`${JSON.stringify(message)}\n`))
  connection.on('data', (bytes) => text += bytes.toString())
  connection.on('error', (error) => reject(new Error(`Cannot reach the agent at ${socket}: ${error.message}`)))
  connection.on('close', () => {
    try {
      resolve(JSON.parse(text) as HookAnswer)
    } catch (error) {
      reject(new Error(`The agent at ${socket} hung up without an answer`, { cause: error }))
    }
  })
  return promise
}

async function within<T>(ms: number, what: string, result: Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new Error(`Waited too long for ${what}`)), ms)
  try {
    return await Promise.race([result, promise])
  } finally {
    clearTimeout(timer)
  }
}

function readText(path: string): string | undefined {
  try {
    const size = fs.statSync(path, { throwIfNoEntry: false })?.size
    return size === undefined || size > FILE_BYTES_MAX ? undefined : fs.readFileSync(path, 'utf8')
  } catch {
    return undefined // gone meanwhile; the caller says what that means
  }
}

function complain(sentence: string, log: string): void {
  process.stderr.write(`${sentence}\n`)
  if (log === '') return
  try {
    const flag = (fs.statSync(log, { throwIfNoEntry: false })?.size ?? 0) > LOG_BYTES_MAX ? 'w' : 'a'
    fs.writeFileSync(log, `${new Date().toISOString()} ${sentence}\n`, { flag, mode: 0o600 })
  } catch (error) {
    process.stderr.write(`thump oci-hook: Cannot write ${log}: ${error instanceof Error ? error.message : error}\n`)
  }
}

/** `SOCKET TIMEOUT_MS start|refuse LOG EXCEPT,...`, as the installer writes them. */
if (import.meta.main) {
  const [socket = DEFAULT_SOCKET, timeout = '1000', on_failure = 'start', log = '', except = ''] = process.argv.slice(2)
  const options: HookOptions = {
    socket,
    timeout_ms: Number(timeout),
    on_failure: on_failure === 'refuse' ? 'refuse' : 'start',
    except: except.split(',').filter((each) => each !== ''),
    log,
  }
  // A request that is still under way would keep the process alive.
  process.exit(await runHook(options, Bun.stdin.stream()))
}
