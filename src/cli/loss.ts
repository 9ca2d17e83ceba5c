// `thump loss`: the loss ledger of an agent.
import type { LossRow } from '../ledger.ts'
import { AgentClient, CLIENT_OPTIONS, CLIENT_USAGE } from './client.ts'
import { type Command, outputForm, parseOptions } from './command.ts'
import { table } from './table.ts'

export const loss: Command = {
  name: 'loss',
  summary: 'what was lost, where and why; exit status 1 if anything was',
  usage: `[-o text|json]

Each row adds up: total = passed + waiting + left out + lost. Exit status 1 if anything was lost.

${CLIENT_USAGE}

  thump loss
  thump loss -o json --server unix:/run/thump.sock`,
  async run(args, terminal) {
    const options = parseOptions(args, { ...CLIENT_OPTIONS, '-o': true })
    const form = outputForm(options, ['text', 'json'])
    const ledger = await new AgentClient(options, terminal.env).json('/v1/loss')
    if (form === 'json') await terminal.write(JSON.stringify(ledger) + '\n')
    else await terminal.write(lossText(ledger))
    return typeof ledger === 'object' && ledger !== null && 'lost' in ledger && Number(ledger.lost) > 0 ? 1 : 0
  },
}

/** `ledger` is the JSON of /v1/loss. */
export function lossText(ledger: unknown): string {
  if (typeof ledger !== 'object' || ledger === null) return ''
  const rows = 'rows' in ledger && Array.isArray(ledger.rows) ? ledger.rows as readonly LossRow[] : []
  const reasons = (counts: Readonly<Record<string, number>>) => {
    return Object.entries(counts).filter(([, count]) => count > 0).map(([reason, count]) => `${reason} ${count}`).join(
      ', ',
    ) || '-'
  }
  const lines = rows.map(({ where, kind, total, passed, waiting, other, lost }) => {
    return [where, kind, String(total), String(passed), String(waiting), reasons(other), reasons(lost)]
  })
  return table([['WHERE', 'KIND', 'TOTAL', 'PASSED', 'WAITING', 'LEFT OUT', 'LOST'], ...lines])
}
