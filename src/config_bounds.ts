// Maxima that are not flags.

/** Each with its unit and why that number. */
export const BOUNDS = {
  /** Records per turn of the event loop: about 4 ms at 2 us each, so that HTTP answers while a flood is drained. */
  drain_records_max: 2048,
  /** Bytes gathered before they are written at once: four default pipes; larger writes measured no faster. */
  stdout_chunk_bytes: 256 << 10,
  /** Period of comparing programs, links and maps with what was loaded, in ms: some milliseconds of work each time. */
  integrity_period_ms: 60_000,
  /** How long flushing may take at exit, in ms, when the reader of stdout has stopped. */
  exit_flush_ms: 2000,
  /** How long the self-test waits for its own exec event, in ms: a guest under emulation needs about 300. */
  self_test_ms: 5000,
  /** Period of reading the kernel's counters, in ms; a loss is reported at most this much after it happened. */
  counters_period_ms: 1000,
  /** Events kept for replay by `since` and Last-Event-ID, and their bytes, whichever is met first. */
  history_events_max: 4096,
  history_bytes_max: 4 << 20,
  /** Subscribers of /v1/events at once: each may hold its own queue. */
  subscribers_max: 64,
  /** Bytes that wait for one subscriber, whatever their number of events. */
  subscriber_bytes_max: 8 << 20,
  /** How long subscribers may take what waits for them when the agent stops, in ms; below exit_flush_ms. */
  subscriber_flush_ms: 500,
  /** Silence after which a subscriber gets a heartbeat, in ms; below the 30 s of usual proxies. */
  heartbeat_ms: 15_000,
  /** Answers of the Kubernetes API, and how long the start waits for the first list of pods, in ms. */
  kube: { request_timeout_ms: 10_000, start_ms: 3000 },
  /** How long a container runtime may take to answer, in ms, if events wait no longer than that. */
  runtime_timeout_ms: 2000,
  /** Bytes of a request body: a policy with thousands of values stays below. */
  request_bytes_max: 4 << 20,
  /** Longest config or policy file, in bytes. */
  file_bytes_max: 16 << 20,
} as const

/** Of sinks over the network: what one request holds, what may wait, how long it is tried. */
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

/**
 * Of NATS: what is not acknowledged waits as long as the spool has room, so that nothing is lost within that bound, and a broker
 * that is back is found within seconds.
 */
export const NATS_BOUNDS = { ...BATCH_BOUNDS, linger_ms: 200, pause_ms_max: 5000, attempts_max: Infinity } as const

/** For one answer of a server, in ms. */
export const REQUEST_TIMEOUT_MS = 10_000
