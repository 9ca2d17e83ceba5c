// Kubernetes label selectors: `app=web,tier in (a, b),!canary`.

export class LabelSelectorError extends Error {
  override readonly name = 'LabelSelectorError'
}

type Labels = Readonly<Record<string, string>>
export type LabelPredicate = (labels: Labels) => boolean

const REQUIREMENT =
  /^\s*(?:(!)\s*)?([A-Za-z0-9](?:[\w./:-]*[\w])?)\s*(?:(==|=|!=|>|<)\s*([\w.-]*)|\s(in|notin)\s*\(([^()]*)\))?\s*(?:,|$)/

/**
 * Compiles a selector as k8s.io/apimachinery/pkg/labels.Parse reads it; its requirements are ANDed, an empty one selects all.
 * A source before the key (`k8s:app`), as Cilium writes labels, is dropped.
 */
export function compileLabelSelector(selector: string): LabelPredicate {
  const requirements: LabelPredicate[] = []
  let rest = selector
  while (rest.trim() !== '') {
    const match = REQUIREMENT.exec(rest)
    if (!match || (match[1] !== undefined && (match[3] ?? match[5]) !== undefined)) {
      throw new LabelSelectorError(`Cannot parse label selector "${selector}": unexpected "${rest.trim()}"`)
    }
    rest = rest.slice(match[0].length)
    const key = (match[2] ?? '').replace(/^k8s:/, '')
    requirements.push(
      requirement(key, match[1] === '!' ? '!' : match[3] ?? match[5], match[4] ?? match[6] ?? '', selector),
    )
  }
  return (labels) => requirements.every((test) => test(labels))
}

function requirement(key: string, operator: string | undefined, text: string, selector: string): LabelPredicate {
  const value = (labels: Labels) => Object.hasOwn(labels, key) ? labels[key] : undefined
  switch (operator) {
    case undefined:
      return (labels) => value(labels) !== undefined
    case '!':
      return (labels) => value(labels) === undefined
    case '=':
    case '==':
      return (labels) => value(labels) === text
    case '!=':
      return (labels) => value(labels) !== text
    case '>':
    case '<': {
      if (!/^-?\d+$/.test(text)) {
        throw new LabelSelectorError(`Cannot parse label selector "${selector}": "${text}" is no integer`)
      }
      const bound = Number(text)
      return (labels) => {
        const found = value(labels)
        if (found === undefined || !/^-?\d+$/.test(found)) return false
        return operator === '>' ? Number(found) > bound : Number(found) < bound
      }
    }
    default: {
      const values = new Set(text.split(',').map((item) => item.trim()))
      if (operator === 'in') return (labels) => values.has(value(labels) ?? '\0')
      return (labels) => !values.has(value(labels) ?? '\0')
    }
  }
}
