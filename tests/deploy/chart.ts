/** What of Helm's templates our chart uses, rendered: values, `toYaml … | nindent N`, `if … end`. Anything else is an error. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse, stringify } from 'yaml'

const CHART = join(import.meta.dirname, '../../deploy/helm/thump')

type Values = Readonly<Record<string, unknown>>

export function chartValues(): Values {
  return parse(readFileSync(join(CHART, 'values.yaml'), 'utf8')) as Values
}

/** Text of every template, by name; '' where it renders to nothing. */
export function renderChart(changed: Values = {}, namespace = 'thump'): Map<string, string> {
  const data = { Values: { ...chartValues(), ...changed }, Release: { Namespace: namespace } }
  const rendered = new Map<string, string>()
  for (const name of readdirSync(join(CHART, 'templates')).toSorted()) {
    rendered.set(name, render(readFileSync(join(CHART, 'templates', name), 'utf8'), data))
  }
  return rendered
}

function render(text: string, data: Values): string {
  const lines: string[] = []
  const shown: boolean[] = []
  for (const line of text.split('\n')) {
    const condition = /^\s*\{\{- if (\S+) \}\}$/.exec(line)
    if (condition !== null) shown.push(truth(valueAt(data, condition[1]!)))
    else if (/^\s*\{\{- end \}\}$/.test(line)) shown.pop()
    else if (shown.every((each) => each)) lines.push(...renderLine(line, data))
  }
  if (shown.length > 0) throw new Error('An if without end')
  return lines.join('\n')
}

function renderLine(line: string, data: Values): string[] {
  const block = /^\s*\{\{- toYaml (\S+) \| nindent (\d+) \}\}$/.exec(line)
  if (block !== null) {
    const indent = ' '.repeat(Number(block[2]))
    return stringify(valueAt(data, block[1]!)).trimEnd().split('\n').map((each) => indent + each)
  }
  return [line.replace(/\{\{(-?) ?([^}]*?) ?\}\}/g, (whole, _, path: string) => {
    if (!/^\.[\w.]+$/.test(path)) throw new Error(`No renderer for ${whole}`)
    return String(valueAt(data, path))
  })]
}

function valueAt(data: Values, path: string): unknown {
  let value: unknown = data
  for (const name of path.slice(1).split('.')) {
    value = (value as Values)[name]
    if (value === undefined) throw new Error(`No value ${path}`)
  }
  return value
}

/** As Go's templates have it: empty things are false. */
function truth(value: unknown): boolean {
  if (typeof value === 'object' && value !== null) return Object.keys(value).length > 0
  return Boolean(value)
}
