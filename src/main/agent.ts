// The agent: its parts, in the order in which they start, and stopped in reverse.
import { randomBytes } from 'node:crypto'
import { EVENT_TYPE } from '../../ffi/wire.gen.ts'
import { BOUNDS, type Config } from '../config.ts'
import type { Hub } from '../export/hub.ts'
import { Budget } from '../http/budget.ts'
import type { Listener } from '../http/listen.ts'
import { monotonicNs, readClocks } from '../kernel/clock.ts'
import { features } from '../kernel/feature.ts'
import { objectFile } from '../kernel/objects.ts'
import type { Pins } from '../kernel/pins.ts'
import type { KernelFacts } from '../kernel/facts.ts'
import type { HostFacts } from '../kernel/host.ts'
import { ledgerRows, lossAnswer, type NewLoss } from '../ledger.ts'
import { Pipeline } from '../pipeline.ts'
import { Pump } from '../pipeline/pump.ts'
import { WallClock } from '../process/clock.ts'
import { readHostNamespaces, scanProcfs } from '../process/procfs.ts'
import { Throttles } from '../process/throttle.ts'
import { Tracker } from '../process/tracker.ts'
import { BaseSensor } from '../sensor/base.ts'
import { guardOf } from '../sensor/guard.ts'
import { Loader } from '../sensor/loader.ts'
import type { LoadedPolicy } from '../sensor/registry.ts'
import type { PolicyFiles } from '../sensor/watch.ts'
import { thumpVersion } from '../version.ts'
import { clocksOf } from './clocks.ts'
import { type Containers, createContainers } from './containers.ts'
import { createExports, type Exports } from './exports.ts'
import { Defence } from './defence.ts'
import { factsInWorker } from './facts.ts'
import { createPins, findFormer } from './former.ts'
import { openGrpc } from './grpc.ts'
import { openHttp } from './http.ts'
import type { Log } from './log.ts'
import { metricFamilies } from './metrics.ts'
import { EventMetrics } from './metrics_event.ts'
import { Outbound } from './outbound.ts'
import { Policies } from './policies.ts'
import { createPolicyFiles, readPolicyKey, sweepPins } from './policy_files.ts'
import { processSource } from './processes.ts'
import { selfTest } from './self_test.ts'
import { baseOptions, createHub } from './sensor.ts'
import { createStacks } from './stacks.ts'
import { trackerOptions } from './tracker.ts'

/** Turns of the pipeline at exit: what was in the rings when the sensors were detached, and no more. */
const LAST_TURNS_MAX = 10_000

export class Agent {
  readonly #config: Config
  readonly #log: Log
  readonly #host: HostFacts
  readonly #boot = randomBytes(4).toString('hex')
  readonly #started_seconds = Date.now() / 1000
  readonly #stack = new AsyncDisposableStack()
  readonly #budget = new Budget()
  readonly #pins: Pins
  readonly #event_metrics: EventMetrics | null
  readonly #clock = new WallClock(readClocks())
  readonly #containers: Containers
  readonly #tracker: Tracker
  readonly #hub: Hub
  readonly #sensor: BaseSensor
  readonly #missing = new Set(['sensors attached', 'self-test event'])
  /** Probed once, when first wanted. */
  readonly #facts: () => Promise<KernelFacts>
  #exports!: Exports
  #pipeline!: Pipeline
  #policies!: Policies
  #policy_files!: PolicyFiles
  #defence!: Defence
  #pump!: Pump
  #listener: Listener | null = null
  readonly #throttles: Throttles
  #stdout_closed = false
  #policies_read = false
  #onEnd: (reason: string) => void = () => {}

