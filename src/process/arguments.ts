/** From the NUL-separated strings of a process to the JSON fields `arguments` and `environment_variables`. */

import { quote } from '../event/text.ts'
import type { EnvironmentVariable } from '../event/type.ts'

/**
 * Joins argv[1..] as Tetragon does: an argument with a space stands in quotes (inner quotes as they are) behind a space,
 * also when it is the first; empty arguments leave a double space, or nothing before the first that is not empty.
 *
 * `text` holds the arguments, each ended by NUL. `trim` drops empty arguments at the end: Tetragon finds the working
 * directory behind the last argument and trims NULs behind both, so they are lost exactly when there is no directory.
 */
export function joinArguments(text: string, trim: boolean): string {
  let end = text.length
  if (trim) {
    while (end > 0 && text.charCodeAt(end - 1) === 0) end--
  } else if (end > 0 && text.charCodeAt(end - 1) === 0) {
    end--
  }
  if (end === 0) return ''
  const body = end === text.length ? text : text.slice(0, end)
  if (!body.includes(' ')) return joinPlain(body)
  let joined = ''
  // Not split(): it makes an array, and what makes it look fast in a bench is its cache of equal strings.
  for (let from = 0; from <= end;) {
    let to = body.indexOf('\0', from)
    if (to === -1) to = end
    const argument = body.slice(from, to)
    if (argument.includes(' ')) joined += ' "' + argument + '"'
    else joined = joined === '' ? argument : joined + ' ' + argument
    from = to + 1
  }
  return joined
}

/** Without spaces inside, joining is replacing; leading empty arguments vanish. */
function joinPlain(body: string): string {
  let from = 0
  while (from < body.length && body.charCodeAt(from) === 0) from++
  return (from === 0 ? body : body.slice(from)).replaceAll('\0', ' ')
}

/** Environment strings, each ended by NUL. One without `=` gets the key `invalid`, as in Tetragon. */
export function splitEnvironment(text: string, names: ReadonlySet<string> | undefined): EnvironmentVariable[] {
  const variables: EnvironmentVariable[] = []
  if (text === '') return variables
  const body = text.endsWith('\0') ? text.slice(0, -1) : text
  for (const entry of body.split('\0')) {
    const equals = entry.indexOf('=')
    const variable = equals === -1
      ? { Key: 'invalid', Value: entry }
      : { Key: entry.slice(0, equals), Value: entry.slice(equals + 1) }
    if (names === undefined || names.has(variable.Key)) variables.push(variable)
  }
  return variables
}

/** JSON array for `environment_variables`; empty keys and values are absent, as default values are. */
export function environmentJson(variables: readonly EnvironmentVariable[]): string {
  let json = ''
  for (const { Key, Value } of variables) {
    json += ',{'
    if (Key !== '') json += '"Key":' + quote(Key)
    if (Value !== '') json += (Key === '' ? '"Value":' : ',"Value":') + quote(Value)
    json += '}'
  }
  return '[' + json.slice(1) + ']'
}
