import { describe, expect, test } from 'bun:test'
import { dockerId } from '../../src/process/container.ts'

describe('dockerId()', () => {
  const id = '0123456789abcdef'.repeat(4)
  const cut = id.slice(0, 31)
  const cases: [string, string][] = [
    [`/system.slice/docker-${id}.scope`, cut],
    [`docker-${id}.scope`, cut],
    [`/docker/${id}`, cut],
    [`/kubepods.slice/kubepods-pod1.slice/cri-containerd-${id}.scope`, cut],
    [`/kubepods/besteffort/pod1/crio-${id}`, cut],
    [`kubepods-besteffort-pod123.slice:cri-containerd:${id}`, cut],
    [`/machine.slice/libpod-${id}.scope/container`, cut],
    [`/docker/x/y/syscont-cgroup-root/init.scope/${'a'.repeat(64)}`, ''],
    [`/a/b/c/${id}/syscont-cgroup-root/init.scope`, cut],
    ['/user.slice/user-1000.slice/session-1.scope', ''],
    ['/', ''],
    ['', ''],
    [`/system.slice/${'x'.repeat(70)}.service`, ''],
    [`/system.slice/docker-${id}.scope/inner`, cut],
    [`/machine.slice/libpod-conmon-${id}.scope`, ''],
    [`kubepods-${'b'.repeat(80)}-${id.slice(0, 40)}`, cut],
  ]
  for (const [cgroup, expected] of cases) {
    test(`of ${cgroup.slice(0, 70)} is ${expected || 'none'}`, () => expect(dockerId(cgroup)).toBe(expected))
  }
})
