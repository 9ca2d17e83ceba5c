/** From what execve gave a process to the pieces of JSON that lines are put together from. */

import { quote } from '../event/text.ts'
import type { CapabilityMasks, EnvironmentVariable, ImageReference, Pod } from '../event/type.ts'
import { environmentJson } from './arguments.ts'

/** Everything of a process that a child shares until it executes something itself. Its JSON is made once. */
export interface Image extends ImageReference {
  pod: Pod | undefined
  /** `,"uid":…,"cwd":…,"binary":…,"arguments":…` */
  readonly what_json: string
  /** `,"auid":…` up to `docker`; made again when a pod becomes known. */
  where_json: string
  /** `,"cap":…,"ns":…` where asked for. */
  readonly rights_json: string
  /** `,"process_credentials":…` where asked for. */
  readonly credentials_json: string
  /** `,"user":…` where asked for. */
  readonly user_json: string
  /** `,"environment_variables":…` where asked for. */
  readonly environment_json: string
  /** `,"binary_properties":…`: only in the process_exec of the image itself. */
  readonly properties_json: string
}

export interface ImageFields {
  readonly binary: string
  readonly arguments: string
  readonly cwd: string
  readonly uid: number
  readonly auid: number
  readonly docker: string
  readonly cgroup_id: number
  readonly capabilities: CapabilityMasks | undefined
  readonly environment: readonly EnvironmentVariable[] | undefined
  /** JSON values, '' where the field is not wanted. */
  readonly cap: string
  readonly ns: string
  readonly credentials: string
  readonly properties: string
  readonly user: string
}

export function createImage(fields: ImageFields): Image {
  let what_json = ',"uid":' + fields.uid
  if (fields.cwd !== '') what_json += ',"cwd":' + quote(fields.cwd)
  if (fields.binary !== '') what_json += ',"binary":' + quote(fields.binary)
  if (fields.arguments !== '') what_json += ',"arguments":' + quote(fields.arguments)
  const environment = fields.environment
  return {
    binary: fields.binary,
    arguments: fields.arguments,
    cwd: fields.cwd,
    uid: fields.uid,
    auid: fields.auid,
    docker: fields.docker,
    cgroup_id: fields.cgroup_id,
    pod: undefined,
    capabilities: fields.capabilities,
    environment,
    what_json,
    where_json: whereJson(fields.auid, undefined, fields.docker),
    rights_json: member('cap', fields.cap) + member('ns', fields.ns),
    credentials_json: member('process_credentials', fields.credentials),
    user_json: fields.user === '' ? '' : ',"user":{"name":' + quote(fields.user) + '}',
    environment_json: environment === undefined || environment.length === 0
      ? ''
      : ',"environment_variables":' + environmentJson(environment),
    properties_json: member('binary_properties', fields.properties),
  }
}

/** Adds a pod that became known after the exec; the caller drops the fragments of processes that share the image. */
export function setPod(image: Image, pod: Pod): void {
  image.pod = pod
  image.where_json = whereJson(image.auid, pod, image.docker)
}

function whereJson(auid: number, pod: Pod | undefined, docker: string): string {
  let json = ',"auid":' + auid
  if (pod !== undefined) json += ',"pod":' + JSON.stringify(pod)
  if (docker !== '') json += ',"docker":' + quote(docker)
  return json
}

function member(name: string, json: string): string {
  return json === '' ? '' : ',"' + name + '":' + json
}
