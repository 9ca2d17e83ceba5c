// What planning asks about a kernel and its files. Live: src/kernel/plan_facts.ts; in tests: recorded answers.
import type { AttachFact, AttachKind } from '../kernel/facts.ts'
import type { Abi } from '../kernel/syscall.ts'

/** A type as BTF has it, typedefs and qualifiers peeled off; ids are those of one TypeTable. */
export type KernelType =
  | { readonly kind: 'void' | 'function' | 'float' | 'other'; readonly id: number }
  | {
    readonly kind: 'int'
    readonly id: number
    readonly name: string
    readonly size: number
    readonly signed: boolean
  }
  | { readonly kind: 'pointer'; readonly id: number; readonly to: number }
  | { readonly kind: 'array'; readonly id: number; readonly element: number; readonly length: number }
  | {
    readonly kind: 'struct' | 'union' | 'forward' | 'enum'
    readonly id: number
    readonly name: string
    readonly size: number
  }

export interface KernelMember {
  readonly name: string
  readonly type: number
  readonly bit_offset: number
  readonly bit_size: number
}

export interface KernelFunction {
  readonly name: string
  readonly parameters: readonly { readonly name: string; readonly type: number }[]
  readonly returns: number
  readonly variadic: boolean
}

/** The part of Btf (ffi/btf.ts) that planning uses. */
export interface TypeTable {
  functionNames(): Iterable<string>
  findFunction(name: string): KernelFunction | undefined
  findStruct(name: string): { readonly id: number } | undefined
  findUnion(name: string): { readonly id: number } | undefined
  findTypedef(name: string): number | undefined
  /** Prototype of a function type. */
  function(id: number): KernelFunction
  struct(id: number): { readonly members: readonly KernelMember[] }
  findMember(id: number, name: string): KernelMember | undefined
  resolve(id: number): KernelType
  sizeOf(id: number): number
  typeName(id: number): string
}

export interface TracepointField {
  readonly name: string
  /** As the format file declares it, without the name: `const char *`, `__data_loc char[]`, `unsigned long[6]`. */
  readonly type: string
  readonly offset: number
  readonly size: number
  readonly signed: boolean
}

/** One place of a static probe and how its arguments are found there, as the note says. */
export interface StaticProbe {
  readonly offset: bigint
  readonly semaphore: bigint
  readonly arguments: readonly StaticArgument[]
}

export type StaticArgument =
  | { readonly kind: 'register'; readonly size: number; readonly signed: boolean; readonly register: string }
  | { readonly kind: 'constant'; readonly size: number; readonly signed: boolean; readonly value: bigint }
  | {
    readonly kind: 'memory'
    readonly size: number
    readonly signed: boolean
    readonly register: string
    readonly displacement: number
    /** A second register, whose value times `scale` is added. */
    readonly index?: { readonly register: string; readonly scale: number }
  }
  | { readonly kind: 'unknown'; readonly text: string }

export interface UserBinary {
  /** File offset of a symbol, also `name+0x10`; undefined if there is none of that name. */
  symbol(name: string): bigint | undefined
  symbolNames(): readonly string[]
  /** File offset of a virtual address. */
  address(virtual: bigint): bigint | undefined
  /** True if the file has that digest or build id; undefined where it cannot be computed. */
  digest(wanted: string): boolean | undefined
  probes(provider: string, name: string): readonly StaticProbe[]
  probeNames(): readonly string[]
}

export interface PlanFacts {
  readonly release: string
  readonly version: readonly [major: number, minor: number]
  readonly architecture: Abi
  readonly attach: Readonly<Record<AttachKind, AttachFact>>
  /** Null: no BTF, so no function can be checked. */
  readonly types: TypeTable | null
  /** BTF of a loaded module. */
  moduleTypes(module: string): TypeTable | undefined
  /** BTF inside a program or library, for btfPath. */
  fileTypes(path: string): TypeTable | undefined
  /** Module in whose BTF a function is, when it is not in the kernel's. */
  moduleOf(name: string): string | undefined
  /** Can be traced: in available_filter_functions where that can be read, else in kallsyms; undefined: nobody knows. */
  traceable(name: string): boolean | undefined
  traceableNames(): readonly string[]
  /** Another task may get the CPU while a trampoline's program runs; the kernel then skips that program for it. */
  readonly preempts: boolean
  /** Functions whose trampoline takes no further program (BPF_MAX_TRAMP_LINKS, 38 since 6.1). */
  readonly full_trampolines: ReadonlySet<string>
  /** Whether a program can be attached by the types of a module. */
  readonly module_trampolines: AttachFact
  /** Fields in order of the format file; null: no such tracepoint; undefined: tracefs cannot be read. */
  tracepoint(subsystem: string, event: string): readonly TracepointField[] | null | undefined
  /** `subsystem/event` of all. */
  tracepointNames(): readonly string[]
  /** Inode number of the host's namespace by its name in the policy language; 0 if the kernel has no such namespace. */
  readonly host_namespaces: Readonly<Record<string, number>>
  /** A text says why the file cannot be used. */
  binary(path: string): UserBinary | string
}
