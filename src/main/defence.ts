// The agent's defence: what others try on it is refused (--protect-agent), and what they changed is noticed, once a minute.
import fs from 'node:fs'
import { BOUNDS, type Config } from '../config.ts'
import type { Feature } from '../kernel/facts.ts'
import { objectFile } from '../kernel/objects.ts'
import { PIN_ROOT, type Pins } from '../kernel/pins.ts'
import type { BaseSensor } from '../sensor/base.ts'
import { type Finding, Integrity, type Look } from '../sensor/integrity.ts'
import { Protection, protectShow } from '../sensor/protection.ts'
import { explain, MissingError } from './failure.ts'
import type { Log } from './log.ts'
import type { MetricFamily } from '../http/metrics.ts'
import type { Policies } from './policies.ts'

/** Findings that /v1/coverage shows. */
const SHOWN_MAX = 8

type DefenceConfig = Pick<Config, 'protect_agent' | 'keep_sensors_on_exit' | 'procfs' | 'btf'>

export interface DefenceParts {
  readonly config: DefenceConfig
  readonly log: Log
  readonly sensor: BaseSensor
  readonly policies: Policies
  readonly pins: Pins
}

export class Defence implements Disposable {
  readonly #parts: DefenceParts
  readonly #integrity: Integrity
  #protection: Protection | null = null
  #timer: Timer | undefined
  #told = new Map<string, Finding>()
  #last: Look = { findings: [], links: 0, programs: 0, maps: 0, blind: '' }
  #looks = 0
  #blind = ''

  constructor(parts: DefenceParts) {
    this.#parts = parts
    this.#integrity = new Integrity(() => {
      const { policies, retired } = parts.policies.registry
      const sensors = [...policies.map(({ sensor }) => sensor), ...retired]
      const own = this.#protection
      return {
        links: [...parts.sensor.links, ...sensors.flatMap(({ links }) => links), ...own?.links ?? []],
        objects: [
          ...parts.sensor.objects,
          ...sensors.flatMap(({ hooks }) => hooks.map(({ object }) => object)),
          ...own === null ? [] : [own.object],
        ],
        maps: parts.sensor.maps.all,
      }
    })
  }

  /** After the base sensor was attached. Throws MissingError where protection was asked for and this kernel has no BPF LSM. */
  start(): void {
    const { config, sensor, policies, pins } = this.#parts
    if (config.protect_agent) {
      try {
        this.#protection = Protection.start({
          file: objectFile('protect'),
          btf: config.btf,
          maps: sensor.maps,
          pid: Number(fs.readlinkSync(`${config.procfs}/self`)),
          hook_id: policies.showBuiltin(protectShow()),
          generation: pins.generation,
          pin_device: pins.keeping ? fs.statSync(PIN_ROOT).dev : 0,
          objects: sensor.objects,
          links: sensor.links,
        })
      } catch (error) {
        const why = explain(error, null).lines.join('; ')
        throw new MissingError([
          `Cannot protect the agent (--protect-agent): ${why}; it needs BPF LSM: CONFIG_BPF_LSM and "bpf" in lsm= on the kernel's command line`,
        ])
      }
    }
    this.#integrity.learn()
    this.#timer = setInterval(() => this.#tick(), BOUNDS.integrity_period_ms)
    this.#timer.unref()
  }

  /** New links and programs, as they are before anybody can have changed them. */
  learn(): void {
    this.#integrity.learn()
  }

  /** Compares, and tells what changed since the last look. */
  look(): void {
    const { log } = this.#parts
    this.#looks++
    this.#last = this.#integrity.look()
    const { findings, blind } = this.#last
    const now = new Map(findings.map((finding) => [`${finding.kind} ${finding.text}`, finding]))
    for (const [key, { kind, text }] of now) {
      if (this.#told.has(key)) continue
      if (kind === 'foreign') log.warn({ finding: text }, 'another program is at a hook of this agent')
      else log.error({ finding: text }, 'something of this agent is not as it was loaded')
    }
    for (const [key, { text }] of this.#told) if (!now.has(key)) log.info({ finding: text }, 'a finding is over')
    if (blind !== this.#blind && blind !== '') log.info({ reason: blind }, 'who else is at hooks cannot be told')
    this.#blind = blind
    this.#told = now
    this.#protection?.forgetGone()
  }

  /** A look that fails is no reason to end. */
  #tick(): void {
    try {
      this.look()
    } catch (error) {
      this.#parts.log.error({ err: error }, 'cannot compare programs, links and maps with what was loaded')
    }
  }

  /** For /v1/coverage; looks anew. */
  features(): Feature[] {
    this.look()
    const { findings, links, programs, maps, blind } = this.#last
    const others = blind === '' ? '' : `; foreign programs cannot be told: ${blind}`
    const same = `${links} links, ${programs} programs, ${maps} maps as they were loaded${others}`
    return [
      {
        name: 'self-protection',
        state: this.#protection === null ? 'absent' : 'active',
        reason: this.#protection === null
          ? '--protect-agent is not set'
          : `${this.#protection.links.length} LSM hooks refuse what others try on the agent`,
      },
      {
        name: 'integrity',
        state: findings.length === 0 && blind === '' ? 'active' : 'fallback',
        reason: findings.length === 0 ? same : shortList(findings),
      },
    ]
  }

  families(): MetricFamily[] {
    const { findings } = this.#last
    const kinds = ['missing', 'changed', 'foreign'] as const
    return [
      {
        name: 'integrity_looks_total',
        type: 'counter',
        help: 'Comparisons of programs, links and maps with what was loaded',
        samples: [{ value: this.#looks }],
      },
      {
        name: 'integrity_findings',
        type: 'gauge',
        help: 'What is not as it was loaded, and programs of others at hooks of the agent, at the last look',
        samples: kinds.map((kind) => ({
          labels: { kind },
          value: findings.filter((finding) => finding.kind === kind).length,
        })),
      },
    ]
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer)
    this.#protection?.[Symbol.dispose]()
    this.#protection = null
  }
}

/** In words; the log has them all. */
function shortList(findings: readonly Finding[]): string {
  const first = findings.slice(0, SHOWN_MAX).map(({ kind, text }) => `${kind}: ${text}`)
  const rest = findings.length - first.length
  return [...first, ...rest > 0 ? [`${rest} more`] : []].join('; ')
}
