// Whether a compiled object and the generated decoders are of the same source.
import type { BpfObject } from '../../ffi/object.ts'
import { WIRE_SIZES } from '../../ffi/wire.gen.ts'

/** Refuses an object that was compiled from other layouts than the decoders. */
export function checkWireSizes(object: BpfObject): void {
  for (const [name, size] of Object.entries(WIRE_SIZES)) {
    const found = object.btf().findStruct(name)
    if (found !== undefined && found.size !== size) {
      throw new Error(
        `Object "${object.name}" does not fit this agent: struct ${name} has ${found.size} bytes, wanted ${size}; compile it again (bun run bpf)`,
      )
    }
  }
}
