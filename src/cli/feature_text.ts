// Features as a table for people.
import type { Feature } from '../kernel/facts.ts'
import { table } from './table.ts'

const COLORS = { active: '\x1b[32m', fallback: '\x1b[33m', absent: '\x1b[31m' } as const

export function featureText(features: readonly Feature[], color: boolean): string {
  return table(features.map(({ name, state, reason }) => {
    return [color ? `${COLORS[state]}${state}\x1b[0m` : state, name, reason]
  }))
}
