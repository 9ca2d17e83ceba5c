// What the registry answers: a value, or every mistake with the status that HTTP gives it.
import type { LocatedMistake } from '../policy/error.ts'

/** As http/policy_registry.ts has it; the two are compared where the agent is put together. */
export type Answer<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly status: 404 | 409 | 422; readonly mistakes: readonly LocatedMistake[] }

export function refused(
  status: 404 | 409 | 422,
  mistakes: readonly LocatedMistake[],
): { ok: false; status: typeof status; mistakes: readonly LocatedMistake[] } {
  return { ok: false, status, mistakes }
}

/** One without a place in a text. */
export function mistake(file: string, message: string): LocatedMistake {
  return { file, line: 0, column: 0, message, caret: '' }
}

export function text(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
