/** A type of BTF as C writes it. */

import { BTF_KIND } from './btf_format.ts'
import { type BtfReader, CHAIN_MAX } from './btf_reader.ts'

/** `const struct cred *`, `size_t`, `char [16]`, `void`. */
export function btfTypeName(reader: BtfReader, id: number): string {
  let suffix = ''
  for (let i = 0; i < CHAIN_MAX; i++) {
    const kind = reader.kind(id)
    switch (kind) {
      case BTF_KIND.VOID:
        return `void${suffix}`
      case BTF_KIND.PTR:
        suffix = suffix.startsWith(' *') ? ` *${suffix.slice(1)}` : ` *${suffix}`
        break
      case BTF_KIND.CONST:
      case BTF_KIND.VOLATILE:
      case BTF_KIND.RESTRICT: {
        const word = kind === BTF_KIND.CONST ? 'const' : kind === BTF_KIND.VOLATILE ? 'volatile' : 'restrict'
        const inner = reader.word(id)
        if (reader.kind(inner) !== BTF_KIND.PTR) return `${word} ${btfTypeName(reader, inner)}${suffix}`
        suffix = ` ${word}${suffix}`
        break
      }
      case BTF_KIND.TYPE_TAG:
        break
      case BTF_KIND.ARRAY: {
        const { tables: { view }, at } = reader.at(id)
        return `${btfTypeName(reader, view.getUint32(at + 12, true))} [${view.getUint32(at + 20, true)}]${suffix}`
      }
      case BTF_KIND.STRUCT:
        return `struct ${reader.name(id)}${suffix}`
      case BTF_KIND.UNION:
        return `union ${reader.name(id)}${suffix}`
      case BTF_KIND.FWD:
        return `${reader.at(id).tables.view.getUint32(reader.at(id).at + 4, true) >>> 31 ? 'union' : 'struct'} ${
          reader.name(id)
        }${suffix}`
      case BTF_KIND.ENUM:
      case BTF_KIND.ENUM64:
        return `enum ${reader.name(id)}${suffix}`
      case BTF_KIND.FUNC_PROTO:
        return `function${suffix}`
      default:
        return `${reader.name(id)}${suffix}`
    }
    id = reader.word(id)
  }
  return `?${suffix}`
}
