// Formats of classic tracepoints, as tracefs shows them.

export interface TracepointFormatField {
  readonly name: string
  readonly type: string
  readonly offset: number
  readonly size: number
  readonly signed: boolean
}

/** Fields in order, common ones first; an array's length is part of its type: `unsigned long[6]`. */
export function parseTracepointFormat(text: string): TracepointFormatField[] {
  const fields: TracepointFormatField[] = []
  for (const match of text.matchAll(/^\s*field:([^;]+);\s*offset:(\d+);\s*size:(\d+);\s*signed:([01]);/gm)) {
    const declared = /^(.*?)\s*(\w+)((?:\[[^\]]*\])?)$/s.exec(match[1]!.trim())
    if (declared === null) continue
    fields.push({
      name: declared[2]!,
      type: declared[1]! + declared[3]!,
      offset: Number(match[2]),
      size: Number(match[3]),
      signed: match[4] === '1',
    })
  }
  return fields
}
