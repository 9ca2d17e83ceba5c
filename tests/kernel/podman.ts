/** Podman for kernel tests: settings for a machine without systemd and journal, and an image of its own. */
import fs from 'node:fs'
import path from 'node:path'

/** Where there is no systemd, no journal and no crun that takes hybrid cgroups. */
const CONFIGURATION = `[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
[containers]
default_ulimits = ["nofile=20000:20000","nproc=32768:32768"]
`

export class Podman implements AsyncDisposable {
  readonly #configuration: string
  readonly #image: string

  private constructor(configuration: string, image: string) {
    this.#configuration = configuration
    this.#image = image
  }

  static missing(): string | undefined {
    return Bun.which('podman') === null ? 'no podman' : undefined
  }

  /** Makes an image of a root file system, and a configuration beside it. */
  static async start(rootfs: string, image: string): Promise<Podman> {
    const configuration = path.join(path.dirname(rootfs), 'containers.conf')
    fs.writeFileSync(configuration, CONFIGURATION)
    const podman = new Podman(configuration, image)
    const archive = path.join(path.dirname(rootfs), 'image.tar')
    Bun.spawnSync(['tar', '-C', rootfs, '-cf', archive, '.'])
    const { status, errors } = await podman.#call(['import', archive, image])
    if (status !== 0) throw new Error(`podman import: ${errors}`)
    return podman
  }

  /** Runs a command in a container of the image, without a network; gives its exit status, 128 and the signal if it was killed. */
  async run(global: readonly string[], options: readonly string[], command: readonly string[]): Promise<number> {
    const args = [...global, 'run', '--rm', '--network', 'none', ...options, this.#image, ...command]
    return (await this.#call(args)).status
  }

  async #call(args: readonly string[]): Promise<{ status: number; errors: string }> {
    const child = Bun.spawn(['podman', ...args], {
      stdin: 'ignore',
      stdout: 'ignore',
      stderr: 'pipe',
      env: { ...process.env, CONTAINERS_CONF: this.#configuration },
    })
    const [status, errors] = await Promise.all([child.exited, new Response(child.stderr).text()])
    return { status, errors }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#call(['rmi', '--force', this.#image])
  }
}
