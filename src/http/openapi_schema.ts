// Shapes of what the routes take and give, as JSON Schema 2020-12 (OpenAPI 3.1).

const TEXT = { type: 'string' }
const COUNT = { type: 'integer', minimum: 0 }
const COUNTS = { type: 'object', additionalProperties: COUNT, description: 'Counts by reason' }

function list(items: object, description = '') {
  return description === '' ? { type: 'array', items } : { type: 'array', items, description }
}

function object(properties: Record<string, object>, optional: readonly string[] = []) {
  return { type: 'object', required: Object.keys(properties).filter((name) => !optional.includes(name)), properties }
}

export function reference(name: keyof typeof SCHEMAS) {
  return { $ref: `#/components/schemas/${name}` }
}

/** What a policy's state tells besides these members may grow: clients ignore what they do not know. */
const POLICY_STATE = {
  ...object({
    name: TEXT,
    namespace: { type: 'string', description: 'Empty for a policy of the whole machine' },
    state: { type: 'string', description: 'enabled, disabled, loading, load_error, ...' },
    mode: { type: 'string', enum: ['enforce', 'monitor'] },
    hooks: list({ type: 'object' }, 'Each with its attach kind and counters'),
    source: { type: 'string', description: 'File name, or http, grpc, k8s' },
    errors: list({ $ref: '#/components/schemas/Mistake' }),
  }, ['namespace', 'state', 'mode', 'hooks', 'source', 'errors']),
  additionalProperties: true,
}

const PROCESS_ENTRY = object({
  process: { type: 'object', description: 'As in events: exec_id, pid, binary, arguments, ...' },
  ended: { type: 'boolean', description: 'Kept for events that come late' },
  references: COUNT,
})

export const SCHEMAS = {
  Error: object({ error: TEXT }),
  Mistake: object({
    file: { type: 'string', description: 'http for the body of a request' },
    line: { type: 'integer', minimum: 0, description: '0: about the whole' },
    column: COUNT,
    message: TEXT,
    caret: { type: 'string', description: 'The line of the text and a caret below the column' },
  }),
  Mistakes: list({ $ref: '#/components/schemas/Mistake' }, 'Every mistake, in order of position'),
  Login: object({ token: TEXT }),
  Stopping: object({ stopping: { type: 'boolean', const: true } }),
  Alive: object({ status: { type: 'string', const: 'alive' } }),
  Readiness: object({ ready: { type: 'boolean' }, missing: list(TEXT) }),
  Version: {
    ...object({ name: TEXT, version: TEXT, bun: TEXT, boot: TEXT, kernel: TEXT }, ['name', 'bun', 'boot', 'kernel']),
    additionalProperties: true,
  },
  Loss: object({
    lost: { type: 'integer', minimum: 0, description: 'Everything that was lost before it could become an event' },
    balanced: { type: 'boolean', description: 'Whether every row adds up' },
    imbalance: list(TEXT),
    rows: list(object({
      where: TEXT,
      kind: TEXT,
      total: COUNT,
      passed: COUNT,
      waiting: COUNT,
      other: { ...COUNTS, description: 'Left out on purpose' },
      lost: COUNTS,
    })),
  }),
  Coverage: list(object({
    name: TEXT,
    state: { type: 'string', enum: ['active', 'fallback', 'absent'] },
    reason: TEXT,
  })),
  ProcessEntry: PROCESS_ENTRY,
  Processes: list({ $ref: '#/components/schemas/ProcessEntry' }, 'Oldest first'),
  ProcessDetail: object({
    ...PROCESS_ENTRY.properties,
    parent: { oneOf: [{ type: 'null' }, { $ref: '#/components/schemas/ProcessEntry' }] },
    ancestors: list({ $ref: '#/components/schemas/ProcessEntry' }),
    children: list({ $ref: '#/components/schemas/ProcessEntry' }),
  }),
  Policy: POLICY_STATE,
  Policies: list({ $ref: '#/components/schemas/Policy' }),
  Plans: list(
    { type: 'object', additionalProperties: true },
    'What would be attached, one plan per document; `text` is for people',
  ),
  PolicyPatch: {
    ...object({ mode: { type: 'string', enum: ['enforce', 'monitor'] }, enabled: { type: 'boolean' } }, [
      'mode',
      'enabled',
    ]),
    minProperties: 1,
    additionalProperties: false,
  },
} as const
