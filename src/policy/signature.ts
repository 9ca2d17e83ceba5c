// Signatures of policies: Ed25519 over the bytes of a file, detached (NAME.yaml.sig) or carried in front of the text.
import { createPublicKey, type KeyObject, verify } from 'node:crypto'

/** First line of a text that carries its signature; what follows the line is what was signed. */
const HEADER = '# thump-signature: '
const SIGNATURE_BYTES = 64

/** `signature`: 64 bytes, or their base64. Throws RangeError for anything else. */
export function withSignature(text: string, signature: Uint8Array): string {
  const base64 = signature.length === SIGNATURE_BYTES
    ? Buffer.from(signature).toString('base64')
    : Buffer.from(signature).toString('latin1').trim()
  if (!isSignature(base64)) {
    throw new RangeError(`Cannot read signature: want ${SIGNATURE_BYTES} bytes, or their base64`)
  }
  return `${HEADER}${base64}\n${text}`
}

export class PolicyKey {
  readonly #key: KeyObject

  /** `pem` is a public key as `openssl pkey -pubout` prints it. Throws RangeError for another kind of key. */
  constructor(pem: string) {
    let key: KeyObject
    try {
      key = createPublicKey(pem)
    } catch (error) {
      throw new RangeError('Cannot read policy key: not a public key in PEM form', { cause: error })
    }
    if (key.asymmetricKeyType !== 'ed25519') {
      throw new RangeError(`Cannot use policy key: it is ${key.asymmetricKeyType}, want ed25519`)
    }
    this.#key = key
  }

  /** The signed text without its signature; null where there is none, or it is not of this key. */
  open(text: string): string | null {
    const end = text.indexOf('\n')
    if (!text.startsWith(HEADER) || end < 0) return null
    const base64 = text.slice(HEADER.length, end).trim()
    const signed = text.slice(end + 1)
    if (!isSignature(base64)) return null
    return verify(null, Buffer.from(signed), this.#key, Buffer.from(base64, 'base64')) ? signed : null
  }
}

function isSignature(base64: string): boolean {
  return /^[A-Za-z0-9+/]{86}==$/.test(base64)
}
