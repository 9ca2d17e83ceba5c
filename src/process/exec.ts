/** From an exec record with its blob to the image that the process cache keeps. */

import { posix } from 'node:path'
import {
  CHUNK_KIND,
  type Credentials,
  EXEC_EVENT_SIZE,
  EXEC_FLAG,
  type ExecEvent,
  type Namespaces,
} from '../../ffi/wire.gen.ts'
import { bytesBehind, decodeUtf8 } from '../event/text.ts'
import type { EnvironmentVariable } from '../event/type.ts'
import { joinArguments, splitEnvironment } from './arguments.ts'
import { capabilitiesJson } from './capability.ts'
import type { ChunkAssembler } from './chunk.ts'
import { dockerId } from './container.ts'
import { binaryPropertiesJson, credentialsJson, type NamespacePrinter } from './credential.ts'
import { createImage, type Image } from './fragment.ts'
import type { UserNames } from './username.ts'

export interface ExecOptions {
  /** --enable-process-cred: `cap`, `process_credentials`, `binary_properties`. */
  readonly process_cred?: boolean
  /** --enable-process-ns: `ns`. */
  readonly process_ns?: boolean
  /** --enable-process-environment-variables. */
  readonly environment?: boolean
  /** --filter-environment-variables: only these; absent: all. */
  readonly environment_names?: ReadonlySet<string>
  /** --username-metadata=unix: where names come from. */
  readonly user_names?: UserNames
  /** Called before anything of the process is kept, so that what is redacted stands nowhere. */
  readonly redactor?: Redactor
}

export interface Redactor {
  arguments(binary: string, text: string): string
  environment(binary: string, variables: readonly EnvironmentVariable[]): EnvironmentVariable[]
}

export interface Exec {
  readonly image: Image
  /** The record's, with what was found out here added. */
  readonly flags: number
  /** Members for `thump`, each led by a comma. */
  readonly extra: string
}

/** What both an exec record and /proc tell about an image. */
export interface ImageSource {
  readonly filename: string
  readonly cwd: string
  /** NUL-ended argv[1..]. */
  readonly argument_text: string
  readonly environment_text: string
  readonly flags: number
  readonly auid: number
  readonly cgroup: string
  readonly cgroup_id: number
  readonly credentials: Credentials
  readonly namespaces: Namespaces
  readonly gained: number
  readonly inode: number
  readonly ktime_ns: number
}

const WITHOUT_CWD = EXEC_FLAG.NO_CWD | EXEC_FLAG.ROOT_CWD | EXEC_FLAG.ERROR_CWD

export class ExecReader {
  /** Image of a fork whose parent nobody knows. */
  readonly unknown_image: Image
  readonly #options: ExecOptions
  readonly #namespaces: NamespacePrinter
  readonly #chunks: ChunkAssembler

  constructor(options: ExecOptions, namespaces: NamespacePrinter, chunks: ChunkAssembler) {
    this.#options = options
    this.#namespaces = namespaces
    this.#chunks = chunks
    this.unknown_image = createImage({
      binary: '',
      arguments: '',
      cwd: '',
      uid: 0,
      auid: 0xffff_ffff,
      docker: '',
      cgroup_id: 0,
      capabilities: undefined,
      environment: undefined,
      cap: '',
      ns: '',
      credentials: '',
      properties: '',
      user: '',
    })
  }

