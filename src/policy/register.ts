// Registers by name: where each stands in the kernel's struct pt_regs, and how many bytes of it the name means.

export interface Register {
  readonly offset: number
  readonly size: number
}

/** Order of struct pt_regs on x86-64 (arch/x86/include/asm/ptrace.h), 8 bytes each. */
const X64 = [
  'r15',
  'r14',
  'r13',
  'r12',
  'rbp',
  'rbx',
  'r11',
  'r10',
  'r9',
  'r8',
  'rax',
  'rcx',
  'rdx',
  'rsi',
  'rdi',
  'orig_rax',
  'rip',
  'cs',
  'eflags',
  'rsp',
  'ss',
]

const X64_PARTS = new Map<string, Register>()
X64.forEach((name, i) => {
  const offset = i * 8
  X64_PARTS.set(name, { offset, size: 8 })
  const numbered = /^r(\d+)$/.exec(name)
  if (numbered !== null) {
    X64_PARTS.set(`${name}d`, { offset, size: 4 }).set(`${name}w`, { offset, size: 2 }).set(`${name}b`, {
      offset,
      size: 1,
    })
    return
  }
  if (!/^r[a-z][a-z]$/.test(name) || name === 'rip') return
  const letters = name.slice(1)
  X64_PARTS.set(`e${letters}`, { offset, size: 4 }).set(letters, { offset, size: 2 })
  if (letters.endsWith('x')) {
    X64_PARTS.set(`${letters[0]}l`, { offset, size: 1 }).set(`${letters[0]}h`, { offset: offset + 1, size: 1 })
  } else X64_PARTS.set(`${letters}l`, { offset, size: 1 })
})
X64_PARTS.set('eip', { offset: 128, size: 4 }).set('eflags', { offset: 144, size: 8 })

/** struct user_pt_regs of arm64: x0 to x30, sp, pc, pstate. */
const ARM64_PARTS = new Map<string, Register>()
for (let i = 0; i <= 30; i++) {
  ARM64_PARTS.set(`x${i}`, { offset: i * 8, size: 8 }).set(`w${i}`, { offset: i * 8, size: 4 })
}
ARM64_PARTS.set('sp', { offset: 248, size: 8 }).set('pc', { offset: 256, size: 8 }).set('pstate', {
  offset: 264,
  size: 8,
})

export function findRegister(name: string, architecture: string): Register | undefined {
  return (architecture === 'arm64' ? ARM64_PARTS : X64_PARTS).get(name.replace(/^%/, ''))
}

export function registerNames(architecture: string): string[] {
  return [...(architecture === 'arm64' ? ARM64_PARTS : X64_PARTS).keys()]
}

const USER_X64 = ['rdi', 'rsi', 'rdx', 'rcx', 'r8', 'r9']

/** The register that passes parameter `index` of a user function; undefined for those on the stack. */
export function parameterRegister(index: number, architecture: string): string | undefined {
  return architecture === 'arm64' ? index < 8 ? `x${index}` : undefined : USER_X64[index]
}
