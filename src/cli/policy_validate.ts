// `thump policy validate FILE...`: every mistake of policy files, without an agent and without privileges.
import { readFileSync } from 'node:fs'
import { parsePolicies } from '../policy/parse.ts'
import { type LocatedMistake, mistakeText } from '../policy/error.ts'
import type { Terminal } from './command.ts'

/** `json`: one list of all mistakes on stdout. Gives 1 if one file has errors. */
export async function validatePolicies(files: readonly string[], json: boolean, terminal: Terminal): Promise<number> {
  const errors: LocatedMistake[] = []
  const lines: string[] = []
  let stdin: string | undefined
  for (const file of files) {
    const text = file === '-' ? stdin ??= await new Response(terminal.stdin).text() : readPolicyFile(file)
    const result = parsePolicies(file, text)
    errors.push(...result.errors)
    if (json) continue
    for (const error of result.errors) terminal.error(`${mistakeText(error)}\n`)
    for (const warning of result.warnings) terminal.error(`warning: ${mistakeText(warning)}\n`)
    if (result.errors.length > 0) {
      lines.push(`${file}: ${result.errors.length} ${result.errors.length === 1 ? 'error' : 'errors'}\n`)
    } else lines.push(...result.policies.map(({ policy }) => `${file}: ${policy.kind} "${policy.name}" is valid\n`))
  }
  await terminal.write(json ? JSON.stringify(errors) + '\n' : lines.join(''))
  return errors.length > 0 ? 1 : 0
}

export function readPolicyFile(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    throw new Error(`Cannot read "${file}": ${cause instanceof Error ? cause.message : cause}`, { cause })
  }
}
