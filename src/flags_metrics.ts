// Flags of /metrics.

import type { Flag } from './flags.ts'

export const METRICS_FLAGS = [
  {
    name: 'metrics-prefix',
    type: 'text',
    fallback: 'thump',
    form: 'NAME',
    help: 'beginning of the names on /metrics; "tetragon" lets its dashboards read them',
  },
  {
    name: 'enable-event-metrics',
    type: 'boolean',
    fallback: 'true',
    form: 'true|false',
    help: 'count events by binary, pod and policy, at most 2000 series of each family',
  },
  {
    name: 'metrics-label-filter',
    type: 'list',
    fallback: 'namespace,workload,pod,binary',
    form: 'LABEL,...',
    choices: ['namespace', 'workload', 'pod', 'binary'],
    help: 'labels of these metrics that are filled',
  },
] as const satisfies readonly Flag[]
