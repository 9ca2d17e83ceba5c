import { expect, test } from 'bun:test'
import fs from 'node:fs'
import { HOOK_EVENT_FLAG, HOOK_EVENT_SIZE, HOOK_VALUE_SIZE } from '../../ffi/wire.gen.ts'
import { ACTION_KIND, ARGUMENT_TYPE, encodeHookEvent } from '../../ffi/wire.gen.ts'
import { hookBody } from '../../src/event/hook.ts'
import { kernelDevice, PROTECT_ARGUMENTS, PROTECT_FUNCTIONS, protectShow } from '../../src/sensor/protection.ts'

const header = fs.readFileSync(`${import.meta.dirname}/../../bpf/protect.h`, 'utf8')

/** Names of an enum without their common beginning, in order. */
function names(prefix: string): string[] {
  return [...header.matchAll(new RegExp(`^\\t${prefix}(\\w+),`, 'gm'))].map((match) => match[1]!.toLowerCase())
}

test('PROTECT_FUNCTIONS and PROTECT_ARGUMENTS stand in the order of bpf/protect.h', () => {
  expect(names('PROTECT_FUNCTION_')).toEqual([...PROTECT_FUNCTIONS])
  expect(names('PROTECT_ARGUMENT_')).toEqual([...PROTECT_ARGUMENTS])
})

test('kernelDevice() has 20 bits of minor number below the major one', () => {
  expect(kernelDevice(0)).toBe(0)
  expect(kernelDevice(29)).toBe(29)
  expect(kernelDevice(makedev(0, 300))).toBe(300)
  expect(kernelDevice(makedev(8, 1))).toBe((8 << 20) | 1)
})

/** As the kernel's new_encode_dev(), which stat shows. */
function makedev(major: number, minor: number): number {
  return (minor & 0xff) | (major << 8) | ((minor & ~0xff) << 12)
}

test('protectShow() makes a refused process_lsm event with one labelled argument', () => {
  const view = new DataView(new ArrayBuffer(HOOK_EVENT_SIZE + HOOK_VALUE_SIZE + 8))
  encodeHookEvent(view, 0, {
    header: { size: HOOK_EVENT_SIZE, type: 5, cpu: 0, ktime_ns: 1n },
    ...{ exec_id: 1, pid: 2, tid: 2, hook_id: 3, function: PROTECT_FUNCTIONS.indexOf('task_kill') },
    ...{ flags: HOOK_EVENT_FLAG.PREVENTED, selector: 0xffff, value_count: 1 },
    ...{ action: ACTION_KIND.OVERRIDE, return_action: 0, actions: 0, kernel_stack: 0, user_stack: 0, suppressed: 0 },
  })
  view.setUint8(HOOK_EVENT_SIZE, ARGUMENT_TYPE.INT32)
  view.setUint8(HOOK_EVENT_SIZE + 1, PROTECT_ARGUMENTS.indexOf('signal'))
  view.setUint32(HOOK_EVENT_SIZE + 4, 8, true)
  view.setUint32(HOOK_EVENT_SIZE + HOOK_VALUE_SIZE, 9, true)
  const stacks = { kernel: () => '', user: () => '' }
  const body = hookBody(view, 0, view.byteLength, protectShow(), () => new Uint8Array(), stacks)
  expect(body?.before).toBe(
    ',"function_name":"task_kill","policy_name":"thump-protect-agent","message":"the agent protects itself"' +
      ',"args":[{"int_arg":9,"label":"signal"}],"action":"KPROBE_ACTION_OVERRIDE"',
  )
  expect(body?.extra).toBe(',"verdict":"prevented"')
})
