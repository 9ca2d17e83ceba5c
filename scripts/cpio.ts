/** Writes "newc" cpio archives, the form in which the kernel takes an initramfs; from host files, under other names and owners if need be. */
import { closeSync, lstatSync, openSync, readFileSync, readlinkSync, writeSync } from 'node:fs'

const DIRECTORY = 0o040000
const FILE = 0o100000
const SYMLINK = 0o120000
const TYPE_MASK = 0o170000

/** Everything is owned by root and has no times, so that the same input gives the same bytes. Parents are added by themselves. */
export class CpioWriter {
  #fd: number
  #inode = 1
  #bytes = 0
  #names = new Set<string>()

  constructor(path: string) {
    this.#fd = openSync(path, 'w')
  }

  /** Adds a directory; a name already in the archive is left as it is. */
  directory(name: string, mode = 0o755): void {
    if (this.#enter(name)) this.#entry(name, DIRECTORY | mode, new Uint8Array())
  }

  /** Adds a file with this content. */
  file(name: string, content: string | Uint8Array, mode = 0o644): void {
    const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content
    if (this.#enter(name)) this.#entry(name, FILE | mode, bytes)
  }

  symlink(name: string, target: string): void {
    if (this.#enter(name)) this.#entry(name, SYMLINK | 0o777, new TextEncoder().encode(target))
  }

  /** Copies a file, symlink or (empty) directory of the host; other kinds are left out. */
  copy(path: string, name: string): void {
    const stat = lstatSync(path)
    const type = stat.mode & TYPE_MASK
    if (type === DIRECTORY) this.directory(name, stat.mode & 0o7777)
    else if (type === SYMLINK) this.symlink(name, readlinkSync(path))
    else if (type === FILE) this.file(name, readFileSync(path), stat.mode & 0o7777)
  }

  has(name: string): boolean {
    return this.#names.has(name)
  }

  /** Ends the archive, padded to 512 bytes so that another one can follow. */
  [Symbol.dispose](): void {
    if (this.#fd < 0) return
    this.#entry('TRAILER!!!', 0, new Uint8Array())
    this.#write(new Uint8Array((512 - this.#bytes % 512) % 512))
    closeSync(this.#fd)
    this.#fd = -1
  }

  #enter(name: string): boolean {
    if (this.#names.has(name)) return false
    const slash = name.lastIndexOf('/')
    if (slash > 0) this.directory(name.slice(0, slash))
    this.#names.add(name)
    return true
  }

  #entry(name: string, mode: number, content: Uint8Array): void {
    const path = new TextEncoder().encode(name + '\0')
    // ino, mode, uid, gid, nlink, mtime, filesize, devmajor, devminor, rdevmajor, rdevminor, namesize, check
    const fields = [this.#inode++, mode, 0, 0, 1, 0, content.length, 0, 0, 0, 0, path.length, 0]
    const header = '070701' + fields.map((field) => field.toString(16).padStart(8, '0')).join('')
    this.#write(new TextEncoder().encode(header))
    this.#write(path)
    this.#pad()
    this.#write(content)
    this.#pad()
  }

  #pad(): void {
    this.#write(new Uint8Array((4 - this.#bytes % 4) % 4))
  }

  #write(bytes: Uint8Array): void {
    let at = 0
    while (at < bytes.length) at += writeSync(this.#fd, bytes, at)
    this.#bytes += bytes.length
  }
}
