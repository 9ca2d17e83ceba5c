// Development only: policies of the golden kit and of ../shared/policies; without them there is nothing to compare.
import { describe, expect, test } from 'bun:test'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { mistakeText } from '../../src/policy/error.ts'
import type { PlanFacts } from '../../src/policy/facts_type.ts'
import { planText } from '../../src/policy/plan.ts'
import { fromJson, recordedFacts } from './recorded_facts.ts'

const SHARED = join(import.meta.dirname, '../../../shared')
const recording = fromJson(readFileSync(join(import.meta.dirname, 'testdata/facts-6.12.json'), 'utf8'))

/** 7.2 allows fmod_ret on system calls. */
const works = { works: true, reason: '' }
const facts: PlanFacts = recordedFacts(recording)
const newer: PlanFacts = recordedFacts(recording, { attach: { ...recording.attach, syscall_fmod_ret: works } })

/** Files of ../shared/policies that must be refused, and a word of the reason. */
const REFUSED: Readonly<Record<string, string>> = {
  'policylibrary/egress.yaml': '${PODCIDR}',
  'quickstart/network_egress_cluster.yaml': '${PODCIDR}',
  'quickstart/network_egress_cluster_enforce.yaml': '"namespace"',
  'quickstart/file_monitoring_enforce.yaml': '"namespace"',
  // Signature of before 5.8, and of before 6.8.
  'tracingpolicy/tty_54.yaml': 'want "kiocb"',
  'tracingpolicy/cves/cve-2023-2640-overlayfs-ubuntu.yaml': 'want "dentry"',
  // Need error injection, which Debian's 6.12 lacks.
  'tracingpolicy/killer.yaml': 'CONFIG_FUNCTION_ERROR_INJECTION',
  'tracingpolicy/hardlink-override.yaml': 'CONFIG_FUNCTION_ERROR_INJECTION',
  'tracingpolicy/symlink-override.yaml': 'CONFIG_FUNCTION_ERROR_INJECTION',
  // Functions that are gone or inlined.
  'tracingpolicy/stack_traces.yaml': 'kfree_skb_reason',
  'tracingpolicy/dev_queue_xmit.yaml': 'dev_queue_xmit',
  'tracingpolicy/host-changes/monitor-signed-kernel-modules.yaml': 'find_module_sections',
  // Programs that are not there.
  'tracingpolicy/uprobe-binaries.yaml': 'no such file',
  'tracingpolicy/uprobe-host.yaml': 'no such file',
  'tracingpolicy/usdt.yaml': 'no such file',
  'tracingpolicy/usdt-set.yaml': 'no such file',
}

function list(directory: string, pattern: string): string[] {
  const root = join(SHARED, directory)
  return existsSync(root) ? [...new Bun.Glob(pattern).scanSync(root)].sort() : []
}

describe('planText() agrees with the golden kit on what loads', () => {
  for (const file of list('golden/cases', '*/*/expected-load.txt')) {
    const directory = join(SHARED, 'golden/cases', file, '..')
    const settings = existsSync(join(directory, 'case.json'))
      ? JSON.parse(readFileSync(join(directory, 'case.json'), 'utf8'))
      : {}
    const only_newer = settings.kernels?.length === 1 && settings.kernels[0] === '7.2'
    for (const line of readFileSync(join(directory, 'expected-load.txt'), 'utf8').trim().split('\n')) {
      const [name = '', want = ''] = line.split(/\s+/)
      test(`${file.replace('/expected-load.txt', '')}/${name} ${want}`, () => {
        const { errors } = planText(name, readFileSync(join(directory, name), 'utf8'), only_newer ? newer : facts)
        expect(errors.length > 0 ? `refused: ${errors.map(mistakeText).join('\n')}` : 'loads').toMatch(
          new RegExp(`^${want}`),
        )
      })
    }
  }
})

describe('planText() takes the policies in wide use, or says why not', () => {
  for (const file of list('policies', '**/*.{yaml,yml}')) {
    test(file, () => {
      const { errors } = planText(file, readFileSync(join(SHARED, 'policies', file), 'utf8'), facts)
      const reason = REFUSED[file]
      const text = errors.map(mistakeText).join('\n')
      if (reason === undefined) expect(text).toBe('')
      else expect(text).toContain(reason)
    })
  }
})
