// As much of JSON Schema as the OpenAPI document uses, for tests that compare answers with it.

type Schema = Readonly<Record<string, unknown>>

/** What of `value` does not fit `schema`, one sentence each; references are looked up in `schemas`. */
export function mismatches(
  schema: Schema,
  value: unknown,
  schemas: Readonly<Record<string, Schema>>,
  at = '$',
): string[] {
  const reference = schema['$ref']
  if (typeof reference === 'string') {
    const target = schemas[reference.replace('#/components/schemas/', '')]
    return target === undefined ? [`${at}: ${reference} is missing`] : mismatches(target, value, schemas, at)
  }
  if (Array.isArray(schema['oneOf'])) {
    const each = schema['oneOf'].map((one: Schema) => mismatches(one, value, schemas, at))
    return each.some((found) => found.length === 0) ? [] : each.flat()
  }
  const found: string[] = []
  if (typeof schema['type'] === 'string' && !isOf(schema['type'], value)) return [`${at}: is no ${schema['type']}`]
  if (Array.isArray(schema['enum']) && !schema['enum'].includes(value)) found.push(`${at}: is not one of the enum`)
  if ('const' in schema && schema['const'] !== value) found.push(`${at}: is not ${String(schema['const'])}`)
  if (Array.isArray(value) && typeof schema['items'] === 'object') {
    value.forEach((item, i) => found.push(...mismatches(schema['items'] as Schema, item, schemas, `${at}[${i}]`)))
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    const properties = (schema['properties'] ?? {}) as Readonly<Record<string, Schema>>
    for (const name of (schema['required'] ?? []) as string[]) {
      if (!(name in value)) found.push(`${at}.${name}: missing`)
    }
    for (const [name, member] of Object.entries(value)) {
      const known = properties[name] ??
        (typeof schema['additionalProperties'] === 'object' ? schema['additionalProperties'] as Schema : undefined)
      if (known !== undefined) found.push(...mismatches(known, member, schemas, `${at}.${name}`))
      else if (Object.keys(properties).length > 0 && schema['additionalProperties'] !== true) {
        found.push(`${at}.${name}: is not described`)
      }
    }
  }
  return found
}

function isOf(type: string, value: unknown): boolean {
  if (type === 'array') return Array.isArray(value)
  if (type === 'null') return value === null
  if (type === 'integer') return Number.isInteger(value)
  if (type === 'object') return typeof value === 'object' && value !== null && !Array.isArray(value)
  return type === 'string' ? typeof value === 'string' : typeof value === 'boolean'
}
