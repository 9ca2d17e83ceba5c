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

/** A unit of systemd that has a cgroup of its own. The kernel compares up to 63 bytes. */
const UNIT = /^[\w:.@\\-]+\.(?:service|scope|slice|socket|mount|swap)$/
const UNIT_BYTES_MAX = 63

/** `hostSelector` is null, `{}` for the whole host, or names units by the one label that a host's process has. */
export const hostSelector: Reader<LabelSelector | null> = {
  fallback: null,
  read(value, path, report) {
    const found = labels.read(value, path, report)
    const named = (name: string, at: readonly (string | number)[]) => {
      if (name === 'unit') return true
      report.error([...at], `Label "${name}" in hostSelector: want {} (the host) or unit, as {unit: ssh.service}`)
      return false
    }
    const checkUnit = (unit: string, at: readonly (string | number)[]) => {
      if (UNIT.test(unit) && unit.length <= UNIT_BYTES_MAX) return
      report.error([...at], `Invalid unit "${unit}", want a name such as ssh.service, at most ${UNIT_BYTES_MAX} bytes`)
    }
    for (const [name, unit] of Object.entries(found.matchLabels)) {
      const at = [...path, 'matchLabels', name]
      if (named(name, at)) checkUnit(unit, at)
    }
    found.matchExpressions.forEach(({ key, operator, values }, i) => {
      const at = [...path, 'matchExpressions', i]
      if (!named(key, [...at, 'key'])) return
      // Units are known by the names that policies give; of all others nothing is.
      if (operator !== 'In' && operator !== 'NotIn') {
        report.error([...at, 'operator'], `Operator ${operator} in hostSelector: want In or NotIn`)
      }
      values.forEach((unit, j) => checkUnit(unit, [...at, 'values', j]))
    })
    return found
  },
}

export const workloads: Reader<WorkloadMatch | null> = optional<WorkloadMatch | null>(
  object<WorkloadMatch>({ podSelector: labelSelector, containerSelector: labelSelector, hostSelector }),
  null,
)
