// What must hold of any text that claims to be a policy: a plan or located mistakes, soon, and never an exception.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { PlanFacts } from '../../src/policy/facts_type.ts'
import { planJson, planText } from '../../src/policy/plan.ts'
import { describePlan } from '../../src/policy/plan_show.ts'

const TESTDATA = join(import.meta.dirname, 'testdata')
const SHIPPED = join(import.meta.dirname, '../../policies')
/** Of CPU, because on a busy machine a process may be left standing. Far above what any takes; a hang takes for ever. */
const MILLISECONDS_MAX = 5000

export function seedPolicies(): string[] {
  return [TESTDATA, SHIPPED].flatMap((directory) =>
    readdirSync(directory).filter((name) => name.endsWith('.yaml')).sort().map((name) =>
      readFileSync(join(directory, name), 'utf8')
    )
  )
}

/** '' if all holds; else what does not. */
export function brokenProperty(text: string, facts: PlanFacts): string {
  const start = process.cpuUsage()
  try {
    const { plans, errors, warnings } = planText('fuzz.yaml', text, facts)
    for (const { line, column, message } of [...errors, ...warnings]) {
      if (!(line >= 1) || !(column >= 1)) return `mistake without a place: ${message}`
      if (message === '' || message.includes('undefined') || message.includes('[object')) {
        return `unclear message: ${message}`
      }
    }
    if (errors.length > 0 && plans.length > 0) return 'plans in spite of errors'
    if (errors.length === 0 && plans.length === 0) return 'neither plan nor mistake'
    for (const plan of plans) {
      planJson(plan)
      describePlan(plan, null)
    }
  } catch (error) {
    return error instanceof Error ? error.stack ?? error.message : String(error)
  }
  const { user, system } = process.cpuUsage(start)
  const took = (user + system) / 1000
  return took > MILLISECONDS_MAX ? `took ${Math.round(took)} ms` : ''
}
