/** From an exec record with its blob to the image that the process cache keeps. */

import { posix } from 'node:path'
import {
  CHUNK_KIND,
  CREDENTIALS,
  CREDENTIALS_SIZE,
  decodeCredentials,
  decodeNamespaces,
  EVENT_HEADER,
  EXEC_EVENT,
  EXEC_EVENT_SIZE,
  EXEC_FLAG,
  NAMESPACES,
  NAMESPACES_SIZE,
} from '../../ffi/wire.gen.ts'
import { bytesBehind, decodeUtf8 } from '../event/text.ts'
import type { EnvironmentVariable } from '../event/type.ts'
import { joinArguments, splitEnvironment } from './arguments.ts'
import { capabilitiesJson } from './capability.ts'
import type { ChunkAssembler } from './chunk.ts'
import type { Container } from './container_entry.ts'
import type { ContainerTable } from './container_table.ts'
import { binaryPropertiesJson, credentialsJson, type NamespacePrinter } from './credential.ts'
import type { ExecJson, RecordTexts } from './exec_json.ts'
import { Image, type ImageOptions, imageOptions } from './fragment.ts'
import { type Ktime, readNumber } from './ktime.ts'
import type { ProcfsProcess } from './procfs.ts'
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
  /** `text` is the joined arguments. */
  arguments(binary: string, text: string): string
  environment(binary: string, variables: readonly EnvironmentVariable[]): EnvironmentVariable[]
}

/** Sets of credentials and namespaces whose JSON is kept; a machine has dozens. Emptied when full. */
const RIGHTS_MAX = 1024

const WITHOUT_CWD = EXEC_FLAG.NO_CWD | EXEC_FLAG.ROOT_CWD | EXEC_FLAG.ERROR_CWD

/** Flags of what is not made from bytes. */
const SPECIAL = EXEC_FLAG.NO_CWD | EXEC_FLAG.ERROR_CWD

