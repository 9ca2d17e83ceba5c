/** Real containers for kernel tests: a root file system of busybox, any cgroup path that a runtime could choose, and runc. */
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'

const BUSYBOX = '/bin/busybox'

/** What is missing for containers here, undefined if nothing is. */
export function missingForContainers(): string | undefined {
  if (Bun.which('runc') === null) return 'no runc'
  if (!fs.existsSync(BUSYBOX)) return `no ${BUSYBOX}`
  if (Bun.which('ldd') === null) return undefined
  const { stdout } = Bun.spawnSync(['ldd', BUSYBOX], { stderr: 'ignore' })
  return stdout.toString().includes('=>') ? `${BUSYBOX} is not static` : undefined
}

/** Which pivot_root cannot leave. */
export function inInitramfs(): boolean {
  return fs.readFileSync('/proc/mounts', 'utf8').split('\n').some((line) => / \/ (?:rootfs|tmpfs) /.test(line))
}

export interface ContainerRun {
  readonly id: string
  /** `cgroupsPath` of the specification; the runtime puts it below every hierarchy. */
  readonly cgroup: string
  readonly command: readonly string[]
  readonly annotations?: Readonly<Record<string, string>>
  /** Of the specification, as `{createRuntime: […]}`. */
  readonly hooks?: Readonly<Record<string, unknown>>
}

export class Runc implements Disposable {
  readonly #directory = fs.mkdtempSync(path.join(os.tmpdir(), 'thump-runc-'))
  readonly #specification: Record<string, unknown>
  readonly #started: string[] = []

  /** `programs`: static ones to be found in /bin, by name. */
  constructor(programs: Readonly<Record<string, string>> = {}) {
    const rootfs = path.join(this.#directory, 'rootfs')
    for (const name of ['bin', 'proc', 'dev', 'sys', 'tmp', 'etc']) {
      fs.mkdirSync(path.join(rootfs, name), { recursive: true })
    }
    fs.copyFileSync(BUSYBOX, path.join(rootfs, 'bin/busybox'))
    fs.chmodSync(path.join(rootfs, 'bin/busybox'), 0o755)
    for (const name of ['sh', 'true', 'echo', 'sleep', 'cat']) fs.symlinkSync('busybox', path.join(rootfs, 'bin', name))
    for (const [name, file] of Object.entries(programs)) fs.copyFileSync(file, path.join(rootfs, 'bin', name))
    fs.writeFileSync(path.join(rootfs, 'etc/passwd'), 'root:x:0:0:root:/:/bin/sh\n')
    Bun.spawnSync(['runc', 'spec'], { cwd: this.#directory })
    const file = path.join(this.#directory, 'config.json')
    this.#specification = JSON.parse(fs.readFileSync(file, 'utf8')) as Record<string, unknown>
  }

  /** Runs a container to its end; throws what runc said if it did not start. */
  async run(container: ContainerRun): Promise<void> {
    const child = this.#spawn(container)
    const [status, errors] = await Promise.all([child.exited, new Response(child.stderr).text()])
    if (status !== 0) throw new Error(`runc run ${container.id}: status ${status}: ${errors}`)
  }

  /** The same for one that may be killed: 128 and the signal. */
  async status(container: ContainerRun): Promise<number> {
    return await this.#spawn(container).exited
  }

  /** Starts one that goes on; stop() ends it. */
  start(container: ContainerRun): Bun.Subprocess {
    this.#started.push(container.id)
    return this.#spawn(container)
  }

  async stop(id: string): Promise<void> {
    await Bun.spawn(['runc', '--root', this.#state, 'kill', id, 'KILL'], { stdout: 'ignore', stderr: 'ignore' }).exited
  }

  /** Runs a command inside a container that was started. */
  async exec(id: string, command: readonly string[]): Promise<number> {
    return await Bun.spawn(['runc', '--root', this.#state, 'exec', id, ...command], {
      stdin: 'ignore',
      stdout: 'ignore',
      stderr: 'ignore',
    }).exited
  }

  [Symbol.dispose](): void {
    for (const id of this.#started) {
      Bun.spawnSync(['runc', '--root', this.#state, 'delete', '--force', id], { stdout: 'ignore', stderr: 'ignore' })
    }
    fs.rmSync(this.#directory, { recursive: true, force: true })
  }

  get rootfs(): string {
    return path.join(this.#directory, 'rootfs')
  }

  get #state(): string {
    return path.join(this.#directory, 'state')
  }

  #spawn(
    { id, cgroup, command, annotations = {}, hooks = {} }: ContainerRun,
  ): Bun.Subprocess<'ignore', 'ignore', 'pipe'> {
    const bundle = path.join(this.#directory, 'bundles', id)
    fs.mkdirSync(bundle, { recursive: true })
    const { process: program, linux, ...rest } = this.#specification as {
      process: Record<string, unknown>
      linux: Record<string, unknown>
    }
    const specification = {
      ...rest,
      root: { path: path.join(this.#directory, 'rootfs'), readonly: true },
      hostname: 'container',
      annotations,
      hooks,
      process: { ...program, terminal: false, args: command, rlimits: [] },
      linux: { ...linux, cgroupsPath: cgroup },
    }
    fs.writeFileSync(path.join(bundle, 'config.json'), JSON.stringify(specification))
    const flags = inInitramfs() ? ['--no-pivot'] : []
    return Bun.spawn(['runc', '--root', this.#state, 'run', ...flags, '--bundle', bundle, id], {
      stdin: 'ignore',
      stdout: 'ignore',
      stderr: 'pipe',
    })
  }
}
