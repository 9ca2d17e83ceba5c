// What outlives an agent with --keep-sensors-on-exit: its base sensor, which the next agent goes on with if it would load the
// same, and for each policy what its events look like.
import { deserialize, serialize } from 'bun:jsc'
import { createHash } from 'node:crypto'
import fs from 'node:fs'
import { BpfLink } from '../../ffi/link.ts'
import { BpfMap } from '../../ffi/map.ts'
import type { RingBuffer } from '../../ffi/ring.ts'
import { EVENT_TYPE } from '../../ffi/wire.gen.ts'
import type { KeptBase, Pins } from '../kernel/pins.ts'
import { createBytes, readBytes, writeBytes } from '../kernel/pinned_bytes.ts'
import type { Plan } from '../policy/plan_type.ts'
import { readRingCounters, type RingCount } from './counters.ts'
import type { SharedMaps } from './shared_maps.ts'

/** Of a base sensor, at its start. */
export interface BaseState {
  /** The same for agents that would load the same programs with the same maps. */
  readonly signature: string
  readonly hash_key: Uint8Array<ArrayBuffer>
  readonly credential_source: 'sched_prepare_exec' | 'fentry' | 'kprobe' | null
}

/** Changes while the agent runs: written once a second. */
export interface BaseNote {
  /** By "ring type": what was told as lost already. */
  readonly lost: Readonly<Record<string, Readonly<Record<string, number>>>>
  /** Numbers that user space gave to binaries and lineages. */
  readonly user_ids: number
}

export interface PolicyState {
  readonly plan: Plan
  /** In the order of plan.hooks. */
  readonly hook_ids: readonly number[]
}

/** Map of the note among the kept ones. */
const NOTE_MAP = 'thump_note'
const NOTE_BYTES = 16_384

/** An adopted base sensor: opened, still attached. */
export interface AdoptedBase {
  readonly state: BaseState
  readonly links: readonly BpfLink[]
  readonly maps: ReadonlyMap<string, BpfMap>
  readonly note: BaseNote
}

/** Changes with the compiled programs and everything that is put into them. */
export function signatureOf(files: readonly string[], settings: unknown): string {
  const hash = createHash('sha256')
  for (const file of files) hash.update(fs.readFileSync(file))
  return hash.update(JSON.stringify(settings)).digest('hex')
}

export function encodeState(state: BaseState | PolicyState): Uint8Array<ArrayBuffer> {
  return new Uint8Array(new Uint8Array(serialize(state)))
}

/** What encodeState() made, by an agent of the same version: whoever calls has compared the signature or can do without. */
export function decodeState<T extends BaseState | PolicyState>(bytes: Uint8Array<ArrayBuffer>): T {
  return deserialize(bytes.buffer) as T
}

/** Takes over what was kept; null where the signature is another one, or another agent was faster. */
export function openKept(
  kept: KeptBase,
  signature: string,
  stack: DisposableStack,
  attached: DisposableStack,
): AdoptedBase | null {
  const state = decodeState<BaseState>(kept.state)
  const claimed = state.signature === signature ? kept.claim() : null
  if (claimed === null) return null
  const maps = new Map(Object.entries(claimed.maps).map(([name, path]) => [name, stack.use(BpfMap.open(path))]))
  const links = claimed.links.map((path) => attached.use(BpfLink.open(path)))
  const note = maps.get(NOTE_MAP)
  maps.delete(NOTE_MAP)
  // Hooks of former policies have this one, with numbers that mean other policies now.
  const cgroups = maps.get('policy_cgroups')
  if (cgroups !== undefined) maps.set('policy_cgroups', stack.use(renewed(cgroups)))
  return { state, maps, links, note: note === undefined ? NO_NOTE : readNote(note) }
}

