// The thread that probes the kernel for facts.ts.
import { probeFacts, type ProbeOptions } from '../kernel/probe.ts'
import type { FactsAnswer } from './facts.ts'

declare const self: Worker

self.onmessage = ({ data }: MessageEvent<ProbeOptions>) => {
  let answer: FactsAnswer
  try {
    answer = { facts: probeFacts(data) }
  } catch (error) {
    answer = { error: error instanceof Error ? error.message : String(error) }
  }
  self.postMessage(answer)
}
