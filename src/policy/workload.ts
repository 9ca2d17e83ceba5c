// Whom a policy is for: the truth table of podSelector, containerSelector and hostSelector. Pure.
import type { LabelExpression, LabelSelector, WorkloadMatch } from './type.ts'

/** A container as policies see it, as far as it is known. */
export interface WorkloadSubject {
  /** '' outside Kubernetes. */
  readonly namespace: string
  readonly labels: Readonly<Record<string, string>>
  /** Undefined: not known (yet). */
  readonly pod: string | undefined
  readonly container: string | undefined
  readonly image: string | undefined
}

/** Pseudo label of every pod, with and without the source that Cilium writes before it. */
const NAMESPACE_LABELS = ['k8s:io.kubernetes.pod.namespace', 'io.kubernetes.pod.namespace']

/**
 * Processes of the host: of a policy without selectors, and of one that names the host or a unit. `unit` is the innermost unit of
 * systemd around them that any policy names, undefined for all others.
 */
export function matchesHost(
  { podSelector, containerSelector, hostSelector }: WorkloadMatch,
  namespace: string,
  unit?: string,
): boolean {
  if (namespace !== '') return false
  if (hostSelector !== null) return matchesLabels(hostSelector, unit === undefined ? {} : { unit })
  return podSelector === null && containerSelector === null
}

/**
 * A container. One that a selector asks about and nobody can tell of yet does not match: it does as soon as it is known.
 * `namespace` is that of a TracingPolicyNamespaced, '' for others.
 */
export function matchesContainer(match: WorkloadMatch, namespace: string, subject: WorkloadSubject): boolean {
  const { podSelector, containerSelector, hostSelector } = match
  if (namespace !== '' && subject.namespace !== namespace) return false
  if (podSelector === null && containerSelector === null) return hostSelector === null
  if (podSelector !== null && !matchesPod(podSelector, subject)) return false
  return containerSelector === null || matchesLabels(containerSelector, containerLabels(subject))
}

/** Units that a hostSelector names. */
export function unitsOf({ hostSelector }: WorkloadMatch): string[] {
  if (hostSelector === null) return []
  return [...Object.values(hostSelector.matchLabels), ...hostSelector.matchExpressions.flatMap(({ values }) => values)]
}

/** `{}` selects every container, in a pod or not; labels are of pods only. */
function matchesPod(selector: LabelSelector, subject: WorkloadSubject): boolean {
  if (isEmpty(selector)) return true
  if (subject.pod === undefined) return false
  const pseudo = Object.fromEntries(NAMESPACE_LABELS.map((label) => [label, subject.namespace]))
  return matchesLabels(selector, { ...subject.labels, ...pseudo })
}

function containerLabels({ container, image }: WorkloadSubject): Record<string, string> {
  return {
    ...(container === undefined ? {} : { name: container }),
    ...(image === undefined ? {} : { repo: imageRepository(image) }),
  }
}

/** `docker.io/library/nginx` of `nginx:1`, `registry:5000/a/b` of `registry:5000/a/b:1@sha256:...`. */
export function imageRepository(image: string): string {
  const without_digest = image.split('@', 1)[0]!
  const slash = without_digest.lastIndexOf('/')
  const colon = without_digest.indexOf(':', slash + 1)
  const name = colon === -1 ? without_digest : without_digest.slice(0, colon)
  const [first = '', ...rest] = name.split('/')
  const has_registry = rest.length > 0 && (first.includes('.') || first.includes(':') || first === 'localhost')
  if (has_registry) return name
  return rest.length > 0 ? `docker.io/${name}` : `docker.io/library/${name}`
}

export function matchesLabels(selector: LabelSelector, labels: Readonly<Record<string, string>>): boolean {
  const { matchLabels, matchExpressions } = selector
  return Object.entries(matchLabels).every(([key, value]) => Object.hasOwn(labels, key) && labels[key] === value) &&
    matchExpressions.every((expression) => matchesExpression(expression, labels))
}

/** As Kubernetes has it: NotIn is true where there is no such label. */
function matchesExpression(
  { key, operator, values }: LabelExpression,
  labels: Readonly<Record<string, string>>,
): boolean {
  const value = Object.hasOwn(labels, key) ? labels[key] : undefined
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value)
    case 'NotIn':
      return value === undefined || !values.includes(value)
    case 'Exists':
      return value !== undefined
    case 'DoesNotExist':
      return value === undefined
  }
}

function isEmpty({ matchLabels, matchExpressions }: LabelSelector): boolean {
  return Object.keys(matchLabels).length === 0 && matchExpressions.length === 0
}
