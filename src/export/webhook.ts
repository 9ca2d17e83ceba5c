// Event lines posted to a URL, as NDJSON or as one JSON list.

import { BatchExporter, type BatchOptions, checkAnswer } from './batch.ts'

export interface WebhookOptions {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly format: 'ndjson' | 'json'
  readonly compress: boolean
  /** For one request. */
  readonly timeout_ms: number
  readonly batch: Omit<BatchOptions, 'name'>
}

/** Each batch is one POST; a repeated batch has the same Idempotency-Key, so that a receiver can tell. */
export function createWebhook(options: WebhookOptions): BatchExporter {
  const type = options.format === 'json' ? 'application/json' : 'application/x-ndjson'
  const keys = new WeakMap<object, string>()
  return new BatchExporter({ ...options.batch, name: 'webhook' }, async (lines, signal) => {
    const first = lines[0]
    if (!first) return
    const key = keys.get(first) ?? crypto.randomUUID()
    keys.set(first, key)
    const texts = lines.map(({ line }) => line)
    const text = options.format === 'json' ? `[${texts.join(',')}]` : texts.join('\n') + '\n'
    const headers = new Headers({ 'Content-Type': type, 'Idempotency-Key': key, ...options.headers })
    if (options.compress) headers.set('Content-Encoding', 'gzip')
    await checkAnswer(
      await fetch(options.url, {
        method: 'POST',
        headers,
        body: options.compress ? Bun.gzipSync(Buffer.from(text)) : text,
        redirect: 'error',
        signal: AbortSignal.any([signal, AbortSignal.timeout(options.timeout_ms)]),
      }),
    )
  })
}
