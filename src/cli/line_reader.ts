// Lines of a byte stream, bounded in length.

/** Longest line that is read whole, in characters; what is longer is skipped and reported. */
const LINE_CHARACTERS_MAX = 64 << 20

/** Yields lines without their newline, undefined for one that was too long; the last needs no newline. */
export async function* readLines(
  stream: ReadableStream<Uint8Array>,
  characters_max = LINE_CHARACTERS_MAX,
): AsyncGenerator<string | undefined> {
  const decoder = new TextDecoder()
  let pending = ''
  let skipping = false
  for await (const bytes of stream) {
    const text = decoder.decode(bytes, { stream: true })
    let from = 0
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', from)) {
      const line = pending + text.slice(from, end)
      from = end + 1
      pending = ''
      if (skipping) yield undefined
      else yield line
      skipping = false
    }
    if (!skipping) pending += text.slice(from)
    if (pending.length > characters_max) {
      pending = ''
      skipping = true
    }
  }
  if (skipping) yield undefined
  else if (pending !== '') yield pending
}