  /** Undefined where the record is shorter than the sizes in it say. */
  read(record: ExecEvent, view: DataView, at: number, size: number): Exec | undefined {
    const args_inline = record.args_chunks === 0 ? record.args_size : 0
    const envs_inline = record.envs_chunks === 0 ? record.envs_size : 0
    const named = record.filename_size + record.cwd_size + record.cgroup_name_size
    if (EXEC_EVENT_SIZE + named + args_inline + envs_inline > size) return undefined

    const bytes = bytesBehind(view)
    const start = view.byteOffset + at + EXEC_EVENT_SIZE
    const cwd_at = start + record.filename_size
    const cgroup_at = cwd_at + record.cwd_size
    const args_at = cgroup_at + record.cgroup_name_size
    const envs_at = args_at + args_inline
    let filename: string
    let cwd: string
    let cgroup: string
    let argument_text: string
    // One decoding for all of them: if the text is as long as the bytes it is ASCII, and offsets are the same in both.
    const text = bytes.toString('utf8', start, envs_at)
    if (text.length === envs_at - start && !text.includes('\ufffd')) {
      filename = text.slice(0, record.filename_size)
      cwd = text.slice(record.filename_size, record.filename_size + record.cwd_size)
      cgroup = text.slice(named - record.cgroup_name_size, named)
      argument_text = text.slice(named)
    } else {
      filename = decodeUtf8(bytes, start, cwd_at)
      cwd = decodeUtf8(bytes, cwd_at, cgroup_at)
      cgroup = decodeUtf8(bytes, cgroup_at, args_at)
      argument_text = decodeUtf8(bytes, args_at, envs_at)
    }

    let flags = record.flags
    if (record.args_chunks !== 0) {
      const taken = this.#chunks.take(CHUNK_KIND.ARGS, record.exec_id, record.args_chunks)
      argument_text = decodeUtf8(taken.bytes, 0, taken.bytes.length)
      if (!taken.complete) flags |= EXEC_FLAG.TRUNC_ARGS
    }
    if (record.args_total > record.args_size) flags |= EXEC_FLAG.TRUNC_ARGS
    if (record.envs_total > record.envs_size) flags |= EXEC_FLAG.TRUNC_ENVS
    let environment_text = ''
    if (record.envs_chunks !== 0) {
      const taken = this.#chunks.take(CHUNK_KIND.ENVS, record.exec_id, record.envs_chunks)
      if (this.#options.environment === true) environment_text = decodeUtf8(taken.bytes, 0, taken.bytes.length)
      if (!taken.complete) flags |= EXEC_FLAG.TRUNC_ENVS
    } else if (this.#options.environment === true) {
      environment_text = decodeUtf8(bytes, envs_at, envs_at + envs_inline)
    }

    const image = this.image({
      filename,
      cwd,
      argument_text,
      environment_text,
      flags,
      auid: record.auid,
      cgroup,
      cgroup_id: record.cgroup_id,
      credentials: record.credentials,
      namespaces: record.namespaces,
      gained: record.gained,
      inode: record.inode,
      ktime_ns: Number(record.header.ktime_ns),
    })
    return { image, flags, extra: this.#extra(record, flags) }
  }

  image(source: ImageSource): Image {
    const options = this.#options
    const cwd = (source.flags & WITHOUT_CWD) === 0
      ? source.cwd
      : (source.flags & (EXEC_FLAG.NO_CWD | EXEC_FLAG.ERROR_CWD)) === 0
      ? '/'
      : ''
    const existing = (source.flags & EXEC_FLAG.PROCFS) !== 0
    const binary = existing ? source.filename : absolute(source.filename, cwd)
    let joined = joinArguments(source.argument_text, existing || (source.flags & WITHOUT_CWD) !== 0)
    const environment_wanted = options.environment === true && source.environment_text !== ''
    let environment = environment_wanted
      ? splitEnvironment(source.environment_text, options.environment_names)
      : undefined
    const redactor = options.redactor
    if (redactor !== undefined) {
      joined = redactor.arguments(binary, joined)
      if (environment !== undefined) environment = redactor.environment(binary, environment)
    }
    const credentials = source.credentials
    const cred = options.process_cred === true
    return createImage({
      binary,
      arguments: joined,
      cwd,
      uid: credentials.euid,
      auid: source.auid,
      docker: dockerId(source.cgroup),
      cgroup_id: source.cgroup_id,
      capabilities: cred ? credentials : undefined,
      environment,
      cap: cred ? capabilitiesJson(credentials.permitted, credentials.effective, credentials.inheritable) : '',
      ns: options.process_ns === true ? this.#namespaces.json(source.namespaces) : '',
      credentials: cred ? credentialsJson(credentials) : '',
      properties: cred ? binaryPropertiesJson(source.gained, credentials, source.inode) : '',
      user: this.#user(source),
    })
  }

  #user(source: ImageSource): string {
    const names = this.#options.user_names
    if (names === undefined || !this.#namespaces.sharesUsers(source.namespaces)) return ''
    return names.name(source.credentials.euid, source.ktime_ns / 1e6)
  }

  #extra(record: ExecEvent, flags: number): string {
    let extra = ''
    if ((flags & (EXEC_FLAG.TRUNC_ARGS | EXEC_FLAG.TRUNC_ENVS)) !== 0) {
      const args = (flags & EXEC_FLAG.TRUNC_ARGS) !== 0
      const envs = (flags & EXEC_FLAG.TRUNC_ENVS) !== 0 && this.#options.environment === true
      if (args) extra = ',"truncated":["arguments"' + (envs ? ',"environment"]' : ']')
      else if (envs) extra = ',"truncated":["environment"]'
    }
    if (record.old_tid !== record.pid && record.old_tid !== 0) extra += ',"exec_tid":' + record.old_tid
    if ((flags & EXEC_FLAG.CREDENTIALS_UNKNOWN) !== 0 && this.#options.process_cred === true) {
      extra += ',"credentials_unknown":true'
    }
    return extra
  }
}

/** filename as execve was given it; a relative one is joined to the working directory, symbolic links stay. */
function absolute(filename: string, cwd: string): string {
  if (filename.startsWith('/') || filename === '') return filename
  return posix.join(cwd, filename)
}
