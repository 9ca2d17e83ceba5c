// A policy file's text: YAML documents as plain values, and the way back from a path to line and column.
import {
  type Document,
  isMap,
  isNode,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseAllDocuments,
  Scalar,
  type ScalarTag,
  visit,
  type YAMLMap,
} from 'yaml'
import type { LocatedMistake, Mistake, Path } from './error.ts'

/** A list of 100,000 values of 40 characters is 4 MB; more is taken for a mistake. */
export const SOURCE_BYTES_MAX = 16 * 1024 * 1024
/** Documents in one file. */
export const DOCUMENTS_MAX = 1000
/** Nodes that aliases may stand for in all, so that a few nested anchors cannot become billions of values. */
const ALIAS_COUNT_MAX = 1000
/** Nesting of a policy is below 20; deeper documents would exhaust the stack of recursive readers. */
const DEPTH_MAX = 100

/** As Kubernetes reads numbers (YAML 1.1): 012 is ten. */
const OCTAL: ScalarTag = {
  tag: 'tag:yaml.org,2002:int',
  default: true,
  test: /^[-+]?0[0-7]+$/,
  resolve: (text) => parseInt(text, 8),
}

export interface PolicyDocument {
  /** Plain objects, arrays and scalars; null where the text is not YAML. */
  readonly value: unknown
  locate(mistake: Mistake): LocatedMistake
  /** Whether the value there is written in quotes or as a block. */
  quoted(path: Path): boolean
}

export interface PolicySource {
  readonly file: string
  readonly documents: readonly PolicyDocument[]
  /** Of the YAML itself; documents with errors are left out. */
  readonly errors: readonly LocatedMistake[]
}

/** Never throws: what is wrong stands in `errors`. Empty documents (comments between two `---`) are skipped. */
export function readSource(file: string, text: string): PolicySource {
  const lines = new LineCounter()
  const at = (offset: number, message: string): LocatedMistake => {
    const { line, col } = lines.linePos(Math.min(offset, text.length))
    return { file, line: Math.max(line, 1), column: Math.max(col, 1), message, caret: caret(text, line, col) }
  }
  const refuse = (message: string): PolicySource => ({
    file,
    documents: [],
    errors: [{ file, line: 1, column: 1, message, caret: '' }],
  })
  if (text.length > SOURCE_BYTES_MAX) {
    return refuse(`Cannot read policy: ${text.length} characters, at most ${SOURCE_BYTES_MAX}`)
  }
  let parsed: ReturnType<typeof parseAllDocuments>
  const tooDeep = deepLine(text)
  if (tooDeep > 0) return refuse(`Cannot parse YAML: nested more than ${DEPTH_MAX} levels deep on line ${tooDeep}`)
  try {
    parsed = parseAllDocuments(text, {
      lineCounter: lines,
      merge: true,
      prettyErrors: false,
      strict: true,
      uniqueKeys: false,
      logLevel: 'silent',
      stringKeys: true,
      customTags: (tags) => [OCTAL, ...tags],
    })
  } catch (error) {
    return refuse(`Cannot parse YAML: ${error instanceof Error ? error.message : error}`)
  }
  if (!Array.isArray(parsed)) return refuse('No policy in this file: it is empty')
  if (parsed.length > DOCUMENTS_MAX) return refuse(`${parsed.length} documents in this file, at most ${DOCUMENTS_MAX}`)
  const documents: PolicyDocument[] = []
  const errors: LocatedMistake[] = []
  for (const document of parsed) {
    const before = errors.length
    for (const error of document.errors) errors.push(at(error.pos[0], `Cannot parse YAML: ${firstLine(error.message)}`))
    duplicateKeys(document.contents, (offset, key) => errors.push(at(offset, `Duplicate key ${JSON.stringify(key)}`)))
    const targets = aliasTargets(
      document as Document,
      (offset, name) => errors.push(at(offset, `Unknown alias "*${name}": no anchor of that name stands before it`)),
    )
    if (errors.length > before) continue
    if (document.contents === null || (isScalar(document.contents) && document.contents.value === null)) continue
    let value: unknown
    try {
      value = document.toJS({ maxAliasCount: ALIAS_COUNT_MAX })
    } catch (error) {
      errors.push(
        at(
          document.range?.[0] ?? 0,
          `Cannot expand YAML: ${firstLine(error instanceof Error ? error.message : error)}`,
        ),
      )
      continue
    }
    if (isCyclic(value, new Set())) {
      errors.push(at(document.range?.[0] ?? 0, 'Cannot expand YAML: an alias stands inside of what it is an alias for'))
      continue
    }
    documents.push({
      value,
      locate: (mistake) => at(offsetOf(document as Document, targets, mistake).offset, mistake.message),
      quoted: (path) => {
        const { node } = offsetOf(document as Document, targets, { path })
        return isScalar(node) && node.type !== Scalar.PLAIN
      },
    })
  }
  if (documents.length === 0 && errors.length === 0) return refuse('No policy in this file: it is empty')
  return { file, documents, errors }
}

