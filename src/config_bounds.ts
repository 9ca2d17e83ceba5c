// Bounds of sinks over the network: what one request holds, what may wait, how long it is tried.

export const BATCH_BOUNDS = {
  /** Lines and characters of one request. */
  batch_lines_max: 1000,
  batch_characters_max: 1 << 20,
  /** How long a line waits for company, in ms. */
  linger_ms: 1000,
  /** Characters that wait while the server is away. */
  spool_characters_max: 32 << 20,
  /** Pauses between attempts, in ms; with 25 attempts about ten minutes in all. */
  pause_ms_min: 500,
  pause_ms_max: 30_000,
  attempts_max: 25,
  /** Below exit_flush_ms of BOUNDS, so that what is left is counted before the agent ends. */
  flush_ms_max: 1500,
} as const

/** For one answer of a server, in ms. */
export const REQUEST_TIMEOUT_MS = 10_000
