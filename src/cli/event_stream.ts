// The agent's event stream as the client reads it: server-sent events, resumed after a break without doubling anything.

import { AgentError } from './client.ts'

export interface StreamOptions {
  /** Opens the stream; `since` is the id of the last event that was taken. Throws AgentError for a refusal. */
  readonly connect: (since: string | undefined) => Promise<Response>
  readonly since: string | undefined
  /** False: a broken connection ends the stream. */
  readonly reconnect: boolean
  /** Told before each pause. */
  readonly onBreak: (reason: string, pause_ms: number) => void
  readonly pause_ms_min?: number
}

export interface StreamItem {
  readonly kind: 'event' | 'loss'
  /** The event's line, or the JSON of what was missed. */
  readonly data: string
}

const PAUSE_MS_MIN = 500
const PAUSE_MS_MAX = 10_000

/** Characters of one message that are accepted; an exec event with 8 MiB of arguments fits. */
const MESSAGE_CHARACTERS_MAX = 64 << 20

/** The first connection must succeed; later ones are tried again, with growing pauses. */
export async function* readEvents(options: StreamOptions): AsyncGenerator<StreamItem> {
  let since = options.since
  let pause_ms = options.pause_ms_min ?? PAUSE_MS_MIN
  let response = await options.connect(since)
  for (;;) {
    let reason = 'the agent closed the connection'
    try {
      for await (const message of parseMessages(response)) {
        pause_ms = options.pause_ms_min ?? PAUSE_MS_MIN
        if (message.id !== '') since = message.id
        yield { kind: message.event === 'loss' ? 'loss' : 'event', data: message.data }
      }
    } catch (error) {
      if (error instanceof MessageTooLong) throw error
      reason = error instanceof Error ? error.message : String(error)
    }
    if (!options.reconnect) return
    for (;;) {
      options.onBreak(reason, pause_ms)
      await Bun.sleep(pause_ms)
      pause_ms = Math.min(pause_ms * 2, PAUSE_MS_MAX)
      try {
        response = await options.connect(since)
        break
      } catch (error) {
        // An agent that is still starting answers with 503; other refusals will not change by waiting.
        if (error instanceof AgentError && error.status !== 503) throw error
        reason = error instanceof Error ? error.message : String(error)
      }
    }
  }
}

export interface Message {
  readonly id: string
  readonly event: string
  readonly data: string
}

class MessageTooLong extends Error {
  override readonly name = 'MessageTooLong'
}

/** Messages of a text/event-stream (https://html.spec.whatwg.org/#server-sent-events); comments are dropped. */
export async function* parseMessages(response: Response): AsyncGenerator<Message> {
  if (!response.body) return
  const decoder = new TextDecoder()
  let pending = ''
  let searched = 0
  for await (const bytes of response.body) {
    pending += decoder.decode(bytes, { stream: true })
    let from = 0
    for (let end = pending.indexOf('\n\n', searched); end >= 0; end = pending.indexOf('\n\n', from)) {
      const message = parseMessage(pending.slice(from, end))
      from = end + 2
      if (message) yield message
    }
    pending = pending.slice(from)
    searched = Math.max(0, pending.length - 1)
    if (pending.length > MESSAGE_CHARACTERS_MAX) {
      throw new MessageTooLong(`Cannot read events: a message is longer than ${MESSAGE_CHARACTERS_MAX} characters`)
    }
  }
}

function parseMessage(block: string): Message | undefined {
  let id = ''
  let event = ''
  const data: string[] = []
  for (const line of block.split('\n')) {
    const colon = line.indexOf(':')
    const field = colon < 0 ? line : line.slice(0, colon)
    const value = colon < 0 ? '' : line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1)
    if (field === 'data') data.push(value)
    else if (field === 'id') id = value
    else if (field === 'event') event = value
  }
  return data.length === 0 ? undefined : { id, event, data: data.join('\n') }
}
