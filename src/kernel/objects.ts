// Where compiled BPF objects lie, and compiling them first where their sources are at hand.
import fs from 'node:fs'
import path from 'node:path'

const ROOT = path.join(import.meta.dirname, '../..')
const COMPILER = path.join(ROOT, 'scripts/bpf.ts')

/** Path of the compiled bpf/NAME.bpf.c. THUMP_BPF_DIR names another directory: the image has no sources. */
export function objectFile(name: string): string {
  return path.join(process.env.THUMP_BPF_DIR ?? path.join(ROOT, 'build/bpf'), `${name}.bpf.o`)
}

interface Compiler {
  ensureObjects(options: { onCompile?: (object: string) => void }): string[]
}

/** Compiles what is missing or older than its sources, unless THUMP_BPF_DIR names ready ones. Throws Error that says what to install. */
export async function prepareObjects(onCompile: (object: string) => void): Promise<void> {
  if (process.env.THUMP_BPF_DIR !== undefined || !fs.existsSync(COMPILER)) return
  const compiler: Compiler = await import(COMPILER)
  compiler.ensureObjects({ onCompile })
}
