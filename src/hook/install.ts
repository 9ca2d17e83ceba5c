// Where runtimes look for hooks, and what stands there. Pure: text in, text out.
import { isRecord } from './message.ts'
import type { HookOptions } from './run.ts'

/** Read by Podman and CRI-O unless they are told otherwise. */
export const HOOKS_DIRECTORY = '/usr/share/containers/oci/hooks.d'
/** Runtimes run hooks in the order of these names. */
export const HOOK_FILE = 'thump.json'
/** Seconds after which a runtime ends a hook and refuses the container: far beyond the hook's own bound. */
const RUNTIME_TIMEOUT_SECONDS = 30

export interface Program {
  /** Path of Bun and of run.ts, as the runtime sees them. */
  readonly bun: string
  readonly script: string
}

/** A hook as `hooks.createRuntime` of config.json has it. */
export interface Hook {
  readonly path: string
  readonly args: readonly string[]
  readonly timeout: number
}

/**
 * Where a container may start without, a shell stands between: also a hook whose program is gone must not keep every container
 * of the machine from starting.
 */
export function hookOf({ bun, script }: Program, { socket, timeout_ms, on_failure, log, except }: HookOptions): Hook {
  const command = [bun, '--no-env-file', script, socket, String(timeout_ms), on_failure, log, except.join(',')]
  const timeout = RUNTIME_TIMEOUT_SECONDS
  if (on_failure === 'refuse') return { path: bun, args: command, timeout }
  return { path: '/bin/sh', args: ['sh', '-c', '"$@" || exit 0', 'thump-oci-hook', ...command], timeout }
}

/** A file of hooks.d (containers/common, oci-hooks(5)). */
export function hooksFile(hook: Hook): string {
  const content = { version: '1.0.0', hook, when: { always: true }, stages: ['createRuntime'] }
  return `${JSON.stringify(content, null, 2)}\n`
}

/** An OCI config.json, of a bundle or of containerd's base_runtime_spec, with the hook in it; null: without. Throws Error for what is none. */
export function withHook(specification: string, hook: Hook | null): string {
  const content: unknown = JSON.parse(specification)
  if (!isRecord(content) || typeof content['ociVersion'] !== 'string') {
    throw new Error('Cannot put a hook into it: it is no OCI config.json ("ociVersion" is missing)')
  }
  const hooks = isRecord(content['hooks']) ? content['hooks'] : {}
  const others = Array.isArray(hooks['createRuntime']) ? hooks['createRuntime'].filter((each) => !isOurs(each)) : []
  const { createRuntime: _, ...stages } = hooks
  const list: unknown[] = hook === null ? others : [...others, hook]
  const rest = list.length === 0 ? stages : { ...stages, createRuntime: list }
  const { hooks: _hooks, ...without } = content
  const result = Object.keys(rest).length === 0 ? without : { ...without, hooks: rest }
  return `${JSON.stringify(result, null, 2)}\n`
}

function isOurs(hook: unknown): boolean {
  if (!isRecord(hook) || !Array.isArray(hook['args'])) return false
  return hook['args'].some((arg) => typeof arg === 'string' && /\/hook\/run\.[tj]s$/.test(arg))
}

/** What to do by hand for runtimes that have no directory of hooks. */
export function manual(hook: Hook, specification: string): string {
  return `containerd has no directory of hooks. Give it a base specification with the hook in it:

  ctr oci spec > ${specification}
  thump oci-hook install --config ${specification}

and name that in its configuration, for each runtime that is used, then restart it:

  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    base_runtime_spec = "${specification}"

runc and crun by hand: "hooks" of the bundle's config.json, as "thump oci-hook install --config FILE" puts it there:

  {"createRuntime": [${JSON.stringify(hook)}]}
`
}
