/** From a cgroup's name to the container id of the JSON field `docker`, by Tetragon's rule. */

const ID_LENGTH = 64
/** Length in which ids are shown and compared, as Tetragon's kernel side has it. */
export const DOCKER_LENGTH = 31
/** A name that fills the 128 bytes of Tetragon's buffer (with NUL) may have lost the end of its id. */
const NAME_TRUNCATED = 127

/**
 * Container id of a cgroup path or of its last component, cut to 31 characters, or ''.
 *
 * Known forms: `<64 hex>`, `docker-<id>.scope`, `cri-containerd-<id>.scope`, `crio-<id>`, `kubepods…:cri-containerd:<id>`,
 * `libpod-<id>.scope/container` (podman puts processes one level down), `/…/syscont-cgroup-root/…` (sysbox: component 4).
 */
export function dockerId(cgroup: string): string {
  if (cgroup.length < ID_LENGTH) return ''
  const components = cgroup.split('/')
  if (components.length > 4 && components.includes('syscont-cgroup-root')) return idOf(components[4]!)
  const id = idOf(components.at(-1)!)
  if (id !== '') return id
  for (let i = components.length - 2; i >= 0; i--) {
    const component = components[i]!
    if (component.startsWith('libpod')) return idOf(component)
  }
  return ''
}

function idOf(component: string): string {
  const after_colon = component.slice(component.lastIndexOf(':') + 1)
  const id = after_colon.slice(after_colon.lastIndexOf('-') + 1)
  const truncated = component.length >= NAME_TRUNCATED && id.length >= DOCKER_LENGTH
  if (id.length < ID_LENGTH && !truncated) return ''
  if (id.endsWith('service')) return ''
  return id.slice(0, DOCKER_LENGTH)
}
