/** A map from numbers to objects in arrays: entries come and go with every process, and a Map pays for each with garbage. */

const FIRST_SLOTS = 256
/** Of a slot that holds nothing; keys are 0 and above. */
const EMPTY = -1

/** Open addressing, never more than half full. Iterates in no order. */
export class NumberMap<V extends object> {
  #keys = new Float64Array(FIRST_SLOTS).fill(EMPTY)
  #values = new Array<V | undefined>(FIRST_SLOTS).fill(undefined)
  #mask = FIRST_SLOTS - 1
  #size = 0

  get size(): number {
    return this.#size
  }

  get(key: number): V | undefined {
    const keys = this.#keys
    const mask = this.#mask
    for (let slot = place(key) & mask;; slot = (slot + 1) & mask) {
      const found = keys[slot]!
      if (found === key) return this.#values[slot]
      if (found === EMPTY) return undefined
    }
  }

  /** `key` must be a whole number from 0 to 2^53. */
  set(key: number, value: V): void {
    if (this.#size * 2 >= this.#mask) this.#grow()
    const slot = this.#slot(key)
    if (this.#keys[slot] === EMPTY) {
      this.#keys[slot] = key
      this.#size++
    }
    this.#values[slot] = value
  }

  delete(key: number): boolean {
    const keys = this.#keys
    const values = this.#values
    const mask = this.#mask
    let free = this.#slot(key)
    if (keys[free] === EMPTY) return false
    // What stands behind it moves up, so that no search ends at the gap too early.
    for (let slot = (free + 1) & mask; keys[slot] !== EMPTY; slot = (slot + 1) & mask) {
      const wanted = place(keys[slot]!) & mask
      if (((slot - wanted) & mask) < ((slot - free) & mask)) continue
      keys[free] = keys[slot]!
      values[free] = values[slot]
      free = slot
    }
    keys[free] = EMPTY
    values[free] = undefined
    this.#size--
    return true
  }

  /** The first value in a slot from `slot` on, and the slot behind it; from the beginning again at the end. */
  next(slot: number): { readonly value: V | undefined; readonly next: number } {
    const slots = this.#mask + 1
    for (let i = 0; i < slots; i++) {
      const at = (slot + i) & this.#mask
      const value = this.#values[at]
      if (value !== undefined) return { value, next: at + 1 }
    }
    return { value: undefined, next: 0 }
  }

  *values(): Generator<V> {
    for (const value of this.#values) if (value !== undefined) yield value
  }

  /** Where `key` is, or belongs. */
  #slot(key: number): number {
    const keys = this.#keys
    const mask = this.#mask
    let slot = place(key) & mask
    for (let found = keys[slot]!; found !== key && found !== EMPTY; found = keys[slot]!) slot = (slot + 1) & mask
    return slot
  }

  #grow(): void {
    const [keys, values] = [this.#keys, this.#values]
    const slots = keys.length * 2
    this.#keys = new Float64Array(slots).fill(EMPTY)
    this.#values = new Array<V | undefined>(slots).fill(undefined)
    this.#mask = slots - 1
    for (let from = 0; from < keys.length; from++) {
      if (keys[from] === EMPTY) continue
      const to = this.#slot(keys[from]!)
      this.#keys[to] = keys[from]!
      this.#values[to] = values[from]
    }
  }
}

/** Spreads keys that count up, also in steps of a power of two. */
function place(key: number): number {
  const high = Math.floor(key / 0x1_0000_0000)
  const mixed = Math.imul((key - high * 0x1_0000_0000) ^ Math.imul(high, 0x85eb_ca6b), 0x9e37_79b1)
  return (mixed ^ (mixed >>> 15)) >>> 0
}