/** The node at the path, and its offset; else the offset of its deepest ancestor that is there. */
function offsetOf(
  document: Document,
  targets: ReadonlyMap<unknown, Node>,
  { path, key }: Pick<Mistake, 'path' | 'key'>,
): { readonly node?: unknown; readonly offset: number } {
  let node: unknown = document.contents
  let offset = document.range?.[0] ?? 0
  if (isNode(node) && node.range != null) offset = node.range[0]
  for (let depth = 0; depth < path.length; depth++) {
    node = targets.get(node) ?? node
    const step = path[depth]!
    if (isMap(node)) {
      const pair = pairOf(targets, node, String(step))
      if (pair === undefined || !isPair(pair)) return { offset }
      const at_key = (key === true && depth === path.length - 1) || !isNode(pair.value) || pair.value.range == null
      const at = at_key ? pair.key : pair.value
      if (isNode(at) && at.range != null) offset = at.range[0]
      node = pair.value
    } else if (isSeq(node)) {
      node = node.items[Number(step)]
      if (!isNode(node)) return { offset }
      if (node.range != null) offset = node.range[0]
    } else return { offset }
  }
  return { node: targets.get(node) ?? node, offset }
}

/** The pair with that key, also one that `<<` brings from elsewhere. `seen`: maps that were looked into already. */
function pairOf(
  targets: ReadonlyMap<unknown, Node>,
  map: YAMLMap,
  key: string,
  seen: Set<YAMLMap> = new Set(),
): Pair | undefined {
  seen.add(map)
  const keyed = (name: string) => map.items.filter((item) => isScalar(item.key) && item.key.value === name)
  const [own] = keyed(key)
  if (own !== undefined) return own
  for (const { value } of keyed('<<')) {
    for (const source of isSeq(value) ? value.items : [value]) {
      const merged = targets.get(source) ?? source
      const found = isMap(merged) && !seen.has(merged) ? pairOf(targets, merged, key, seen) : undefined
      if (found !== undefined) return found
    }
  }
  return undefined
}

function isCyclic(value: unknown, above: Set<unknown>): boolean {
  if (typeof value !== 'object' || value === null) return false
  if (above.has(value)) return true
  above.add(value)
  const found = Object.values(value).some((each) => isCyclic(each, above))
  above.delete(value)
  return found
}

function duplicateKeys(node: unknown, found: (offset: number, key: string) => void): void {
  if (isSeq(node)) { for (const item of node.items) duplicateKeys(item, found) }
  else if (isMap(node)) {
    const seen = new Set<string>()
    for (const { key, value } of node.items) {
      if (isScalar(key)) {
        const text = String(key.value)
        if (seen.has(text) && text !== '<<') found(key.range?.[0] ?? 0, text)
        seen.add(text)
      }
      duplicateKeys(value, found)
    }
  }
}

/** What aliases stand for. In one walk: Alias.resolve() goes through the whole document for each. */
function aliasTargets(document: Document, unknown: (offset: number, name: string) => void): ReadonlyMap<unknown, Node> {
  const anchors = new Map<string, Node>()
  const targets = new Map<unknown, Node>()
  visit(document, {
    Alias(_, alias) {
      const target = anchors.get(alias.source)
      if (target === undefined) unknown(alias.range?.[0] ?? 0, alias.source)
      else targets.set(alias, target)
    },
    Value(_, node) {
      if (node.anchor !== undefined) anchors.set(node.anchor, node)
    },
  })
  return targets
}

/** The line where brackets or indentation nest too deep, 0 if none does: checked before anything recurses. */
function deepLine(text: string): number {
  let line = 1
  let brackets = 0
  let dashes = 0
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i)
    if (c === 10) {
      line++
      dashes = 0
    } else if (c === 91 || c === 123) brackets++
    else if ((c === 93 || c === 125) && brackets > 0) brackets--
    else if ((c === 45 || c === 63 || c === 58) && (text.charCodeAt(i + 1) === 32 || text.charCodeAt(i + 1) === 9)) {
      dashes++
    }
    if (brackets > DEPTH_MAX || dashes > DEPTH_MAX) return line
  }
  return indentDepth(text)
}

/** Block collections nest by indentation: the number of growing indentations that are open at once. */
function indentDepth(text: string): number {
  const open: number[] = []
  let line = 0
  for (const match of text.matchAll(/^( *)([^\s#]?)/gm)) {
    line++
    if (match[2] === '') continue
    const indent = match[1]!.length
    while (open.length > 0 && open.at(-1)! >= indent) open.pop()
    open.push(indent)
    if (open.length > DEPTH_MAX) return line
  }
  return 0
}

function caret(text: string, line: number, column: number): string {
  const content = text.split('\n', line)[line - 1]
  if (content === undefined || content.trim() === '') return ''
  const number = String(line).padStart(4)
  // The window keeps the caret in sight on lines longer than a terminal is wide.
  const from = column > 100 ? column - 60 : 0
  const shown = content.slice(from, from + 120).replace(/\p{Cc}/gu, ' ')
  return `${number} | ${shown}\n     | ${' '.repeat(Math.max(column - 1 - from, 0))}^`
}

function firstLine(text: unknown): string {
  return String(text).split('\n', 1)[0]!.replace(/:$/, '')
}
