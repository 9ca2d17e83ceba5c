// The agent's entry. Before anything is imported that costs time, the runtime is told how much memory to reckon with.

/**
 * What the runtime reads before it begins, so that the process begins again with it (same pid, some 20 ms).
 *
 * JavaScriptCore lets garbage grow in proportion to the machine's memory: on one of 24 GB the agent grew by 28 MB per 10,000
 * execs, and Bun.gc() in between stops it for 130 ms and more. With a bound it stays at its live heap and a bit. And freed
 * memory goes back at once: kept for a while it was up to 9 MB after a storm.
 */
const HINTS: Readonly<Record<string, string>> = {
  BUN_JSC_forceRAMSize: String(64 << 20),
  MIMALLOC_PURGE_DELAY: '0',
}

const missing = Object.entries(HINTS).filter(([name]) => process.env[name] === undefined)
if (missing.length > 0 && typeof process.execve === 'function') {
  const env: Record<string, string> = Object.fromEntries(missing)
  for (const [name, value] of Object.entries(process.env)) if (value !== undefined) env[name] = value
  process.execve(process.execPath, [process.execPath, ...process.execArgv, ...process.argv.slice(1)], env)
}

const { run } = await import('./main/run.ts')
process.exit(await run())

export {}