/** Pins what the next agent goes on with; gives the map of the note. */
export function keepBase(pins: Pins, links: readonly BpfLink[], maps: SharedMaps, state: BaseState): BpfMap {
  const note = createBytes(NOTE_BYTES)
  const named = maps.names.map((name) => [name, maps.get(name)] as const)
  pins.keepBase(links, [...named, [NOTE_MAP, note]], encodeState(state))
  return note
}

/** An empty map like `map`. */
function renewed(map: BpfMap): BpfMap {
  const { name, type, key_size, value_size, max_entries, flags } = map.info()
  return BpfMap.create({ name, type, key_size, value_size, max_entries, flags })
}

const NO_NOTE: BaseNote = { lost: {}, user_ids: 0 }

export function writeNote(map: BpfMap, counts: readonly RingCount[], user_ids: number): void {
  const lost = Object.fromEntries(counts.map(({ ring, type, lost }) => [`${ring} ${type}`, lost]))
  writeBytes(map, new TextEncoder().encode(JSON.stringify({ lost, user_ids } satisfies BaseNote)))
}

function readNote(map: BpfMap): BaseNote {
  const text = new TextDecoder().decode(readBytes(map))
  return text === '' ? NO_NOTE : JSON.parse(text) as BaseNote
}

/** Looks at the same moment before and after: tried again while programs send. */
const LOOKS_MAX = 100

export interface Unread {
  /** What the counters had when the first unread record was the next one; what this agent reads and counts comes on top. */
  readonly baseline: readonly RingCount[]
  readonly records: number
  /** ktime_ns of the oldest unread record, 0n: none. */
  readonly oldest_ns: bigint
}

/** Counts what lies in adopted rings, before anything is read. */
export function countUnread(
  counters: BpfMap,
  rings: Readonly<Record<'reserved' | 'telemetry', RingBuffer>>,
  note: BaseNote,
): Unread {
  let before = readRingCounters(counters)
  for (let look = 0;; look++) {
    const waiting = new Map<string, number>()
    let oldest_ns = 0n
    for (const ring of ['reserved', 'telemetry'] as const) {
      rings[ring].look((view, at) => {
        const key = `${ring} ${TYPE_NAMES[view.getUint16(at + 4, true)] ?? ''}`
        waiting.set(key, (waiting.get(key) ?? 0) + 1)
        const ktime_ns = view.getBigUint64(at + 8, true)
        if (oldest_ns === 0n || ktime_ns < oldest_ns) oldest_ns = ktime_ns
      })
    }
    const after = readRingCounters(counters)
    const still = after.every(({ submitted }, i) => submitted === before[i]?.submitted)
    if (still || look === LOOKS_MAX) {
      const records = [...waiting.values()].reduce((sum, count) => sum + count, 0)
      return { baseline: after.map((count) => baselineOf(count, waiting, note)), records, oldest_ns }
    }
    before = after
  }
}

function baselineOf(count: RingCount, waiting: ReadonlyMap<string, number>, note: BaseNote): RingCount {
  const key = `${count.ring} ${count.type}`
  const lost = { ...note.lost[key] ?? count.lost }
  const submitted = count.submitted - (waiting.get(key) ?? 0)
  const attempted = submitted + Object.values(lost).reduce((sum, number) => sum + number, 0)
  return { ...count, attempted, submitted, lost }
}

/** Pure. */
export function withoutBaseline(counts: readonly RingCount[], baseline: readonly RingCount[]): RingCount[] {
  return counts.map((count) => {
    const from = baseline.find(({ ring, type }) => ring === count.ring && type === count.type)
    if (from === undefined) return count
    const lost = Object.fromEntries(
      Object.entries(count.lost).map(([reason, number]) => [reason, number - (from.lost[reason] ?? 0)]),
    )
    return { ...count, attempted: count.attempted - from.attempted, submitted: count.submitted - from.submitted, lost }
  })
}

const TYPE_NAMES: Readonly<Record<number, string>> = Object.fromEntries(
  Object.entries(EVENT_TYPE).map(([name, number]) => [number, name.toLowerCase()]),
)
