// Static probes (USDT): the notes that sys/sdt.h leaves in a file, and the places of arguments that they name.
import type { Elf } from './elf.ts'

export interface StaticProbeNote {
  readonly provider: string
  readonly name: string
  /** File offset. */
  readonly offset: bigint
  /** File offset of the counter that says whether somebody listens, 0 for none. */
  readonly semaphore: bigint
  readonly arguments: readonly StaticProbeArgument[]
}

export type StaticProbeArgument =
  | { readonly kind: 'register'; readonly size: number; readonly signed: boolean; readonly register: string }
  | { readonly kind: 'constant'; readonly size: number; readonly signed: boolean; readonly value: bigint }
  | {
    readonly kind: 'memory'
    readonly size: number
    readonly signed: boolean
    readonly register: string
    readonly displacement: number
    /** A second register, whose value times `scale` is added. */
    readonly index?: { readonly register: string; readonly scale: number }
  }
  | { readonly kind: 'unknown'; readonly text: string }

const OWNER = 'stapsdt'
const NT_STAPSDT = 3

export function staticProbes(elf: Elf): StaticProbeNote[] {
  const base = elf.sections.find((section) => section.name === '.stapsdt.base')?.address ?? 0n
  const found: StaticProbeNote[] = []
  for (const { owner, type, description } of elf.notes()) {
    if (owner !== OWNER || type !== NT_STAPSDT || description.length < 27) continue
    // The linker of a prelinked file moves code, not notes: the distance to .stapsdt.base tells how far.
    const moved = base === 0n ? 0n : base - description.readBigUInt64LE(8)
    const [provider = '', name = '', places = ''] = description.toString('latin1', 24).split('\0')
    const address = description.readBigUInt64LE(0) + moved
    const offset = elf.offsetOf(address)
    if (offset === undefined) continue
    const semaphore = description.readBigUInt64LE(16)
    const distance = (variable: string): number | undefined => {
      const at = elf.variable(variable)
      return at === undefined ? undefined : Number(at - address)
    }
    found.push({
      provider,
      name,
      offset,
      semaphore: semaphore === 0n ? 0n : elf.offsetOf(semaphore + moved) ?? 0n,
      arguments: splitArguments(places).map((text) => parseArgument(text, distance)),
    })
  }
  return found
}

/** At spaces outside of brackets: arm64 writes `8@[sp, 16]`. */
function splitArguments(text: string): string[] {
  return text.match(/[^\s[(]+(?:\[[^\]]*\]|\([^)]*\))?/g) ?? []
}

/**
 * `-4@%eax`, `8@-16(%rbp)`, `8@-16(%rbp,%rax,8)`, `-4@counter(%rip)`, `4@$5`, `8@x0`, `-4@[sp, 12]`, `8@[x0, x1]`.
 * `distance` tells how far from the probe a variable stands.
 */
export function parseArgument(
  text: string,
  distance: (variable: string) => number | undefined = () => undefined,
): StaticProbeArgument {
  const match = /^(-?)([1248])@(.+)$/.exec(text)
  if (match === null) return { kind: 'unknown', text }
  const common = { size: Number(match[2]), signed: match[1] === '-' }
  const place = match[3]!
  const constant = /^\$?(-?(?:0x[0-9a-f]+|\d+))$/i.exec(place)
  if (constant !== null) {
    const digits = constant[1]!
    return { kind: 'constant', ...common, value: digits.startsWith('-') ? -BigInt(digits.slice(1)) : BigInt(digits) }
  }
  const register = /^(%?)([a-z]\w*)$/i.exec(place)
  if (register !== null) return { kind: 'register', ...common, register: wide(register[2]!, register[1] === '%') }
  const memory = x86Memory(place, distance) ?? arm64Memory(place)
  return memory === undefined ? { kind: 'unknown', text } : { kind: 'memory', ...common, ...memory }
}

type Memory = Pick<Extract<StaticProbeArgument, { kind: 'memory' }>, 'register' | 'displacement' | 'index'>

const DISPLACEMENT_MAX = 2 ** 31

function x86Memory(place: string, distance: (variable: string) => number | undefined): Memory | undefined {
  const match = /^(-?(?:0x[0-9a-f]+|\d+))?\(%(\w+)(?:, *%(\w+)(?:, *([1248]))?)?\)$/i.exec(place)
  if (match === null) return variablePlace(place, distance)
  const [, displacement, base, index, scale] = match
  return {
    register: wide(base!, true),
    displacement: parseSigned(displacement),
    ...(index === undefined ? {} : { index: { register: wide(index, true), scale: Number(scale ?? 1) } }),
  }
}

/** `counter(%rip)`, `counter+4(%rip)`, `4+counter(%rip)`: at a probe rip is the address of the probe. */
function variablePlace(place: string, distance: (variable: string) => number | undefined): Memory | undefined {
  const match = /^(?:(-?\d+)\+)?([A-Za-z_.$][\w.$]*)([+-]\d+)?\(%rip\)$/.exec(place)
  if (match === null) return undefined
  const away = distance(match[2]!)
  if (away === undefined) return undefined
  const displacement = away + Number(match[1] ?? 0) + Number(match[3] ?? 0)
  return Math.abs(displacement) < DISPLACEMENT_MAX ? { register: 'rip', displacement } : undefined
}

function arm64Memory(place: string): Memory | undefined {
  const match = /^\[(\w+)(?:, *(?:#?(-?\d+)|(x\d+)))?\]$/.exec(place)
  if (match === null) return undefined
  return {
    register: wide(match[1]!, false),
    displacement: Number(match[2] ?? 0),
    ...(match[3] === undefined ? {} : { index: { register: match[3], scale: 1 } }),
  }
}

/** Number() reads no sign before 0x. */
function parseSigned(text = '0'): number {
  return text.startsWith('-') ? -Number(text.slice(1)) : Number(text)
}

/** The whole register; the size stands before the @. High bytes (ah) keep their name. */
function wide(name: string, x86: boolean): string {
  if (!x86) return /^w\d+$/.test(name) ? `x${name.slice(1)}` : name
  const numbered = /^(r\d+)[dwb]$/.exec(name)
  if (numbered !== null) return numbered[1]!
  const letters = /^(?:e)?([abcd])(?:x|l)$|^e?(si|di|bp|sp)l?$/.exec(name)
  if (letters === null) return name
  return letters[1] === undefined ? `r${letters[2]}` : `r${letters[1]}x`
}
