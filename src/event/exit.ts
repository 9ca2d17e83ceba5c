/** What task_struct::exit_code says: a status, or a signal. */

/** Names by number, as Go's unix.SignalName has them for Linux (and so Tetragon): none from 32 on. */
const SIGNALS: readonly string[] = [
  '',
  'SIGHUP',
  'SIGINT',
  'SIGQUIT',
  'SIGILL',
  'SIGTRAP',
  'SIGABRT',
  'SIGBUS',
  'SIGFPE',
  'SIGKILL',
  'SIGUSR1',
  'SIGSEGV',
  'SIGUSR2',
  'SIGPIPE',
  'SIGALRM',
  'SIGTERM',
  'SIGSTKFLT',
  'SIGCHLD',
  'SIGCONT',
  'SIGSTOP',
  'SIGTSTP',
  'SIGTTIN',
  'SIGTTOU',
  'SIGURG',
  'SIGXCPU',
  'SIGXFSZ',
  'SIGVTALRM',
  'SIGPROF',
  'SIGWINCH',
  'SIGIO',
  'SIGPWR',
  'SIGSYS',
]

/** Name of the signal that ended the process, '' where none did or it has no name. The core bit does not matter. */
export function signalName(code: number): string {
  return SIGNALS[code & 0x7f] ?? ''
}

/** What the process gave to exit(2), 0 to 255. */
export function exitStatus(code: number): number {
  return (code >>> 8) & 0xff
}

/** `,"signal":…,"status":…` of process_exit, each where there is one. */
export function exitMembers(code: number): string {
  const signal = signalName(code)
  const status = exitStatus(code)
  const how = signal === '' ? '' : `,"signal":"${signal}"`
  return status === 0 ? how : how + ',"status":' + status
}

/** What Tetragon does not tell, for `thump`: real-time signals, which have no name there, and core dumps. */
export function exitExtra(code: number): string {
  const dumped = (code & 0x80) === 0 ? '' : ',"core_dumped":true'
  return (code & 0x7f) === 0 || signalName(code) !== '' ? dumped : dumped + ',"signal":' + (code & 0x7f)
}
