/** From what execve gave a process to the JSON objects that lines are put together from. */

import { quote } from '../event/text.ts'
import type { CapabilityMasks, EnvironmentVariable, ImageReference, Pod } from '../event/type.ts'
import { environmentJson } from './arguments.ts'
import type { Container } from './container_entry.ts'
import { BETWEEN_CWD_AND_BINARY, type ExecJson } from './exec_json.ts'

/** Members that only options bring in, as JSON led by commas. */
export interface ImageOptions {
  /** `,"cap":…,"ns":…` */
  readonly rights_json: string
  /** `,"process_credentials":…` */
  readonly credentials_json: string
  /** `,"binary_properties":…`: only in the process_exec of the image itself. */
  readonly properties_json: string
  /** `,"user":…` */
  readonly user_json: string
  /** `,"environment_variables":…` */
  readonly environment_json: string
  readonly capabilities: CapabilityMasks | undefined
  readonly environment: readonly EnvironmentVariable[] | undefined
}

/** Everything of a process that a child shares until it executes something itself. */
export class Image implements ImageReference {
  readonly uid: number
  readonly auid: number
  readonly cgroup_id: number
  readonly container: Container | undefined
  readonly options: ImageOptions | undefined
  #binary: string
  #arguments: string
  #cwd: string
  /** JSON that has the three, cut out of it when somebody asks: most images come and go without. */
  #json = ''
  #cwd_at = 0
  #cwd_end = 0
  #binary_end = 0
  #arguments_at = 0
  #arguments_end = 0

  constructor(
    binary: string,
    joined_arguments: string,
    cwd: string,
    uid: number,
    auid: number,
    container: Container | undefined,
    cgroup_id: number,
    options: ImageOptions | undefined,
  ) {
    this.#binary = binary
    this.#arguments = joined_arguments
    this.#cwd = cwd
    this.uid = uid
    this.auid = auid
    this.container = container
    this.cgroup_id = cgroup_id
    this.options = options
  }

  get binary(): string {
    if (this.#json !== '') this.#read()
    return this.#binary
  }

  /** Joined as they are shown. */
  get arguments(): string {
    if (this.#json !== '') this.#read()
    return this.#arguments
  }

  get cwd(): string {
    if (this.#json !== '') this.#read()
    return this.#cwd
  }

  /** `json` begins with what `made` has made of a record. */
  readLater(json: string, made: ExecJson): void {
    this.#json = json
    this.#cwd_at = made.cwd_at
    this.#cwd_end = made.cwd_end
    this.#binary_end = made.binary_end
    this.#arguments_at = made.arguments_at
    this.#arguments_end = made.arguments_end
  }

  #read(): void {
    const json = this.#json
    this.#json = ''
    this.#cwd = json.slice(this.#cwd_at, this.#cwd_end)
    this.#binary = json.slice(this.#cwd_end + BETWEEN_CWD_AND_BINARY, this.#binary_end)
    const joined = json.slice(this.#arguments_at, this.#arguments_end)
    this.#arguments = joined.includes('\\') ? joined.replaceAll('\\"', '"') : joined
  }

  get docker(): string {
    return this.container === undefined ? '' : this.container.name.docker
  }

  /** As far as it is known by now. */
  get pod(): Pod | undefined {
    return this.container?.pod(this.container.isProbe(this.binary, this.arguments))
  }

  get capabilities(): CapabilityMasks | undefined {
    return this.options?.capabilities
  }

  get environment(): readonly EnvironmentVariable[] | undefined {
    return this.options?.environment
  }
}

/** JSON values, '' for those that are not wanted. */
export function imageOptions(values: {
  readonly cap: string
  readonly ns: string
  readonly credentials: string
  readonly properties: string
  readonly user: string
  readonly capabilities: CapabilityMasks | undefined
  readonly environment: readonly EnvironmentVariable[] | undefined
}): ImageOptions {
  const environment = values.environment
  return {
    rights_json: member('cap', values.cap) + member('ns', values.ns),
    credentials_json: member('process_credentials', values.credentials),
    properties_json: member('binary_properties', values.properties),
    user_json: values.user === '' ? '' : ',"user":{"name":' + quote(values.user) + '}',
    environment_json: environment === undefined || environment.length === 0
      ? ''
      : ',"environment_variables":' + environmentJson(environment),
    capabilities: values.capabilities,
    environment,
  }
}

function member(name: string, json: string): string {
  return json === '' ? '' : ',"' + name + '":' + json
}

/** `,"uid":…` to `,"arguments":…` */
export function whatJson(image: Image): string {
  const cwd = image.cwd === '' ? '' : ',"cwd":' + quote(image.cwd)
  const binary = image.binary === '' ? '' : ',"binary":' + quote(image.binary)
  const joined = image.arguments === '' ? '' : ',"arguments":' + quote(image.arguments)
  return `,"uid":${image.uid}${cwd}${binary}${joined}`
}

/** `,"auid":…` to `,"docker":…`, with `,"pod":…` given. */
export function whereJson(image: Image, pod: string): string {
  if (image.container === undefined) {
    return image.auid === 0xffff_ffff ? ',"auid":4294967295' : ',"auid":' + image.auid
  }
  const docker = image.docker === '' ? '' : ',"docker":' + quote(image.docker)
  return ',"auid":' + image.auid + pod + docker
}
