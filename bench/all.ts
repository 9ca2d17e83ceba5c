// bun run bench [EXECS [SECONDS]]: all benches, to the terminal and docs/benchmarks.md. Short by default; the long form is
// `bun run bench 1000000 30`. What needs the kernel needs root, and is left out with a word where it cannot run.
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { type AgentFigures } from './agent.ts'
import { type Sustained } from './sustained.ts'

const ROOT = path.join(import.meta.dirname, '..')
const RATES = [100_000, 200_000, 400_000]

const [execs = '20000', seconds = '3'] = process.argv.slice(2)
const parts: string[] = []

function say(text: string): void {
  parts.push(text)
  process.stdout.write(text + '\n')
}

/** Runs a bench in a process of its own, so that none inherits another's heap or compiled code. */
function run(file: string, args: readonly string[] = [], prefix: readonly string[] = []): string | null {
  const result = Bun.spawnSync([...prefix, process.execPath, path.join(import.meta.dirname, file), ...args], {
    cwd: ROOT,
    stdout: 'pipe',
    stderr: 'pipe',
    timeout: 3_600_000,
  })
  if (result.exitCode === 0) return result.stdout.toString().trim()
  say(`${file} could not run: ${result.stderr.toString().trim().split('\n').at(-1)}`)
  return null
}

function mib(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(1)
}

const [load] = os.loadavg()
say('# Benchmarks\n')
say('Written by `bun run bench [EXECS [SECONDS]]`.\n')
say(
  `Kernel ${os.release()}, ${os.cpus().length} CPUs (${os.cpus()[0]?.model ?? 'unknown'}), Bun ${Bun.version}, load ${
    load!.toFixed(1)
  } at the start.`,
)
say(
  'The machine is shared: figures of a loaded one are upper bounds. What hooks cost in the kernel: [hook_cost.md](hook_cost.md).\n',
)
for (
  const [title, file] of [['CPU per record: ring', 'ring.bench.ts'], [
    'CPU per record: decode, cache, JSON, bytes',
    'json.bench.ts',
  ]] as const
) {
  const text = run(file)
  if (text !== null) say(`## ${title}\n\n    ${text.replaceAll('\n', '\n    ')}\n`)
}
say('## Sustained from a real source\n')
say(
  "A process on core 0 makes system calls at a steady rate, each gives a 48-byte record; the agent's path from ring to JSON in /dev/null runs on core 1.\n",
)
say(
  '| events/s wanted | made | lines | lost | CPU us per event | of one core | longest turn ms |\n|---|---|---|---|---|---|---|',
)
for (const rate of RATES) {
  const text = run('sustained.ts', [String(rate), seconds], ['taskset', '-c', '1'])
  if (text === null) break
  const s = JSON.parse(text) as Sustained
  say(
    `| ${rate} | ${s.made_per_second.toFixed(0)} | ${s.lines} | ${s.lost} | ${s.cpu_us_per_event.toFixed(2)} | ${
      (s.cpu_part * 100).toFixed(0)
    } % | ${s.longest_turn_ms.toFixed(1)} |`,
  )
}
const text = run('agent.ts', [execs])
if (text !== null) {
  const agent = JSON.parse(text) as AgentFigures
  say(`\n## A running agent\n`)
  say(
    `Ready ${agent.ready_ms.toFixed(0)} ms after it was started; ${
      (agent.idle_cpu_part * 100).toFixed(2)
    } % CPU when idle, ${agent.idle_records} records of other programs in these 20 s; ${
      agent.execs_per_second.toFixed(0)
    } execs/s from 8 parents, ${agent.lost} records lost.\n`,
  )
  say('| execs | resident MiB | without the mapped rings MiB | the same in MB |\n|---|---|---|---|')
  for (const { execs, resident, without_rings } of agent.memory) {
    say(`| ${execs} | ${mib(resident)} | ${mib(without_rings)} | ${(without_rings / 1e6).toFixed(1)} |`)
  }
}
say('\n## Many readers\n')
say(
  '`bun bench/doors.ts sse`: 18 unfiltered, 30 narrow subscribers, one that reads a byte per second, one that reads nothing. `wrk`: 8 connections.\n',
)
for (const what of ['sse', 'wrk']) {
  const text = run('doors.ts', [what, seconds])
  for (const line of text?.split('\n') ?? []) {
    const d = JSON.parse(line) as Record<string, string | number> & { quick?: { events: number; lost: number } }
    const read = d.quick === undefined
      ? `${d['requests_per_second']} requests/s, ${d['refused']} of them refused for the time that they take`
      : `${d.quick.events} events read, ${d.quick.lost} missing`
    say(
      `- ${d['phase']} at ${d['made_per_second']} events/s: ${read}; ring lost ${d['ring_lost']}; resident at most ${
        d['rss_most_mib']
      } MiB`,
    )
  }
}
fs.writeFileSync(path.join(ROOT, 'docs/benchmarks.md'), parts.join('\n') + '\n')
