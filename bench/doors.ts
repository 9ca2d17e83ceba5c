// What many readers cost: bun bench/doors.ts sse|wrk [SECONDS]. Prints one JSON line per phase; exit status 1 where one lost what it should not.
import { type BenchAgent, startAgent } from './doors_agent.ts'
import type { ClientOrder, ClientResult } from './doors_clients.ts'

const MIB = 1 << 20

/** Resident memory now and at most, looked at every 100 ms. */
function watchMemory() {
  const start = process.memoryUsage.rss()
  let most = start
  const timer = setInterval(() => (most = Math.max(most, process.memoryUsage.rss())), 100)
  return () => {
    clearInterval(timer)
    return { rss_before_mib: Math.round(start / MIB), rss_most_mib: Math.round(most / MIB) }
  }
}

/** Runs one flood with these readers; true if the quick ones got everything and the slow ones know what they missed. */
async function sse(
  agent: BenchAgent,
  name: string,
  rate: number,
  seconds: number,
  order: Omit<ClientOrder, 'port'>,
): Promise<boolean> {
  const child = Bun.spawn(
    [process.execPath, `${import.meta.dirname}/doors_clients.ts`, JSON.stringify({ ...order, port: agent.port })],
    { stdin: 'pipe', stdout: 'pipe', stderr: 'inherit' },
  )
  const lines = linesOf(child.stdout)
  await lines.next()
  while (agent.hub.subscribers < order.queries.length + (order.laggards ? 2 : 0)) await Bun.sleep(5)
  await Bun.sleep(100)
  const events_before = agent.hub.counters.events
  const policies_before = [...agent.by_policy]
  const memory = watchMemory()
  const cpu = process.cpuUsage()
  const flood = await agent.flood(rate, seconds)
  const { user, system } = process.cpuUsage(cpu)
  const seen = memory()
  child.stdin.write('hurry\n')
  child.stdin.flush()
  const until = performance.now() + 20_000
  while (agent.hub.counters.queued > 0 && performance.now() < until) await Bun.sleep(50)
  await Bun.sleep(1000) // what the readers have in hand
  child.stdin.write('stop\n')
  child.stdin.flush()
  const results = JSON.parse((await lines.next()).value ?? '[]') as ClientResult[]
  await child.exited
  const quick = results.slice(0, order.queries.length)
  const slow = results.slice(order.queries.length)
  const wanted = quick.map(({ query }) => {
    const number = /^policies=p(\d+)$/.exec(query)?.[1]
    return number === undefined ? flood.lines : agent.by_policy[Number(number)]! - policies_before[Number(number)]!
  })
  const complete = quick.every(({ events, lost }, i) => events >= wanted[i]! && lost === 0)
  const told = slow.every(({ events, lost }) => events + lost >= flood.lines)
  const ordered = results.every(({ disorder }) => disorder === 0)
  console.log(JSON.stringify({
    phase: name,
    ...flood,
    clients: results.length,
    delivered: agent.hub.counters.events - events_before,
    quick: { clients: quick.length, events: sum(quick, 'events'), lost: sum(quick, 'lost'), complete },
    slow: slow.map(({ query, events, lost, loss_messages }) => ({ query, events, lost, loss_messages })),
    told,
    ordered,
    ...seen,
    cpu_part: Number(((user + system) / 1e6 / seconds).toFixed(2)),
    longest_turn_ms: Math.round(agent.longest_turn_ms()),
  }))
  return flood.ring_lost === 0 && complete && told && ordered
}

function sum(results: readonly ClientResult[], what: 'events' | 'lost'): number {
  return results.reduce((total, result) => total + result[what], 0)
}

async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const bytes of stream) {
    const lines = (rest + decoder.decode(bytes, { stream: true })).split('\n')
    rest = lines.pop()!
    yield* lines
  }
}

/** wrk on both routes while 100,000 events/s flow. */
async function wrk(agent: BenchAgent, rate: number, seconds: number): Promise<boolean> {
  let good = true
  for (const route of ['/v1/processes', '/metrics']) {
    const url = `http://127.0.0.1:${agent.port}${route}`
    const memory = watchMemory()
    const load = Bun.spawn(['wrk', '-t1', '-c8', `-d${seconds}s`, url], { stdout: 'pipe' })
    const flood = await agent.flood(rate, seconds)
    const text = await new Response(load.stdout).text()
    const requests_per_second = Number(/Requests\/sec:\s+([\d.]+)/.exec(text)?.[1] ?? 0)
    const refused = Number(/Non-2xx or 3xx responses: (\d+)/.exec(text)?.[1] ?? 0)
    const answered = Number(/(\d+) requests in/.exec(text)?.[1] ?? 0) - refused
    console.log(
      JSON.stringify({ phase: `wrk ${route}`, ...flood, requests_per_second, answered, refused, ...memory() }),
    )
    good = good && flood.ring_lost === 0 && flood.lines === flood.made && answered > 0
  }
  return good
}

if (import.meta.main) {
  const [what = 'sse', seconds = '10', rate] = process.argv.slice(2)
  await using agent = await startAgent()
  let good: boolean
  if (what === 'wrk') good = await wrk(agent, Number(rate ?? 100_000), Number(seconds))
  else {
    const all = Array.from({ length: 18 }, () => '')
    const narrow = Array.from({ length: 30 }, (_, i) => `policies=p${i * 33}`)
    const [slow, fast] = [Number(rate ?? 3000), Number(rate ?? 50_000)]
    const first = await sse(agent, '50 clients', slow, Number(seconds), {
      queries: [...all, ...narrow],
      laggards: true,
    })
    const second = await sse(agent, '30 narrow', fast, Number(seconds), { queries: narrow, laggards: true })
    good = first && second
  }
  process.exitCode = good ? 0 : 1
}
