/** From a cgroup's path to the container that it belongs to: its id, by whom it runs, and of which pod. */

const ID_LENGTH = 64
/** Length in which ids are shown and compared, as Tetragon's kernel side has it. */
export const DOCKER_LENGTH = 31
/** A name that fills the 128 bytes of Tetragon's buffer (with NUL) may have lost the end of its id. */
const NAME_TRUNCATED = 127

export interface ContainerName {
  /** Whole id, or the name where a runtime has no ids. */
  readonly id: string
  /** JSON field `docker`: first 31 characters of an id of 64, '' for a name. */
  readonly docker: string
  /** As the cgroup tells it; '' where it does not. */
  readonly runtime: '' | 'docker' | 'containerd' | 'cri-o' | 'podman' | 'systemd-nspawn' | 'lxc' | 'runc' | 'crun'
  /** Uid of the pod as the path has it (dashes restored), '' outside Kubernetes. */
  readonly pod_uid: string
  /** Path of the container's own cgroup: what lies below belongs to it as well. */
  readonly root: string
}

/** 64 hex digits behind the start, a dash or a colon, up to the end or `.scope`. */
const HEX_ID = /(?:^|[-:])([0-9a-f]{64})(?:\.scope)?$/
const POD_UID =
  /(?:^|-)pod([0-9a-f]{8}[-_][0-9a-f]{4}[-_][0-9a-f]{4}[-_][0-9a-f]{4}[-_][0-9a-f]{12}|[0-9a-f]{32})(?:\.slice)?$/

/**
 * Container of a cgroup path, undefined if it is none's. The innermost component with an id decides, so that cgroups
 * which a container makes inside belong to it, and a container in a container is itself.
 *
 * Known forms: `<64 hex>`, `docker-<id>.scope`, `cri-containerd-<id>.scope`, `crio-<id>`, `kubepods…:cri-containerd:<id>`,
 * `libpod-<id>.scope/container`, `/…/syscont-cgroup-root/…` (sysbox: component 4). What looks after a container
 * (`…-conmon-<id>`) is not in it.
 */
export function containerName(cgroup: string): ContainerName | undefined {
  if (cgroup.length < ID_LENGTH) return undefined
  const components = cgroup.split('/')
  const sysbox = components.length > 4 && components.includes('syscont-cgroup-root')
  for (let i = sysbox ? 4 : components.length - 1; i >= 0; i--) {
    const component = components[i]!
    const id = HEX_ID.exec(component)?.[1]
    if (id === undefined) continue
    if (component.includes('conmon-')) return undefined
    return named(id, id.slice(0, DOCKER_LENGTH), components, i)
  }
  if (sysbox) return undefined
  // Tetragon takes what is long enough even if it is not hexadecimal.
  const docker = lenientId(components.at(-1)!)
  return docker === '' ? undefined : named(docker, docker, components, components.length - 1)
}

/** The JSON field `docker` of a cgroup path or of its last component. */
export function dockerId(cgroup: string): string {
  return containerName(cgroup)?.docker ?? ''
}

/** `systemd-nspawn@NAME.service`, `machine-NAME.scope`; libvirt's machines are no containers. */
const NSPAWN = /^(?:systemd-nspawn@(.+)\.service|machine-(?!qemu)(.+)\.scope)$/
const SCOPE = /^(runc|crun|youki)-(.+)\.scope$/
const LXC = /^lxc\.payload\.(.+)$/
const UNIT = /\.(?:slice|scope|service|socket|mount|swap)$/

/**
 * Container of a process by a name that any cgroup may have, for one that is known to have namespaces of pids and mounts
 * of its own: `systemd-nspawn`, LXC, `runc run NAME`.
 */
export function plainContainerName(cgroup: string): ContainerName | undefined {
  const components = cgroup.split('/')
  for (let i = 0; i < components.length; i++) {
    const component = components[i]!
    const machine = NSPAWN.exec(component)
    if (machine !== null) return plain(unescapeUnit(machine[1] ?? machine[2]!), 'systemd-nspawn', components, i)
    const scope = SCOPE.exec(component)
    if (scope !== null) return plain(unescapeUnit(scope[2]!), scope[1] === 'crun' ? 'crun' : 'runc', components, i)
    const lxc = LXC.exec(component) ?? (components[i - 1] === 'lxc' ? [component, component] : null)
    if (lxc !== null) return plain(lxc[1]!, 'lxc', components, i)
  }
  const last = components.at(-1)!
  if (last === '' || components.some((component) => UNIT.test(component))) return undefined
  return plain(last, '', components, components.length - 1)
}

function named(id: string, docker: string, components: readonly string[], at: number): ContainerName {
  return { id, docker, runtime: runtimeOf(components, at), pod_uid: podUid(components), root: rootOf(components, at) }
}

function plain(
  id: string,
  runtime: ContainerName['runtime'],
  components: readonly string[],
  at: number,
): ContainerName {
  return { id, docker: '', runtime, pod_uid: '', root: rootOf(components, at) }
}

function rootOf(components: readonly string[], at: number): string {
  return components.slice(0, at + 1).join('/')
}

function runtimeOf(components: readonly string[], at: number): ContainerName['runtime'] {
  const component = components[at]!
  if (component.startsWith('docker-') || components[at - 1] === 'docker') return 'docker'
  if (component.includes('cri-containerd')) return 'containerd'
  if (component.startsWith('crio-')) return 'cri-o'
  if (component.startsWith('libpod-')) return 'podman'
  return ''
}

function podUid(components: readonly string[]): string {
  for (const component of components) {
    // `kubepods-…:cri-containerd:<id>` is one component.
    const uid = POD_UID.exec(component.split(':', 1)[0]!)?.[1]
    if (uid !== undefined) return uid.replaceAll('_', '-')
  }
  return ''
}

/** systemd writes a dash in a unit's name as \x2d. */
function unescapeUnit(name: string): string {
  return name.replace(/\\x([0-9a-f]{2})/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)))
}

function lenientId(component: string): string {
  const after_colon = component.slice(component.lastIndexOf(':') + 1)
  const id = after_colon.slice(after_colon.lastIndexOf('-') + 1)
  const truncated = component.length >= NAME_TRUNCATED && id.length >= DOCKER_LENGTH
  if (id.length < ID_LENGTH && !truncated) return ''
  if (id.endsWith('service')) return ''
  return id.slice(0, DOCKER_LENGTH)
}
