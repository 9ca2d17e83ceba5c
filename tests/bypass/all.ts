// All cases, and the results that are kept of them: one file per kernel, written by tests/kernel/bypass.test.ts.
import fs from 'node:fs'
import path from 'node:path'
import type { Case, Kernel, Verdict } from './case.ts'
import { CONNECT_CASES } from './connect.ts'
import { EXEC_CASES } from './exec.ts'
import { FILE_CASES } from './file.ts'
import { PROCESS_CASES } from './process.ts'

export const CASES: readonly Case[] = [...FILE_CASES, ...EXEC_CASES, ...CONNECT_CASES, ...PROCESS_CASES]

export interface Kept {
  readonly release: string
  readonly verdicts: Readonly<Record<string, Verdict>>
}

export const RESULTS = path.join(import.meta.dirname, 'testdata')

/** Undefined: this kernel has not been tried. */
export function keptResults(kernel: Kernel): Kept | undefined {
  const file = path.join(RESULTS, `${kernel}.json`)
  return fs.existsSync(file) ? JSON.parse(fs.readFileSync(file, 'utf8')) as Kept : undefined
}
