// One way around a policy, and what is expected of it. The cases stand in file.ts, exec.ts, connect.ts and process.ts.

export const KERNELS = ['5.10', '6.1', '6.12', '7.2'] as const
export type Kernel = typeof KERNELS[number]

/**
 * prevented: it did not happen, and an event says so. detected: it happened, and an event tells of it.
 * gap: it happened, and nothing of the shipped policies tells. absent: this kernel cannot do it, policy or not.
 * silent: it did not happen and nothing tells why, which is never expected.
 */
export type Verdict = 'prevented' | 'detected' | 'gap' | 'absent' | 'silent'

export type Goal = 'file' | 'exec' | 'connect'

/** The policy that forbids it. */
export const POLICY: Readonly<Record<Goal, string>> = {
  file: 'protect-etc',
  exec: 'protect-exec',
  connect: 'protect-egress',
}

/** Where one case has its files, in one of two rounds: policies in monitor mode, then in enforce mode. */
export interface Place {
  /** Below /etc, with `file` in it. */
  readonly directory: string
  readonly file: string
  /** Of the same file system, and nobody's concern. */
  readonly scratch: string
  /** Below /tmp, with a program that makes `mark`. */
  readonly tmp: string
  readonly program: string
  readonly mark: string
  /** Where no policy allows to connect to, though somebody listens there. */
  readonly outside: string
  readonly inside: string
  readonly port: string
}

export interface Case {
  readonly id: string
  /** Numbers of classes, as in "B7". */
  readonly classes: string
  readonly goal: Goal
  /** In the table, after "how". */
  readonly what: string
  /** A command, or an order to the process that is older than the agent. */
  readonly run: ((place: Place) => readonly string[]) | { readonly held: string }
  /** Done before, while the policies only monitor. */
  readonly setup?: (place: Place) => void
  /** Whether it happened: what is expected to change by the goal, or the command's status (`status`). */
  readonly effect?: 'status'
  readonly expect: Verdict
  /** Kernels where it is different. */
  readonly but?: Readonly<Partial<Record<Kernel, Verdict>>>
  /** Policies that tell of what is detected; `exec` is the event of each exec. */
  readonly tells?: readonly string[]
  /** Why it is not prevented. */
  readonly why?: string
  /** The policy is replaced several times meanwhile; the program ends when there is a file `stop` in `scratch`. */
  readonly reload?: boolean
}

export const PROGRAMS = 'build/program'

/** Programs that policies exempt are not in a guest: a copy of ours stands there. */
export const EXEMPT = '/usr/bin/dnf'

export function sh(script: string): readonly string[] {
  return ['sh', '-c', script]
}

export function expected(each: Case, kernel: Kernel): Verdict {
  return each.but?.[kernel] ?? each.expect
}
