// A real agent under the bench: time from start to first event, CPU when idle, memory before and after many execs.
import fs from 'node:fs'
import path from 'node:path'
import { TestAgent } from '../tests/kernel/agent.ts'

const PARENTS = 8
const IDLE_SECONDS = 20

export interface AgentFigures {
  readonly ready_ms: number
  /** While nothing is done on purpose; `idle_records` are those of other programs of the machine. */
  readonly idle_cpu_part: number
  readonly idle_records: number
  /** Resident memory at points in the number of execs; `without_rings` as /metrics has it. */
  readonly memory: readonly { readonly execs: number; readonly resident: number; readonly without_rings: number }[]
  readonly lost: number
  readonly execs_per_second: number
}

/** `execs` are started in ten parts. Needs root and build/program/storm (scripts/programs.ts). */
export async function agentFigures(execs: number): Promise<AgentFigures> {
  Bun.spawnSync([process.execPath, path.join(import.meta.dirname, '../scripts/programs.ts')])
  const started = performance.now()
  await using agent = await TestAgent.start(['--stdout=false'])
  const ready_ms = performance.now() - started
  // Compiling what starting needed, and collecting what it left, takes half a minute.
  await Bun.sleep(30_000)
  const before = await metrics(agent)
  await Bun.sleep(1000)
  // Not from the metrics: writing those would be half of what an idle agent does.
  const cpu_before = cpuSeconds(agent.child.pid)
  await Bun.sleep(IDLE_SECONDS * 1000)
  const idle_cpu = cpuSeconds(agent.child.pid) - cpu_before
  const idle = await metrics(agent)
  const memory = [point(0, idle)]
  const storm = path.join(import.meta.dirname, '../build/program/storm')
  const begun = performance.now()
  for (let part = 1; part <= 10; part++) {
    await Bun.spawn([storm, String(PARENTS), String(Math.ceil(execs / PARENTS / 10))]).exited
    memory.push(point(Math.round(execs * part / 10), await metrics(agent)))
  }
  const seconds = (performance.now() - begun) / 1000
  const { lost } = await agent.loss()
  return {
    ready_ms,
    idle_cpu_part: idle_cpu / IDLE_SECONDS,
    idle_records: idle.get('records')! - before.get('records')!,
    memory,
    lost,
    execs_per_second: execs / seconds,
  }
}

/** User and system time of all threads, in hundredths (proc(5), fields 14 and 15 of stat). */
function cpuSeconds(pid: number): number {
  const fields = fs.readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ')
  return (Number(fields[11]) + Number(fields[12])) / 100
}

async function metrics(agent: TestAgent): Promise<Map<string, number>> {
  const text = await (await agent.request('/metrics')).text()
  const values = new Map([...text.matchAll(/^thump_(\w+) (\S+)$/gm)].map(([, name, value]) => [name!, Number(value)]))
  const records = [...text.matchAll(/^thump_records_received_total\{.*\} (\d+)$/gm)]
  return values.set('records', records.reduce((sum, [, count]) => sum + Number(count), 0))
}

function point(execs: number, values: Map<string, number>) {
  return {
    execs,
    resident: values.get('resident_memory_bytes')!,
    without_rings: values.get('resident_memory_without_rings_bytes')!,
  }
}

if (import.meta.main) {
  console.log(JSON.stringify(await agentFigures(Number(process.argv[2] ?? 20_000))))
  fs.writeSync(2, '')
  process.exit(0)
}
