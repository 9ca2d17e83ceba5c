/** The layer rules: which part of the code may import which. Arrows go one way; docs/architecture.md draws them. */
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** Part (a path without its end) to the parts it may import besides itself. "type:" allows only `import type`. */
const MAY_IMPORT: Readonly<Record<string, string>> = {
  'src/main':
    'src/http src/event src/grpc src/hook/message src/sensor src/pipeline src/export src/process src/kube src/container src/config src/filter src/kernel src/policy src/ledger src/flags src/cli/compact ffi/code_pages ffi/error ffi/wire.gen',
  'src/config':
    'src/config_value src/config_container src/config_metrics src/config_nats src/config_grpc src/flags src/flags_tetragon',
  'src/config_container': '',
  'src/config_metrics': '',
  'src/config_nats': '',
  'src/config_grpc': 'type:src/config_value',
  'src/config_value': 'src/flags',
  'src/flags':
    'src/flags_export src/flags_container src/flags_metrics src/flags_nats src/flags_grpc type:src/config type:src/config_value',
  'src/flags_export': 'type:src/flags',
  'src/flags_container': 'type:src/flags',
  'src/flags_metrics': 'type:src/flags',
  'src/flags_nats': 'type:src/flags',
  'src/flags_grpc': 'type:src/flags',
  'src/flags_tetragon': '',
  'src/ledger': 'type:src/export',
  'src/pipeline': 'src/ledger src/event src/process src/filter src/export ffi/ring ffi/wire.gen type:src/config',
  'src/cli':
    'type:src/http src/hook src/container/coverage src/kube/answers src/kube/place src/policy src/kernel src/filter src/config src/config_value type:src/event type:src/ledger',
  'src/ui': 'type:src/http',
  'src/http':
    'src/sensor/registry src/export src/process/cache src/config_value type:src/ledger type:src/event type:src/config type:src/policy',
  'src/grpc':
    'src/filter type:src/http src/sensor/registry src/export src/process/cache src/config_value type:src/event type:src/config',
  'src/kube': 'src/process src/container src/policy/workload type:src/policy type:src/config',
  // Who is asked about containers: sockets of runtimes and files, no kernel.
  'src/container': 'src/process src/hook/message type:src/config_container type:src/policy type:src/kernel',
  // A program of its own, which has to start fast.
  'src/hook': '',
  'src/sensor': 'src/policy src/kernel ffi type:src/event type:src/config type:src/process',
  'src/kernel': 'ffi',
  'src/process': 'src/event ffi/wire.gen type:src/config',
  'src/policy': 'type:src/kernel/facts src/kernel/syscall src/kernel/syscall.gen src/filter/regex ffi/wire.gen',
  'src/event': 'ffi/wire.gen src/process/capability type:src/process',
  'src/filter': 'src/event/type type:src/config',
  'src/export': 'src/event/type type:src/process/type type:src/config',
  'src/config_bounds': '',
  'src/nearest': '',
  'src/version': '',
  'ffi': '',
}

/** These import nothing, so anything may import them. */
const LEAVES = ['src/nearest.ts', 'src/config_bounds.ts', 'src/version.ts', 'package.json']

const IMPORT = /^(?:import|export)\s+(type\s)?[^'"]*?from\s+'([^']+)'/gm

/** Every import that the rules forbid, as "file imports file". */
export function layerViolations(root: string): string[] {
  const violations: string[] = []
  for (const top of ['src', 'ffi']) {
    for (const name of readdirSync(join(root, top), { recursive: true, encoding: 'utf8' })) {
      if (!name.endsWith('.ts')) continue
      const file = `${top}/${name}`
      const part = Object.keys(MAY_IMPORT).find((part) => within(part, file))
      if (part === undefined) violations.push(`${file} is in no part that scripts/layers.ts knows`)
      else {
        for (const [, type, target = ''] of readFileSync(join(root, file), 'utf8').matchAll(IMPORT)) {
          if (!allowed(part, file, target, type !== undefined)) violations.push(`${file} imports ${target}`)
        }
      }
    }
  }
  return violations
}

function within(part: string, file: string): boolean {
  return file === `${part}.ts` || file.startsWith(`${part}/`)
}

function allowed(part: string, file: string, target: string, type_only: boolean): boolean {
  if (target === 'bun:ffi') return part === 'ffi'
  if (!target.startsWith('.')) return true
  const path = join(dirname(file), target)
  if (within(part, path) || LEAVES.includes(path)) return true
  const rules = MAY_IMPORT[part]?.split(' ') ?? []
  return rules.some((rule) => rule.startsWith('type:') ? type_only && within(rule.slice(5), path) : within(rule, path))
}

if (import.meta.main) {
  const violations = layerViolations(join(import.meta.dirname, '..'))
  for (const violation of violations) console.error(violation)
  process.exitCode = violations.length > 0 ? 1 : 0
}
