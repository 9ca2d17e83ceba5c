/** The first screen of README.md on a Debian 12 with nothing but apt: what is missing is installed, and events come. */
import { expect } from 'bun:test'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { baseImage, npmSettings, podmanEnvironment } from '../../scripts/image.ts'
import { testWhere } from '../kernel/need.ts'

const ROOT = path.join(import.meta.dirname, '../..')
/** Some 400 packages of Debian come with npm and clang. */
const INSTALL_MS = 1_200_000

const missing = process.getuid?.() !== 0
  ? 'not root'
  : ['podman', 'mmdebstrap', 'runc', 'git'].map((name) => Bun.which(name) === null ? `no ${name}` : undefined)
    .find((each) => each !== undefined)

testWhere(missing, './thump agent on a fresh Debian 12 installs what is missing and prints events', async () => {
  const checkout = fs.mkdtempSync(path.join(os.tmpdir(), 'thump-readme-'))
  const name = `thump-readme-${crypto.randomUUID().slice(0, 8)}`
  // What `git clone` would give: nothing that is built, nothing that is not committed.
  Bun.spawnSync(['sh', '-c', `git -C ${ROOT} archive HEAD | tar -x -C ${checkout}`])
  const flags = ['--rm', '--name', name, '--privileged', '--pid=host', '--network=host', '--log-driver=none']
  const volumes = [`--volume=${checkout}:/root/thump`, ...npmSettings()]
  // No port: another agent may run here.
  const command = ['sh', '-c', 'cd /root/thump && exec ./thump agent --listen none']
  const child = Bun.spawn(['podman', 'run', ...flags, ...volumes, baseImage(), ...command], {
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
    env: podmanEnvironment(),
  })
  const errors = new Response(child.stderr).text()
  const lines: string[] = []
  const reading = (async () => {
    let partial = ''
    const decoder = new TextDecoder()
    for await (const chunk of child.stdout) {
      const parts = (partial + decoder.decode(chunk, { stream: true })).split('\n')
      partial = parts.pop()!
      lines.push(...parts)
    }
  })()
  try {
    const marker = `marker-${crypto.randomUUID()}`
    const seen = (kind: string) => lines.some((line) => line.startsWith(`{"${kind}"`) && line.includes(marker))
    while (!seen('process_exit') && child.exitCode === null) {
      Bun.spawnSync(['/bin/true', marker])
      await Bun.sleep(500)
    }
    expect([seen('process_exec'), seen('process_exit')]).toEqual([true, true])
  } finally {
    // podman passes the signal on; its output has to be read until the end.
    child.kill('SIGTERM')
    await child.exited
    await reading
    fs.rmSync(checkout, { recursive: true, force: true })
  }
  // Nothing but events on stdout, from the first line on.
  for (const line of lines) expect(Object.keys(JSON.parse(line) as object)[0]).toMatch(/^process_|^loss$/)
  const said = await errors
  for (
    const step of [
      'installing Debian packages: libbpf1',
      'installing Bun',
      'packages of bun.lock',
      'compiling the BPF objects',
    ]
  ) {
    expect(said).toContain(step)
  }
}, INSTALL_MS)
