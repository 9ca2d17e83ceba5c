/** JSON of what a process may do and where it lives: Tetragon's `process_credentials`, `ns` and `binary_properties`. */

import { type Credentials, GAINED, type Namespaces } from '../../ffi/wire.gen.ts'
import { secureBitsList } from './capability.ts'

/** JSON object ProcessCredentials of a process (`caps` and `user_ns` belong to hook arguments only). */
export function credentialsJson(credentials: Credentials): string {
  const bits = secureBitsList(credentials.securebits)
  return '{"uid":' + credentials.uid + ',"gid":' + credentials.gid + ',"euid":' + credentials.euid + ',"egid":' +
    credentials.egid + ',"suid":' + credentials.suid + ',"sgid":' + credentials.sgid + ',"fsuid":' +
    credentials.fsuid + ',"fsgid":' + credentials.fsgid + (bits === '' ? '}' : ',"securebits":' + bits + '}')
}

/** In the order of the JSON. */
export const NAMESPACE_NAMES = [
  'uts',
  'ipc',
  'mnt',
  'pid',
  'pid_for_children',
  'net',
  'time',
  'time_for_children',
  'cgroup',
  'user',
] as const

/** Prints namespaces as compared with those of pid 1; nearly all processes live in these, so their text is made once. */
export class NamespacePrinter {
  readonly host: Namespaces
  readonly #host_json: string

  constructor(host: Namespaces) {
    this.host = host
    this.#host_json = this.#print(host)
  }

  json(namespaces: Namespaces): string {
    return this.#isHost(namespaces) ? this.#host_json : this.#print(namespaces)
  }

  /** True where /etc/passwd of the host is that of the process. */
  sharesUsers(namespaces: Namespaces): boolean {
    return namespaces.mnt === this.host.mnt && namespaces.user === this.host.user
  }

  #isHost(namespaces: Namespaces): boolean {
    for (const name of NAMESPACE_NAMES) {
      if (namespaces[name] !== this.host[name]) return false
    }
    return true
  }

  #print(namespaces: Namespaces): string {
    let json = ''
    for (const name of NAMESPACE_NAMES) {
      const inum = namespaces[name]
      if (inum === 0) continue
      json += ',"' + name + '":{"inum":' + inum + (inum === this.host[name] ? ',"is_host":true}' : '}')
    }
    return '{' + json.slice(1) + '}'
  }
}

/**
 * JSON object BinaryProperties, or '' where there is nothing to say. `gained` is enum gained of event.h; `inode` is that
 * of a program without links (deleted, memfd), else 0. Changing to another user than root raises no privileges.
 */
export function binaryPropertiesJson(gained: number, credentials: Credentials, inode: number): string {
  if (gained === 0 && inode === 0) return ''
  let json = ''
  let raised = ''
  if ((gained & GAINED.FILE_CAP) !== 0) raised += ',"PRIVILEGES_RAISED_EXEC_FILE_CAP"'
  if ((gained & GAINED.SETUID) !== 0) {
    json += ',"setuid":' + credentials.euid
    if (credentials.euid === 0) raised += ',"PRIVILEGES_RAISED_EXEC_FILE_SETUID"'
  }
  if ((gained & GAINED.SETGID) !== 0) {
    json += ',"setgid":' + credentials.egid
    if (credentials.egid === 0) raised += ',"PRIVILEGES_RAISED_EXEC_FILE_SETGID"'
  }
  if (raised !== '') json += ',"privileges_changed":[' + raised.slice(1) + ']'
  if (inode !== 0) json += ',"file":{"inode":{"number":"' + inode + '","links":0}}'
  return '{' + json.slice(1) + '}'
}
