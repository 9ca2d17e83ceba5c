// Label selectors, as Kubernetes has them: which pods, containers and hosts a policy is for.
import { choice, list, object, optional, type Reader, record, text } from './reader.ts'
import type { LabelExpression, LabelSelector, WorkloadMatch } from './type.ts'

const LABELS_MAX = 64
const VALUES_MAX = 1000

const key = text({ min: 1, max: 317, pattern: /^[\w.:/-]+$/, want: 'a label key such as app.kubernetes.io/name' })
const labelValue = text({ max: 256 })

const expression: Reader<LabelExpression> = object<LabelExpression>({
  key,
  operator: choice(['In', 'NotIn', 'Exists', 'DoesNotExist'] as const),
  values: list(labelValue, { max: VALUES_MAX }),
})

const labels: Reader<LabelSelector> = object<LabelSelector>({
  matchLabels: record(labelValue, LABELS_MAX),
  matchExpressions: list(checkedExpression(), { max: LABELS_MAX }),
})

/** In and NotIn need values, Exists and DoesNotExist have none. */
function checkedExpression(): Reader<LabelExpression> {
  return {
    fallback: undefined,
    read(value, path, report) {
      const before = report.errors.length
      const found = expression.read(value, path, report)
      if (report.errors.length > before) return found
      const wants = found.operator === 'In' || found.operator === 'NotIn'
      if (wants && found.values.length === 0) report.error(path, `Empty values of ${found.operator}: at least 1`)
      if (!wants && found.values.length > 0) {
        report.error([...path, 'values'], `Values given to ${found.operator}, which takes none`)
      }
      return found
    },
  }
}

export const labelSelector: Reader<LabelSelector | null> = optional<LabelSelector | null>(labels, null)

/** `hostSelector` is null or `{}`: there is one host. */
export const hostSelector: Reader<LabelSelector | null> = {
  fallback: null,
  read(value, path, report) {
    const found = labels.read(value, path, report)
    if (Object.keys(found.matchLabels).length + found.matchExpressions.length > 0) {
      report.error(path, 'Labels in hostSelector: want {} (the host) or nothing')
    }
    return found
  },
}

export const workloads: Reader<WorkloadMatch | null> = optional<WorkloadMatch | null>(
  object<WorkloadMatch>({ podSelector: labelSelector, containerSelector: labelSelector, hostSelector }),
  null,
)
