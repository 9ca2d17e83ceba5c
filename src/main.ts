// The agent's entry. Before anything is imported that costs time, the runtime is told how much memory to reckon with.

/**
 * JavaScriptCore lets garbage grow in proportion to the machine's memory: on one of 24 GB the agent grew by 28 MB per 10,000
 * execs, and Bun.gc() in between stops it for 130 ms and more. With this it stays at its live heap and a bit. It can only be
 * set before the process begins, so the process begins again (same pid, some 20 ms).
 */
const HEAP_HINT = 'BUN_JSC_forceRAMSize'
const HEAP_HINT_BYTES = 64 << 20

if (process.env[HEAP_HINT] === undefined && typeof process.execve === 'function') {
  const env: Record<string, string> = { [HEAP_HINT]: String(HEAP_HINT_BYTES) }
  for (const [name, value] of Object.entries(process.env)) if (value !== undefined) env[name] = value
  process.execve(process.execPath, [process.execPath, ...process.execArgv, ...process.argv.slice(1)], env)
}

const { run } = await import('./main/run.ts')
process.exit(await run())

export {}