/** Reads one record at a time: what it says beside the image stands in `flags` and `extra` until the next. */
export class ExecReader {
  /** Image of a fork whose parent nobody knows. */
  readonly unknown_image = new Image('', '', '', 0, 0xffff_ffff, undefined, 0, undefined)
  /** The record's enum exec_flag, with what was found out here added. */
  flags = 0
  /** The process' JSON from `uid` to `arguments` is begun from the record's bytes. */
  begun = false
  /** Members for `thump`, each led by a comma. */
  extra = ''
  readonly #options: ExecOptions
  readonly #namespaces: NamespacePrinter
  readonly #chunks: ChunkAssembler
  readonly #containers: ContainerTable
  readonly #json: ExecJson
  readonly #texts: RecordTexts = {
    bytes: Buffer.alloc(0),
    filename_at: 0,
    cwd_at: 0,
    cwd_end: 0,
    args_at: 0,
    args_end: 0,
    root_cwd: false,
  }
  /** No option asks for more than every event has. */
  readonly #plain: boolean
  /** No option asks for more than `cap`, `process_credentials` and `ns`, which few sets of bytes decide. */
  readonly #short: boolean
  readonly #rights = new Map<string, ImageOptions>()

  constructor(
    options: ExecOptions,
    namespaces: NamespacePrinter,
    chunks: ChunkAssembler,
    containers: ContainerTable,
    json: ExecJson,
  ) {
    this.#options = options
    this.#namespaces = namespaces
    this.#chunks = chunks
    this.#containers = containers
    this.#json = json
    this.#short = options.environment !== true && options.user_names === undefined
    this.#plain = options.process_cred !== true && options.process_ns !== true && this.#short
  }

  /** Undefined where the record is shorter than the sizes in it say. Reads fields one by one: no object per record. */
  read(view: DataView, at: number, size: number, time: Ktime): Image | undefined {
    const filename_size = view.getUint32(at + EXEC_EVENT.filename_size, true)
    const cwd_size = view.getUint32(at + EXEC_EVENT.cwd_size, true)
    const named = filename_size + cwd_size + view.getUint32(at + EXEC_EVENT.cgroup_name_size, true)
    const args_size = view.getUint32(at + EXEC_EVENT.args_size, true)
    const args_chunks = view.getUint32(at + EXEC_EVENT.args_chunks, true)
    const args_inline = args_chunks === 0 ? args_size : 0
    const envs_size = view.getUint32(at + EXEC_EVENT.envs_size, true)
    const envs_chunks = view.getUint32(at + EXEC_EVENT.envs_chunks, true)
    const envs_inline = envs_chunks === 0 ? envs_size : 0
    if (EXEC_EVENT_SIZE + named + args_inline + envs_inline > size) return undefined

    let flags = view.getUint32(at + EXEC_EVENT.flags, true)
    if (view.getUint32(at + EXEC_EVENT.args_total, true) > args_size) flags |= EXEC_FLAG.TRUNC_ARGS
    if (view.getUint32(at + EXEC_EVENT.envs_total, true) > envs_size) flags |= EXEC_FLAG.TRUNC_ENVS

    const bytes = bytesBehind(view)
    const start = view.byteOffset + at + EXEC_EVENT_SIZE
    const args_at = start + named
    const envs_at = args_at + args_inline
    const uid = view.getUint32(at + EXEC_EVENT.credentials + CREDENTIALS.euid, true)
    this.flags = flags
    this.begun = false
    if (
      this.#short && args_chunks === 0 && envs_chunks === 0 && (flags & SPECIAL) === 0 &&
      (this.#plain ||
        view.getUint32(at + EXEC_EVENT.gained, true) === 0 && readNumber(view, at + EXEC_EVENT.inode) === 0)
    ) {
      const texts = this.#texts
      texts.bytes = bytes
      texts.filename_at = start
      texts.cwd_at = start + filename_size
      texts.cwd_end = texts.cwd_at + cwd_size
      texts.args_at = args_at
      texts.args_end = envs_at
      texts.root_cwd = (flags & EXEC_FLAG.ROOT_CWD) !== 0
      while (texts.root_cwd && texts.args_end > args_at && bytes[texts.args_end - 1] === 0) texts.args_end--
      if (this.#json.begin(time, view.getUint32(at + EXEC_EVENT.pid, true), uid, texts)) {
        const image = this.#beginImage(view, at, uid, decodeUtf8(bytes, start + filename_size + cwd_size, args_at))
        if (image !== undefined) return image
      }
    }
    const filename = decodeUtf8(bytes, start, start + filename_size)
    let cwd = decodeUtf8(bytes, start + filename_size, start + filename_size + cwd_size)
    const cgroup = decodeUtf8(bytes, start + filename_size + cwd_size, args_at)
    let argument_text = decodeUtf8(bytes, args_at, envs_at)
    let environment_text = ''
    if (args_chunks !== 0 || envs_chunks !== 0) {
      const exec_id = readNumber(view, at + EXEC_EVENT.exec_id)
      if (args_chunks !== 0) {
        const taken = this.#chunks.take(CHUNK_KIND.ARGS, exec_id, args_chunks)
        argument_text = decodeUtf8(taken.bytes, 0, taken.bytes.length)
        if (!taken.complete) flags |= EXEC_FLAG.TRUNC_ARGS
      }
      if (envs_chunks !== 0) {
        const taken = this.#chunks.take(CHUNK_KIND.ENVS, exec_id, envs_chunks)
        if (this.#options.environment === true) environment_text = decodeUtf8(taken.bytes, 0, taken.bytes.length)
        if (!taken.complete) flags |= EXEC_FLAG.TRUNC_ENVS
      }
    }
    if (this.#options.environment === true && envs_inline !== 0) {
      environment_text = decodeUtf8(bytes, envs_at, envs_at + envs_inline)
    }

    if ((flags & WITHOUT_CWD) !== 0) cwd = cwdWithout(flags)
    const binary = absolute(filename, cwd)
    let joined = joinArguments(argument_text, (flags & WITHOUT_CWD) !== 0)
    if (this.#options.redactor !== undefined) joined = this.#options.redactor.arguments(binary, joined)
    this.flags = flags
    this.extra = ''
    this.#tell(view, at, flags)
    return new Image(
      binary,
      joined,
      cwd,
      uid,
      view.getUint32(at + EXEC_EVENT.auid, true),
      this.#container(view, at, cgroup),
      readNumber(view, at + EXEC_EVENT.cgroup_id),
      this.#plain ? undefined : this.#imageOptions(view, at, binary, environment_text),
    )
  }

  /** The image of a record whose JSON is begun; its texts are in there. Undefined if they must not be shown as they are. */
  #beginImage(view: DataView, at: number, uid: number, cgroup: string): Image | undefined {
    const image = new Image(
      '',
      '',
      '',
      uid,
      view.getUint32(at + EXEC_EVENT.auid, true),
      this.#container(view, at, cgroup),
      readNumber(view, at + EXEC_EVENT.cgroup_id),
      this.#plain ? undefined : this.#rightsOf(view, at),
    )
    const { redactor } = this.#options
    if (redactor !== undefined) {
      const joined = this.#json.joined()
      if (joined !== '' && redactor.arguments(this.#json.binary(), joined) !== joined) return undefined
    }
    this.begun = true
    this.extra = ''
    this.#tell(view, at, this.flags)
    return image
  }

  #container(view: DataView, at: number, cgroup: string): Container | undefined {
    return this.#containers.at(
      readNumber(view, at + EXEC_EVENT.cgroup_id),
      cgroup,
      view.getUint32(at + EXEC_EVENT.namespaces + NAMESPACES.mnt, true),
      view.getUint32(at + EXEC_EVENT.namespaces + NAMESPACES.pid, true),
      readNumber(view, at + EVENT_HEADER.ktime_ns),
    )
  }

  /** #imageOptions() where credentials and namespaces decide it all: the bytes of both name the answer. */
  #rightsOf(view: DataView, at: number): ImageOptions {
    const from = view.byteOffset + at + EXEC_EVENT.credentials
    const key = bytesBehind(view).toString('latin1', from, from + CREDENTIALS_SIZE + NAMESPACES_SIZE)
    let options = this.#rights.get(key)
    if (options === undefined) {
      if (this.#rights.size >= RIGHTS_MAX) this.#rights.clear()
      this.#rights.set(key, options = this.#imageOptions(view, at, '', ''))
    }
    return options
  }

  /** Image of a process found in /proc. */
  existingImage(entry: ProcfsProcess): Image {
    const cwd = (entry.flags & WITHOUT_CWD) === 0 ? entry.cwd : cwdWithout(entry.flags)
    let joined = joinArguments(entry.argument_text, true)
    if (this.#options.redactor !== undefined) joined = this.#options.redactor.arguments(entry.binary, joined)
    const { credentials, namespaces } = entry
    const options = this.#plain ? undefined : imageOptions({
      cap: this.#options.process_cred === true
        ? capabilitiesJson(credentials.permitted, credentials.effective, credentials.inheritable)
        : '',
      ns: this.#options.process_ns === true ? this.#namespaces.json(namespaces) : '',
      credentials: this.#options.process_cred === true ? credentialsJson(credentials) : '',
      properties: '',
      user: '',
      capabilities: this.#options.process_cred === true ? credentials : undefined,
      environment: undefined,
    })
    const container = this.#containers.at(entry.cgroup_id, entry.cgroup, namespaces.mnt, namespaces.pid, 0)
    return new Image(entry.binary, joined, cwd, credentials.euid, entry.auid, container, entry.cgroup_id, options)
  }

  #imageOptions(view: DataView, at: number, binary: string, environment_text: string): ImageOptions {
    const wanted = this.#options
    const credentials = decodeCredentials(view, at + EXEC_EVENT.credentials)
    const namespaces = decodeNamespaces(view, at + EXEC_EVENT.namespaces)
    const cred = wanted.process_cred === true
    let environment: EnvironmentVariable[] | undefined
    if (environment_text !== '') {
      environment = splitEnvironment(environment_text, wanted.environment_names)
      if (wanted.redactor !== undefined) environment = wanted.redactor.environment(binary, environment)
    }
    const gained = view.getUint32(at + EXEC_EVENT.gained, true)
    const names = wanted.user_names
    if (names !== undefined && this.#namespaces.sharesUsers(namespaces)) {
      const name = names.name(credentials.euid, readNumber(view, at + 8) / 1e6)
      if (name !== '') this.extra += ',"user":' + JSON.stringify(name)
    }
    return imageOptions({
      cap: cred ? capabilitiesJson(credentials.permitted, credentials.effective, credentials.inheritable) : '',
      ns: wanted.process_ns === true ? this.#namespaces.json(namespaces) : '',
      credentials: cred ? credentialsJson(credentials) : '',
      properties: cred ? binaryPropertiesJson(gained, credentials, readNumber(view, at + EXEC_EVENT.inode)) : '',
      user: '',
      capabilities: cred ? credentials : undefined,
      environment,
    })
  }

  #tell(view: DataView, at: number, flags: number): void {
    if ((flags & (EXEC_FLAG.TRUNC_ARGS | EXEC_FLAG.TRUNC_ENVS)) !== 0) {
      const args = (flags & EXEC_FLAG.TRUNC_ARGS) !== 0
      const envs = (flags & EXEC_FLAG.TRUNC_ENVS) !== 0 && this.#options.environment === true
      if (args) this.extra += ',"truncated":["arguments"' + (envs ? ',"environment"]' : ']')
      else if (envs) this.extra += ',"truncated":["environment"]'
    }
    const old_tid = view.getUint32(at + EXEC_EVENT.old_tid, true)
    if (old_tid !== 0 && old_tid !== view.getUint32(at + EXEC_EVENT.pid, true)) this.extra += ',"exec_tid":' + old_tid
    if ((flags & EXEC_FLAG.CREDENTIALS_UNKNOWN) !== 0 && this.#options.process_cred === true) {
      this.extra += ',"credentials_unknown":true'
    }
  }
}

function cwdWithout(flags: number): string {
  return (flags & (EXEC_FLAG.NO_CWD | EXEC_FLAG.ERROR_CWD)) === 0 ? '/' : ''
}

/** filename as execve was given it; a relative one is joined to the working directory, symbolic links stay. */
function absolute(filename: string, cwd: string): string {
  return filename.startsWith('/') || filename === '' ? filename : posix.join(cwd, filename)
}
