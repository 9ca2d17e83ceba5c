// As much of PromQL and of the Prometheus text format as it takes to see whether a dashboard asks for what is there.

/** Names of metrics with the names of their labels, from the text of /metrics. */
export function exposed(text: string): Map<string, Set<string>> {
  const metrics = new Map<string, Set<string>>()
  for (const line of text.split('\n')) {
    const match = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? \S+$/.exec(line)
    if (match === null) continue
    const labels = metrics.get(match[1]!) ?? new Set()
    for (const [, name] of (match[2] ?? '').matchAll(/(?:^|,)(\w+)="(?:[^"\\]|\\.)*"/g)) labels.add(name!)
    metrics.set(match[1]!, labels)
  }
  return metrics
}

export interface Asked {
  readonly metrics: readonly string[]
  /** Labels in selectors, groupings and joins. */
  readonly labels: readonly string[]
}

const WORDS = new Set([
  'by',
  'on',
  'without',
  'ignoring',
  'and',
  'or',
  'unless',
  'bool',
  'offset',
  'group_left',
  'group_right',
])

/** What a query asks for: identifiers that are neither functions nor words of the language nor within braces. */
export function askedBy(query: string): Asked {
  const labels: string[] = []
  const bare = query
    .replace(/\{([^}]*)\}/g, (_, inner: string) => {
      for (const [, name] of inner.matchAll(/(\w+)\s*(?:=~|!~|!=|=)/g)) labels.push(name!)
      return ' '
    })
    .replace(/\b(by|on|without|ignoring)\s*\(([^)]*)\)/g, (_, _word, inner: string) => {
      labels.push(...inner.split(',').map((name) => name.trim()).filter(Boolean))
      return ' '
    })
    .replace(/\[[^\]]*\]/g, ' ')
  const metrics = [...bare.matchAll(/([a-zA-Z_:][\w:]*)(\s*\()?/g)]
    .filter(([, name, call]) => call === undefined && !WORDS.has(name!))
    .map((match) => match[1]!)
  return { metrics, labels }
}
