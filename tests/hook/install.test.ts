import { expect, test } from 'bun:test'
import { hookOf, hooksFile, manual, withHook } from '../../src/hook/install.ts'
import { HOOK_DEFAULTS } from '../../src/hook/run.ts'

const PROGRAM = { bun: '/usr/bin/bun', script: '/opt/thump/src/hook/run.ts' }
const OTHER = { path: '/bin/other', args: ['other'] }

test('hookOf() has a shell between that lets containers start, unless they must not', () => {
  const command = ['/usr/bin/bun', '--no-env-file', PROGRAM.script, '/run/thump/oci-hook.sock', '1000']
  const log = '/run/thump/oci-hook.log'
  expect(hookOf(PROGRAM, HOOK_DEFAULTS)).toEqual({
    path: '/bin/sh',
    args: ['sh', '-c', '"$@" || exit 0', 'thump-oci-hook', ...command, 'start', log, 'kube-system,thump'],
    timeout: 30,
  })
  expect(hookOf(PROGRAM, { ...HOOK_DEFAULTS, on_failure: 'refuse' })).toEqual({
    path: '/usr/bin/bun',
    args: [...command, 'refuse', log, 'kube-system,thump'],
    timeout: 30,
  })
})

test('hooksFile() is for every container, before it is made', () => {
  const hook = hookOf(PROGRAM, HOOK_DEFAULTS)
  expect(JSON.parse(hooksFile(hook))).toEqual({
    version: '1.0.0',
    hook,
    when: { always: true },
    stages: ['createRuntime'],
  })
})

test('withHook() puts one hook beside others, replaces its own, and takes it out again', () => {
  const hook = hookOf(PROGRAM, HOOK_DEFAULTS)
  const bare = { ociVersion: '1.0.2', process: {} }
  const once = withHook(JSON.stringify(bare), hook)
  expect(JSON.parse(once)).toEqual({ ...bare, hooks: { createRuntime: [hook] } })
  expect(withHook(once, hook)).toBe(once)
  expect(JSON.parse(withHook(once, null))).toEqual(bare)
  const hooks = { createRuntime: [OTHER], poststop: [OTHER] }
  const both = withHook(JSON.stringify({ ...bare, hooks }), hook)
  expect(JSON.parse(both)).toEqual({ ...bare, hooks: { createRuntime: [OTHER, hook], poststop: [OTHER] } })
  expect(JSON.parse(withHook(both, null))).toEqual({ ...bare, hooks })
  expect(() => withHook('{"hooks":{}}', hook)).toThrow('it is no OCI config.json ("ociVersion" is missing)')
})

test('manual() has the hook as JSON and the file that containerd is to read', () => {
  const hook = hookOf(PROGRAM, HOOK_DEFAULTS)
  const text = manual(hook, '/etc/containerd/base.json')
  expect(text).toContain('base_runtime_spec = "/etc/containerd/base.json"')
  expect(text).toContain(JSON.stringify(hook))
})
