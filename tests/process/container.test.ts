import { expect, test } from 'bun:test'
import { containerName, plainContainerName } from '../../src/process/container.ts'

const ID = '0123456789abcdef'.repeat(4)
const OTHER = 'fedcba9876543210'.repeat(4)
const UID = '8f6e7a52-1111-4222-8333-444455556666'

const NAMED: readonly (readonly [path: string, id: string, runtime: string, pod_uid: string, root: string])[] = [
  [`/docker/${ID}`, ID, 'docker', '', `/docker/${ID}`],
  [`/system.slice/docker-${ID}.scope`, ID, 'docker', '', `/system.slice/docker-${ID}.scope`],
  [`/kubepods/burstable/pod${UID}/${ID}`, ID, '', UID, `/kubepods/burstable/pod${UID}/${ID}`],
  [
    `/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod${
      UID.replaceAll('-', '_')
    }.slice/cri-containerd-${ID}.scope`,
    ID,
    'containerd',
    UID,
    `/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod${
      UID.replaceAll('-', '_')
    }.slice/cri-containerd-${ID}.scope`,
  ],
  [
    `/kubepods.slice/kubepods-pod${UID.replaceAll('-', '_')}.slice/crio-${ID}.scope`,
    ID,
    'cri-o',
    UID,
    `/kubepods.slice/kubepods-pod${UID.replaceAll('-', '_')}.slice/crio-${ID}.scope`,
  ],
  [
    `/kubepods/besteffort/pod${ID.slice(0, 32)}/${ID}`,
    ID,
    '',
    ID.slice(0, 32),
    `/kubepods/besteffort/pod${ID.slice(0, 32)}/${ID}`,
  ],
  [
    `/machine.slice/libpod-${ID}.scope/container`,
    ID,
    'podman',
    '',
    `/machine.slice/libpod-${ID}.scope`,
  ],
  [`/libpod_parent/libpod-${ID}`, ID, 'podman', '', `/libpod_parent/libpod-${ID}`],
  // Without systemd, and named by systemd's driver without systemd.
  [`/kubepods/besteffort/pod${UID}/crio-${ID}`, ID, 'cri-o', UID, `/kubepods/besteffort/pod${UID}/crio-${ID}`],
  [
    `/system.slice/kubepods-burstable-pod${UID.replaceAll('-', '_')}.slice:cri-containerd:${ID}`,
    ID,
    'containerd',
    UID,
    `/system.slice/kubepods-burstable-pod${UID.replaceAll('-', '_')}.slice:cri-containerd:${ID}`,
  ],
  // Podman of a user, and of a pod.
  [
    `/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-${ID}.scope/container`,
    ID,
    'podman',
    '',
    `/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-${ID}.scope`,
  ],
  [
    `/machine.slice/machine-libpod_pod_${OTHER}.slice/libpod-${ID}.scope`,
    ID,
    'podman',
    '',
    `/machine.slice/machine-libpod_pod_${OTHER}.slice/libpod-${ID}.scope`,
  ],
  [`/libpod_parent/${OTHER}/libpod-${ID}`, ID, 'podman', '', `/libpod_parent/${OTHER}/libpod-${ID}`],
  // What a container makes below its own cgroup is part of it.
  [`/docker/${ID}/system.slice/cron.service`, ID, 'docker', '', `/docker/${ID}`],
  // A container in a container is itself.
  [
    `/docker/${ID}/kubepods/besteffort/pod${UID}/${OTHER}`,
    OTHER,
    '',
    UID,
    `/docker/${ID}/kubepods/besteffort/pod${UID}/${OTHER}`,
  ],
]

test('containerName() reads every form of the runtimes', () => {
  for (const [path, id, runtime, pod_uid, root] of NAMED) {
    expect([path, containerName(path)]).toEqual([
      path,
      { id, docker: id.slice(0, 31), runtime, pod_uid, root } as never,
    ])
  }
})

test('containerName() takes neither the host nor what looks after a container', () => {
  const paths = [
    '/',
    '',
    '/init.scope',
    '/system.slice/ssh.service',
    `/machine.slice/libpod-conmon-${ID}.scope`,
    `/kubepods.slice/crio-conmon-${ID}.scope`,
    `/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-conmon-${ID}.scope`,
    `/system.slice/${'x'.repeat(70)}.service`,
    `/user.slice/user-0.slice/session-1.scope/${ID.slice(0, 63)}`,
  ]
  for (const path of paths) expect([path, containerName(path)]).toEqual([path, undefined])
})

test('plainContainerName() takes the name that a runtime without ids gave', () => {
  const cases: [string, string, string, string][] = [
    ['/t-runc', 't-runc', '', '/t-runc'],
    ['/some/where/web', 'web', '', '/some/where/web'],
    ['/system.slice/runc-web\\x2d1.scope', 'web-1', 'runc', '/system.slice/runc-web\\x2d1.scope'],
    ['/machine.slice/machine-deb\\x2d12.scope', 'deb-12', 'systemd-nspawn', '/machine.slice/machine-deb\\x2d12.scope'],
    [
      '/machine.slice/systemd-nspawn@deb.service/payload/init.scope',
      'deb',
      'systemd-nspawn',
      '/machine.slice/systemd-nspawn@deb.service',
    ],
    ['/lxc.payload.db/init.scope', 'db', 'lxc', '/lxc.payload.db'],
    ['/lxc/db', 'db', 'lxc', '/lxc/db'],
  ]
  for (const [path, id, runtime, root] of cases) {
    expect([path, plainContainerName(path)]).toEqual([path, { id, docker: '', runtime, pod_uid: '', root } as never])
  }
})

test('plainContainerName() takes no unit of systemd and no virtual machine', () => {
  const paths = [
    '/',
    '',
    '/system.slice/postgresql.service',
    '/user.slice/user-1000.slice/user@1000.service/app.slice/browser.scope',
    '/user.slice/user-1000.slice/session-3.scope',
    '/system.slice/nginx.service/worker',
    '/machine.slice/machine-qemu\\x2d1\\x2dvm.scope',
  ]
  for (const path of paths) expect([path, plainContainerName(path)]).toEqual([path, undefined])
})
