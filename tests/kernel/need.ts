/** Kernel tests that need something a kernel may not have: they are skipped there, and the report says for want of what. */
import { test } from 'bun:test'

/** Registers a test; `missing` names the kernel fact that is not there ("no kprobe: CONFIG_KPROBES is not set"), undefined if all is. */
export function testWhere(
  missing: string | undefined,
  name: string,
  body: () => void | Promise<void>,
  timeout_ms?: number,
): void {
  // scripts/suite.ts reads the reason back from the name.
  test.skipIf(missing !== undefined)(missing === undefined ? name : `${name} (skipped: ${missing})`, body, timeout_ms)
}
