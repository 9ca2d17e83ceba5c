// Text forms in hook events: addresses as Go's netip writes them, modes as `ls -l` does.

/** Dotted quad of the four bytes at `at`. */
export function address4(view: DataView, at: number): string {
  return view.getUint8(at) + '.' + view.getUint8(at + 1) + '.' + view.getUint8(at + 2) + '.' + view.getUint8(at + 3)
}

/** RFC 5952: the longest run of zero groups becomes `::`, mapped addresses keep their dotted quad. */
export function address6(view: DataView, at: number): string {
  const groups: number[] = []
  for (let i = 0; i < 16; i += 2) groups.push(view.getUint16(at + i))
  if (groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff) {
    return '::ffff:' + address4(view, at + 12)
  }
  let [best, length] = [-1, 1]
  for (let i = 0; i < 8; i++) {
    let end = i
    while (end < 8 && groups[end] === 0) end++
    if (end - i > length) [best, length] = [i, end - i]
    if (end > i) i = end
  }
  const text = (part: number[]) => part.map((group) => group.toString(16)).join(':')
  return best < 0 ? text(groups) : text(groups.slice(0, best)) + '::' + text(groups.slice(best + length))
}

/** Address of a family, `invalid IP` for others, as Tetragon has it. */
export function addressText(family: number, view: DataView, at: number): string {
  if (family === 2) return address4(view, at)
  if (family === 10) return address6(view, at)
  return 'invalid IP'
}

const KINDS: Readonly<Record<number, string>> = {
  0o01: 'p',
  0o02: 'c',
  0o04: 'd',
  0o06: 'b',
  0o10: '-',
  0o12: 'l',
  0o14: 's',
}

const ESCAPES: Readonly<Record<string, string>> = {
  '"': '\\"',
  '\\': '\\\\',
  '\x07': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
}

/** As Go's %q without its outer quotes: what Tetragon makes of messages and tags. */
export function goEscaped(text: string): string {
  let escaped = ''
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0
    const known = ESCAPES[character]
    if (known !== undefined) escaped += known
    else if (code < 0x20 || code === 0x7f) escaped += '\\x' + code.toString(16).padStart(2, '0')
    else if (/[\p{L}\p{M}\p{N}\p{P}\p{S} ]/u.test(character)) escaped += character
    else {escaped += code < 0x10000
        ? '\\u' + code.toString(16).padStart(4, '0')
        : '\\U' + code.toString(16).padStart(8, '0')}
  }
  return escaped
}

/** Ten characters, `drwxr-xr-x`; nine for what is of no kind: a dentry without inode, an anonymous inode (eventfd, epoll). */
export function permissionText(mode: number): string {
  let text = KINDS[(mode & 0o170000) >> 12] ?? ''
  for (let shift = 6; shift >= 0; shift -= 3) {
    const bits = mode >> shift
    const special = shift === 6 ? mode & 0o4000 : shift === 3 ? mode & 0o2000 : mode & 0o1000
    const letter = shift === 0 ? 't' : 's'
    text += (bits & 4 ? 'r' : '-') + (bits & 2 ? 'w' : '-')
    text += special ? (bits & 1 ? letter : letter.toUpperCase()) : bits & 1 ? 'x' : '-'
  }
  return text
}
