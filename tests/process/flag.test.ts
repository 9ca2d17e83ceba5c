import { describe, expect, test } from 'bun:test'
import { EXEC_FLAG } from '../../ffi/wire.gen.ts'
import { flagText } from '../../src/process/flag.ts'

describe('flagText()', () => {
  test("has the words in Tetragon's order", () => {
    expect(flagText(EXEC_FLAG.CLONE | EXEC_FLAG.EXECVE | EXEC_FLAG.ROOT_CWD)).toBe('execve rootcwd clone')
    expect(flagText(EXEC_FLAG.PROCFS | EXEC_FLAG.IN_INIT_TREE)).toBe('procFS inInitTree')
    expect(flagText(EXEC_FLAG.EXECVE | EXEC_FLAG.TRUNC_ARGS | EXEC_FLAG.DATA_ARGS)).toBe('execve truncArgs dataArgs')
    expect(flagText(0)).toBe('')
  })
  test("never shows what is Thump's own", () => {
    expect(flagText(EXEC_FLAG.UNKNOWN_PARENT | EXEC_FLAG.TRUNC_ENVS | EXEC_FLAG.CREDENTIALS_UNKNOWN)).toBe('')
  })
})