  private constructor(config: Config, log: Log, host: HostFacts) {
    this.#config = config
    this.#log = log
    this.#host = host
    this.#pins = createPins(this.#boot, config, log)
    const { events, labels } = config.metrics
    this.#event_metrics = events ? new EventMetrics(config.node_name, labels) : null
    this.#facts = factsInWorker({ btf: config.btf, procfs: config.procfs, object: objectFile('probe') })
    const namespaces = readHostNamespaces(config.procfs)
    this.#containers = createContainers(config, log, namespaces, {
      onSettled: (container) => this.#pipeline.release(container),
      sensor: () => this.#sensor,
    })
    this.#stack.use(this.#containers.identifier)
    this.#tracker = new Tracker(trackerOptions(config, this.#boot, this.#clock, namespaces, this.#containers.table))
    this.#throttles = new Throttles({
      line: (type, json, ktime_ns) => this.#tracker.plainLine(type, json, ktime_ns),
      exceededNs: (cgroup_id) => this.#sensor.rateExceededNs(cgroup_id),
    })
    this.#hub = createHub(config, this.#boot)
    this.#sensor = this.#stack.use(BaseSensor.load(baseOptions(config, host), this.#pins.formerBase()))
  }

  /** `onEnd` is called when nobody is left who could get an event, or a client wants an end. Throws what explain() turns into words. */
  static async start(config: Config, log: Log, host: HostFacts, onEnd: (reason: string) => void): Promise<Agent> {
    const agent = new Agent(config, log, host)
    agent.#onEnd = onEnd
    try {
      await agent.#start()
    } catch (error) {
      await agent.#stack.disposeAsync()
      throw error
    }
    return agent
  }

  async #start(): Promise<void> {
    this.#exports = await createExports(this.#config, this.#log, {
      boot: this.#boot,
      onStdoutClosed: () => this.#stdout_closed = true,
      lossLine: (sink, count, from_ms, to_ms) => this.#pipeline.sinkLossLine(sink, count, from_ms, to_ms),
    })
    this.#pipeline = this.#createPipeline()
    if (this.#event_metrics !== null) this.#pipeline.watch(this.#event_metrics.count)
    this.#policies = this.#stack.use(this.#createPolicies())
    this.#pipeline.handle(EVENT_TYPE.HOOK, this.#policies.onRecord)
    this.#pipeline.handle(EVENT_TYPE.CGROUP, this.#containers.onCgroup)
    this.#pipeline.handle(EVENT_TYPE.THROTTLE, this.#throttles.onRecord)
    this.#policy_files = this.#stack.use(createPolicyFiles(this.#config, this.#log, this.#policies.registry))
    this.#defence = this.#stack.use(
      new Defence({
        config: this.#config,
        log: this.#log,
        sensor: this.#sensor,
        policies: this.#policies,
        pins: this.#pins,
      }),
    )
    // Listening comes first, so that a probe gets 503 instead of nothing while the sensors start.
    this.#listener = await this.#listen()
    await this.#openDoor()
    await this.#containers.start()
    this.#sensor.attach(this.#pins)
    this.#addExisting()
    this.#defence.start()
    this.#missing.delete('sensors attached')
    const pump = this.#pump = this.#stack.use(
      new Pump(this.#pipeline, BOUNDS.counters_period_ms, () => this.#onPeriod()),
    )
    pump.bell = this.#stack.use(await this.#sensor.doorbell(() => pump.start(), (error) => this.#onBellFailed(error)))
    this.#stack.defer(() => pump[Symbol.dispose]()) // before the bell that it would ring
    this.#pump.start()
    await this.#policy_files.start()
    sweepPins(this.#pins, this.#log)
    this.#stack.use(await this.#containers.followPolicies(this.#policies.registry, this.#tracker))
    this.#policies_read = true
    await this.#test()
  }

  /** Opens the export file anew. */
  reopen(): void {
    this.#exports.reopen()
  }

  /** Detaches, drains, flushes within a bound, closes. */
  async stop(): Promise<void> {
    this.#sensor.detach()
    if (!this.#pump.drainNow(LAST_TURNS_MAX)) {
      this.#log.warn('the rings did not become empty: the last events are missing')
    }
    this.#containers.identifier.settleAll()
    this.#pipeline.reportLosses()
    const flushed = Promise.all([...this.#exports.sinks, this.#hub].map((sink) => sink.flush())).then(() => true)
    if (!await Promise.race([flushed, Bun.sleep(BOUNDS.exit_flush_ms).then(() => false)])) {
      const waiting = this.#exports.all.reduce((sum, sink) => sum + sink.counters.queued, 0)
      this.#log.warn({ events: waiting }, 'a reader is too slow: events that waited for it are lost')
    }
    await this.#hub[Symbol.asyncDispose]()
    await this.#stack.disposeAsync()
  }

  #createPipeline(): Pipeline {
    const sinks = [...this.#exports.sinks, this.#hub]
    return new Pipeline(
      {
        source: this.#sensor.source,
        tracker: this.#tracker,
        sinks,
        kernelCounters: () => this.#policies.withHooks(this.#sensor.counters()),
        clocks: clocksOf(this.#clock),
        drain_records_max: BOUNDS.drain_records_max,
        counters_period_ms: BOUNDS.counters_period_ms,
        onCrowded: (container) => this.#containers.identifier.crowded(container),
      },
      (type, error) =>
        this.#log.error({ type, err: error }, 'a record could not be handled; more of its kind are only counted'),
    )
  }

  #createPolicies(): Policies {
    const { btf, procfs } = this.#config
    const former = findFormer(this.#sensor, this.#pins, this.#log)
    let hook_id = former.last_hook_id
    const policies = new Policies({
      log: this.#log,
      tracker: this.#tracker,
      stacks: createStacks(this.#sensor.maps, this.#config),
      outbound: new Outbound(this.#config.allow_outbound, this.#log),
      loader: this.#stack.use(new Loader()),
      maps: this.#sensor.maps,
      hash_key_bytes: this.#sensor.hash_key_bytes,
      objectFile,
      btf,
      workloads: this.#containers.workloads,
      takeHookId: () => ++hook_id,
      facts: this.#facts,
      procfs,
      allow_match_all: this.#config.allow_match_all,
      policy_key: readPolicyKey(this.#config.policy_key),
      pins: this.#pins,
      guard: guardOf(procfs, this.#config.never_kill, this.#sensor.hash_key_bytes),
    })
    policies.adopt(former.hooks)
    return policies
  }

  /** Processes that are older than the agent: first into the kernel's maps, and what it did not know yet into the cache. */
  #addExisting(): void {
    const scan = scanProcfs({ root: this.#config.procfs, cgroup: this.#sensor.hierarchy })
    const added = this.#sensor.addExisting(scan.processes)
    this.#pipeline.emitAll(this.#tracker.addExisting(added))
    this.#log.debug({ processes: added.length, vanished: scan.vanished, unreadable: scan.unreadable }, 'read /proc')
  }

  async #test(): Promise<void> {
    const took_ms = await selfTest(this.#pipeline, BOUNDS.self_test_ms)
    if (took_ms === null) {
      this.#log.error('self-test failed: the agent started a process and saw no event of it; /readyz stays 503')
      return
    }
    this.#missing.delete('self-test event')
    Bun.gc(false) // what starting needed
    this.#log.info({
      version: thumpVersion().version,
      kernel: this.#host.release,
      listen: this.#listener?.address ?? 'none',
      credentials_from: this.#sensor.credential_source ?? 'nowhere',
      ready_ms: Math.round(performance.now()),
    }, 'ready')
  }

  #onPeriod(): void {
    this.#clock.refresh(readClocks())
    const now_ns = monotonicNs()
    this.#tracker.sweep(Number(now_ns))
    this.#pipeline.emitAll(this.#throttles.ended(now_ns))
    this.#defence.learn()
    this.#sensor.note()
    const losses: readonly NewLoss[] = this.#pipeline.reportLosses()
    if (losses.length > 0) this.#log.warn({ losses }, 'events were lost')
    this.#checkIdle()
  }

  /** Polling is worse than a doorbell, but events still come. */
  #onBellFailed(error: unknown): void {
    this.#log.error({ err: error }, 'the thread that waits for events ended: looking for them every 10 ms')
    this.#pump.bell = { arm: () => void setTimeout(() => this.#pump.start(), 10) }
    this.#pump.start()
  }

  #loss() {
    // Counters are read twice apart from what the rings hold: empty them first, so that the rows add up.
    this.#pump.drainNow(LAST_TURNS_MAX)
    const rows = ledgerRows(this.#pipeline.kernel(), this.#pipeline.stages(), this.#allCounters())
    return lossAnswer(this.#pipeline.ledger.lost_total, rows)
  }

  #allCounters() {
    return [...this.#exports.all, this.#hub].map((sink) => sink.counters)
  }

  #metrics() {
    return metricFamilies({
      pipeline: this.#pipeline,
      cache: this.#tracker.cache,
      containers: { ...this.#containers, held: this.#pipeline.waiting_room },
      events: this.#event_metrics,
      defence: this.#defence.families(),
      policies: this.#policies.registry.list(),
      refused: this.#budget.refused,
      chunks: this.#tracker.chunks.counters,
      kernel: this.#sensor.counters(),
      stages: this.#pipeline.stages(),
      sinks: this.#allCounters(),
      rings: this.#sensor.rings,
      maps: this.#sensor.mapUse(),
      faults: this.#sensor.faults(),
      subscribers: this.#hub.subscribers,
      history: this.#hub.history,
      ready: this.#missing.size === 0,
      started_seconds: this.#started_seconds,
      release: this.#host.release,
    })
  }

  async #listen(): Promise<Listener | null> {
    return this.#stack.use(
      await openHttp(this.#config, {
        hub: this.#hub,
        boot: this.#boot,
        release: this.#host.release,
        budget: this.#budget,
        readiness: () => ({ ready: this.#missing.size === 0, missing: [...this.#missing] }),
        metrics: () => this.#metrics(),
        loss: () => this.#loss(),
        coverage: async () => [
          ...features(await this.#facts()),
          ...this.#containers.features(),
          ...this.#defence.features(),
        ],
        stop: () => this.#onEnd('a client asked for it'),
        processes: processSource(this.#tracker.cache),
        policies: this.#policies.registry,
        onError: (error) => this.#log.error({ err: error }, 'a request failed'),
      }),
    )
  }

  async #openDoor(): Promise<void> {
    this.#stack.use(
      await openGrpc(this.#config, this.#log, {
        hub: this.#hub,
        file: this.#exports.file,
        policies: this.#policies.registry,
        processes: processSource(this.#tracker.cache),
        health: () => [...this.#missing],
        onContainer: (container) => this.#containers.onRuntimeHook(container),
        facts: this.#facts,
      }),
    )
  }

  /** Without stdout, file, listener and enforcing policy nobody gains anything from going on; policies come and go. */
  #checkIdle(): void {
    if (!this.#stdout_closed || !this.#policies_read) return
    if (this.#listener !== null || this.#exports.sinks.some((sink) => sink.open)) return
    const enforces = ({ enabled, mode, plan }: LoadedPolicy) => enabled && mode === 'enforce' && plan.enforcing
    if (this.#policies.registry.policies.some(enforces)) return
    this.#onEnd('nobody is left to get events')
  }
}
