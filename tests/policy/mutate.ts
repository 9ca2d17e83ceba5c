// Mutated policies for the property test: text and structure of real ones, changed at random but repeatably.
import { parse, stringify } from 'yaml'

/** xorshift32: the same seed gives the same mutations everywhere. */
export function randomOf(seed: number): () => number {
  let state = seed | 1
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) / 2 ** 32
  }
}

const WORDS = [
  'null',
  '~',
  '{}',
  '[]',
  '""',
  '"\\0"',
  '-1',
  '0',
  '99999999999999999999',
  '1e309',
  '.nan',
  'true',
  'yes',
  '0x',
  'list:',
  'list:x',
  '&a [*a]',
  '*a',
  '<<',
  '? ',
  '|',
  '>-',
  '!!binary aGk=',
  '!!set {a}',
  '__proto__',
  'constructor',
  'toString',
  '127.0.0.1/99',
  '::',
  '-9223372036854775809',
  '1:2:3',
  'arg0 == arg9',
  '((((((((((',
  'a.b.c[999999999].d',
  'x'.repeat(5000),
  '\u0000',
  '\ud800',
  '\t',
  '---',
  'sock',
  'file',
  'int',
  'auto',
  'nop',
  'char_buf',
  'Override',
  'Sigkill',
  'NotifyEnforcer',
  'CelExpr',
  'InMap',
  'Prefix',
  'CapabilitiesGained',
]

export function mutate(text: string, random: () => number): string {
  let mutated = random() < 0.5 ? mutateText(text, random) : mutateStructure(text, random)
  while (random() < 0.4) mutated = mutateText(mutated, random)
  return mutated
}

function pick<T>(list: readonly T[], random: () => number): T {
  return list[Math.floor(random() * list.length)]!
}

function mutateText(text: string, random: () => number): string {
  const lines = text.split('\n')
  const at = Math.floor(random() * lines.length)
  switch (Math.floor(random() * 8)) {
    case 0:
      lines.splice(at, 1)
      break
    case 1:
      lines.splice(at, 0, lines[Math.floor(random() * lines.length)]!)
      break
    case 2:
      lines[at] = ' '.repeat(Math.floor(random() * 6)) + lines[at]!.trimStart()
      break
    case 3:
      lines[at] = lines[at]!.replace(/:.*$/, `: ${pick(WORDS, random)}`)
      break
    case 4:
      lines[at] = lines[at]!.replace(/\w+/, pick(WORDS, random).replaceAll('$', '$$$$'))
      break
    case 5: {
      const cut = Math.floor(random() * text.length)
      return text.slice(0, cut) + pick(WORDS, random) + text.slice(cut + Math.floor(random() * 20))
    }
    case 6:
      return text.slice(0, Math.floor(random() * text.length))
    default:
      lines[at] = lines[at]!.replace(/\d+/, String(Math.floor(random() * 300) - 50))
  }
  return lines.join('\n')
}

function mutateStructure(text: string, random: () => number): string {
  let value: unknown
  try {
    value = parse(text, { logLevel: 'silent' })
  } catch {
    return mutateText(text, random) // several documents, or a case that is no YAML
  }
  for (let i = 0; i <= random() * 3; i++) change(value, random)
  try {
    return stringify(value)
  } catch {
    return text // a value that YAML cannot hold
  }
}

const VALUES: readonly unknown[] = [null, 0, -1, 4096, 2 ** 53, 0.5, true, '', 'x', [], {}, [null], [[]], { a: 1 }, [
  'list:dups',
], ['1', '2']]

function change(value: unknown, random: () => number): void {
  let parent: Record<string, unknown> | unknown[] | undefined
  let key = ''
  let at = value
  while (typeof at === 'object' && at !== null && (parent === undefined || random() < 0.85)) {
    const keys = Object.keys(at)
    if (keys.length === 0) break
    parent = at as Record<string, unknown> | unknown[]
    key = pick(keys, random)
    at = (parent as Record<string, unknown>)[key]
  }
  if (parent === undefined) return
  const target = parent as Record<string, unknown>
  const choice = random()
  if (choice < 0.25 && !Array.isArray(parent)) delete target[key]
  else if (choice < 0.6) target[key] = random() < 0.5 ? pick(VALUES, random) : pick(WORDS, random)
  else if (choice < 0.8 && Array.isArray(at)) { for (let i = random() * 20; i > 0; i--) at.push(at[0] ?? 'x') }
  // Not `__proto__` here: it would change what an array is; texts have it.
  else target[pick(WORDS, random).replace('__proto__', 'x')] = at
}
