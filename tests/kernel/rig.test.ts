import { expect, test } from 'bun:test'
import { existsSync } from 'node:fs'
import { testWhere } from './need.ts'

test('the rig runs kernel tests as root on a kernel with BTF', () => {
  expect(process.getuid?.()).toBe(0)
  expect(existsSync('/sys/kernel/btf/vmlinux')).toBe(true)
})

testWhere(existsSync('/sys/kernel/tracing/kprobe_events') ? undefined : 'no kprobe', 'the rig finds kprobes', () => {
  expect(existsSync('/sys/kernel/tracing/kprobe_events')).toBe(true)
})
