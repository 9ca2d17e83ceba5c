/** One container: who it is by its cgroup, and what a runtime or Kubernetes tells about it, as JSON made once. */

import { quote } from '../event/text.ts'
import type { Pod } from '../event/type.ts'
import type { ContainerName } from './container.ts'
import type { Process } from './process.ts'

/** What a source knows of a container; absent is what it does not. */
export interface ContainerInfo {
  readonly pod?: PodInfo
  /** Name in its pod, or the one its runtime gave it. */
  readonly name?: string
  /** `containerd://<id>` */
  readonly runtime_id?: string
  readonly runtime?: string
  readonly image?: string
  readonly image_id?: string
  /** RFC 3339, whole seconds. */
  readonly started?: string
  readonly privileged?: boolean
  /** It is the one that only holds the pod's namespaces: it has no name. */
  readonly sandbox?: boolean
  /** Commands of exec probes (liveness, readiness): program and arguments. */
  readonly probes?: readonly (readonly string[])[]
}

export interface PodInfo {
  readonly namespace: string
  readonly name: string
  readonly uid: string
  readonly labels: Readonly<Record<string, string>>
  /** Only what --enable-pod-annotations brings. */
  readonly annotations?: Readonly<Record<string, string>>
  readonly workload?: string
  readonly workload_kind?: string
  /** Names and uid only: who told does not know labels and owners. */
  readonly partial?: boolean
}

/** Stands before and behind the number of a process whose pod is not known yet; JSON has no such character. */
export const MARK = '\u0001'
// deno-lint-ignore no-control-regex -- JSON has none, which is why it marks
const MARKED = /\u0001(\d+)\u0001/g

export class Container {
  readonly name: ContainerName
  /** Events of its processes are held back until somebody tells who it is. */
  waiting = false
  /** A process executed in it; before that its cgroup alone was there. */
  seen = false
  /** Grows with every change of what its JSON says. */
  version = 0
  /** When a process of it was last looked up, CLOCK_MONOTONIC ns. */
  used_ns = 0
  /** Cgroup that a process of it was in first. */
  cgroup_id: number
  #info: ContainerInfo = {}
  #head = ''
  #tail = ''
  #extra: string
  #pods: readonly [Pod | undefined, Pod | undefined] = [undefined, undefined]
  readonly #marked = new Map<number, Process>()

  constructor(name: ContainerName, cgroup_id: number) {
    this.name = name
    this.cgroup_id = cgroup_id
    this.#extra = extraJson(name, this.#info)
  }

  get info(): ContainerInfo {
    return this.#info
  }

  /** Takes what became known. Processes show it from their next event on. */
  learn(info: ContainerInfo): void {
    this.#info = info
    this.version++
    const pod = info.pod === undefined ? undefined : podOf(this.name.id, info, info.pod)
    this.#extra = pod === undefined ? extraJson(this.name, info) : ''
    if (pod === undefined) {
      this.#head = this.#tail = ''
      this.#pods = [undefined, undefined]
      return
    }
    const { security_context, ...container } = pod.container!
    this.#pods = [pod, { ...pod, container: { ...pod.container, maybe_exec_probe: true } }]
    const { container: _, pod_labels, workload, workload_kind, pod_annotations, ...who } = pod
    this.#head = `,"pod":${JSON.stringify(who).slice(0, -1)},"container":${JSON.stringify(container).slice(0, -1)}`
    const behind = JSON.stringify({ pod_labels, workload, workload_kind, pod_annotations }).slice(1)
    const security = security_context === undefined ? '' : ',"security_context":' + JSON.stringify(security_context)
    this.#tail = `${security}}${behind === '}' ? '}' : ',' + behind}`
  }

  /** From here on lines go out as they are, whether anything was learned or not. */
  settle(): void {
    this.waiting = false
    this.version++
  }

  pod(probe: boolean): Pod | undefined {
    return this.#pods[probe ? 1 : 0]
  }

  /** `,"pod":{…}` of a process, or ''. `ns_pid` 0: not known. */
  podJson(ns_pid: number, probe: boolean): string {
    if (this.#head === '') return ''
    return this.#head + (ns_pid === 0 ? '' : ',"pid":' + ns_pid) + (probe ? ',"maybe_exec_probe":true' : '') +
      this.#tail
  }

  /** `,"container":{…}` for `thump`; '' where `pod` says it. */
  get extra(): string {
    return this.#extra
  }

  /** Whether a command is one of its exec probes: the same program, by path or name, with the same arguments. */
  isProbe(binary: string, joined_arguments: string): boolean {
    const probes = this.#info.probes
    if (probes === undefined) return false
    return probes.some(([program = '', ...rest]) => {
      const same = program.startsWith('/') ? program === binary : baseName(program) === baseName(binary)
      return same && rest.join(' ') === joined_arguments.replaceAll('"', '').trimStart()
    })
  }

  /** What stands in for `process`' pod until it is known. */
  mark(process: Process): string {
    this.#marked.set(process.key, process)
    return MARK + process.key + MARK
  }

  marked(key: number): Process | undefined {
    return this.#marked.get(key)
  }

  forgetMarks(): void {
    this.#marked.clear()
  }
}

/** Puts what is known by now in place of the marks in a line's body. `find` gives the process of a mark. */
export function replaceMarks(body: string, find: (key: number) => Process | undefined): string {
  return body.replace(MARKED, (_, key: string) => {
    const process = find(Number(key))
    return process === undefined ? '' : process.podJson()
  })
}

function podOf(id: string, info: ContainerInfo, pod: PodInfo): Pod {
  const { name, image = '', image_id = '', started, privileged } = info
  const runtime_id = info.runtime_id ?? (info.runtime === undefined ? id : `${info.runtime}://${id}`)
  const image_json = image === '' && image_id === '' ? undefined : {
    ...(image_id === '' ? {} : { id: image_id }),
    ...(image === '' ? {} : { name: image }),
  }
  return {
    namespace: pod.namespace,
    name: pod.name,
    uid: pod.uid,
    container: {
      id: runtime_id,
      ...(name === undefined ? {} : { name }),
      ...(image_json === undefined ? {} : { image: image_json }),
      ...(started === undefined ? {} : { start_time: started }),
      ...(privileged === true ? { security_context: { privileged } } : {}),
    },
    ...(Object.keys(pod.labels).length === 0 ? {} : { pod_labels: pod.labels }),
    ...(pod.workload === undefined ? {} : { workload: pod.workload }),
    ...(pod.workload_kind === undefined ? {} : { workload_kind: pod.workload_kind }),
    ...(pod.annotations === undefined ? {} : { pod_annotations: pod.annotations }),
  }
}

function extraJson({ id, runtime }: ContainerName, info: ContainerInfo): string {
  const by = info.runtime ?? runtime
  let json = ',"container":{"id":' + quote(id)
  if (info.name !== undefined) json += ',"name":' + quote(info.name)
  if (info.image !== undefined) json += ',"image":' + quote(info.image)
  if (by !== '') json += ',"runtime":' + quote(by)
  return json + '}'
}

function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}
