// A terminal for tests of commands: what is written is kept.

import type { Terminal } from '../../src/cli/command.ts'

export interface FakeTerminal extends Terminal {
  out: string
  err: string
}

export function fakeTerminal(stdin = '', env: Record<string, string> = {}): FakeTerminal {
  return {
    out: '',
    err: '',
    env,
    color: false,
    stdin: new Response(stdin).body ?? new ReadableStream({ start: (controller) => controller.close() }),
    stdin_is_terminal: false,
    async write(text) {
      this.out += text
    },
    error(text) {
      this.err += text
    },
  }
}
