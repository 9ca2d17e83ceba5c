// KernelFacts of a running agent: probed in a worker on first request, because loading programs would stall the rings.
import type { KernelFacts } from '../kernel/facts.ts'
import type { ProbeOptions } from '../kernel/probe.ts'

export type FactsAnswer = { readonly facts: KernelFacts } | { readonly error: string }

/** Gives a function that probes once and keeps the answer; a failure is tried again by the next call. */
export function factsInWorker(options: ProbeOptions): () => Promise<KernelFacts> {
  let running: Promise<KernelFacts> | null = null
  return () => {
    running ??= probe(options).catch((error: unknown) => {
      running = null
      throw error
    })
    return running
  }
}

async function probe(options: ProbeOptions): Promise<KernelFacts> {
  const worker = new Worker(new URL('./facts_worker.ts', import.meta.url), { smol: true })
  try {
    return await new Promise<KernelFacts>((resolve, reject) => {
      worker.addEventListener('error', (event) => reject(event.error ?? new Error(event.message)))
      worker.addEventListener('message', ({ data }: MessageEvent<FactsAnswer>) => {
        if ('facts' in data) resolve(data.facts)
        else reject(new Error(data.error))
      })
      worker.postMessage(options)
    })
  } finally {
    worker.terminate()
  }
}
