/**
 * A program inside an object: set up before `object.load()`, attached after it. Borrowed from its object, which it keeps
 * alive and with which it dies; what is to be released is the BpfLink that attaching returns.
 */

import type { Pointer } from 'bun:ffi'
import { live, type Returned } from './assert.ts'
import { attachProgram, type AttachSpec } from './attach.ts'
import { encodeCString, readCString } from './cstring.ts'
import { check } from './error.ts'
import { libbpf } from './library.ts'
import { BpfLink } from './link.ts'
import { type ProgramInfo, programInfo } from './program_info.ts'
import { runTest, type TestRun, type TestRunResult } from './test_run.ts'

/** What a borrowed handle needs of the object that owns it. */
export interface Owner {
  readonly name: string
  /** Throws TypeError once the owner was disposed. */
  assertLive(): void
}

const NAME_BYTES_MAX = 256

export class BpfProgram {
  readonly #owner: Owner
  readonly #handle: Pointer
  readonly name: string

  /** For `ffi/` itself. */
  constructor(owner: Owner, handle: Returned) {
    owner.assertLive()
    this.#owner = owner
    this.#handle = live(handle, 'BpfProgram')
    this.name = readCString(libbpf().bpf_program__name(handle), NAME_BYTES_MAX)
  }

  /** For `ffi/` itself: the handle, checked, for one call. */
  borrow(): Pointer {
    this.#owner.assertLive()
    return live(this.#handle, 'BpfProgram')
  }

  /** As in SEC(): `raw_tp/sched_process_exec`. */
  get section(): string {
    return readCString(libbpf().bpf_program__section_name(this.borrow()), NAME_BYTES_MAX)
  }

  /** Descriptor; ENOENT before the object was loaded or if autoload is off. */
  get fd(): number {
    return check(libbpf().bpf_program__fd(this.borrow()), `get descriptor of program "${this.name}"`)
  }

  /** Instructions before the verifier looked. */
  get instructions(): number {
    return Number(libbpf().bpf_program__insn_cnt(this.borrow()))
  }

  get autoload(): boolean {
    return libbpf().bpf_program__autoload(this.borrow())
  }

  /** Programs that are not to be loaded cost nothing and are not verified. */
  setAutoload(autoload: boolean): void {
    check(libbpf().bpf_program__set_autoload(this.borrow(), autoload), `set autoload of program "${this.name}"`)
  }

  get type(): number {
    return libbpf().bpf_program__type(this.borrow())
  }

  /** One of PROGRAM_TYPE. */
  setType(type: number): void {
    check(libbpf().bpf_program__set_type(this.borrow(), type), `set type ${type} of program "${this.name}"`)
  }

  get expectedAttachType(): number {
    return libbpf().bpf_program__expected_attach_type(this.borrow())
  }

  /** One of ATTACH_TYPE. */
  setExpectedAttachType(type: number): void {
    const rc = libbpf().bpf_program__set_expected_attach_type(this.borrow(), type)
    check(rc, `set attach type ${type} of program "${this.name}"`)
  }

  /**
   * The kernel function (fentry, fexit, fmod_ret), LSM hook without `bpf_lsm_`, or tp_btf tracepoint that the program is
   * for. ESRCH or ENOENT if the kernel's BTF has none. The expected attach type must be set before.
   */
  setAttachTarget(name: string): void {
    const rc = libbpf().bpf_program__set_attach_target(this.borrow(), 0, encodeCString(name))
    check(rc, `set attach target "${name}" of program "${this.name}"`)
  }

  /** Flags of BPF_PROG_LOAD, for example BPF_F_SLEEPABLE (16). */
  setFlags(flags: number): void {
    check(libbpf().bpf_program__set_flags(this.borrow(), flags), `set flags of program "${this.name}"`)
  }

  /** Attaches as `spec` says; `{ kind: 'auto' }` as the section name says. */
  attach(spec: AttachSpec = { kind: 'auto' }): BpfLink {
    return attachProgram(this.borrow(), this.name, spec)
  }

  /** Runs the program once or `repeat` times without attaching (BPF_PROG_TEST_RUN). */
  testRun(run: TestRun = {}): TestRunResult {
    return runTest(this.fd, this.name, run)
  }

  pin(path: string): void {
    check(libbpf().bpf_program__pin(this.borrow(), encodeCString(path)), `pin program "${this.name}" at "${path}"`)
  }

  info(): ProgramInfo {
    return programInfo(this.fd, this.name)
  }
}
