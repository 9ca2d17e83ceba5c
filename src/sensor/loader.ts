// Loader: one worker thread that plans policies and loads BPF objects, in the order in which it is asked.
import { BpfObject } from '../../ffi/object.ts'
import type { LoadAnswer, LoadRequest, PlanAnswer, Planned, PlanRequest, ProgramLoaded } from './load_request.ts'

export interface LoadedObject {
  readonly object: BpfObject
  readonly load_ms: number
  readonly programs: readonly ProgramLoaded[]
}

/** The kernel refused a program, or the object could not be set up. */
export class LoadError extends Error {
  override name = 'LoadError'
  /** What the verifier said, '' where it was not asked. */
  readonly log: string

  constructor(message: string, log: string) {
    super(message)
    this.log = log
  }
}

type Answer = LoadAnswer | PlanAnswer

export class Loader implements Disposable {
  #worker: Worker | undefined
  #id = 0
  readonly #waiting = new Map<number, { resolve(answer: Answer): void; reject(error: Error): void }>()

  async load(request: Omit<LoadRequest, 'id'>): Promise<LoadedObject> {
    const answer = await this.#ask(request)
    if (!answer.ok) throw new LoadError(answer.message, answer.log)
    if (!('object' in answer)) throw new TypeError('The loader answered another question')
    return { object: BpfObject.adopt(answer.object), load_ms: answer.load_ms, programs: answer.programs }
  }

  async plan(request: Omit<PlanRequest, 'id'>): Promise<Planned> {
    const answer = await this.#ask(request)
    if (!answer.ok) throw new LoadError(answer.message, answer.log)
    if (!('planned' in answer)) throw new TypeError('The loader answered another question')
    return answer.planned
  }

  [Symbol.dispose](): void {
    this.#worker?.terminate()
    this.#worker = undefined
    this.#fail(new Error('The loader was stopped'))
  }

  /** The thread starts with the first question. */
  #ask(request: Omit<LoadRequest, 'id'> | Omit<PlanRequest, 'id'>): Promise<Answer> {
    const id = ++this.#id
    const worker = this.#worker ??= this.#start()
    return new Promise<Answer>((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject })
      worker.postMessage({ ...request, id })
    })
  }

  #start(): Worker {
    const worker = new Worker(new URL('./load_worker.ts', import.meta.url), { smol: true, ref: false })
    worker.addEventListener('message', (event: MessageEvent<Answer>) => {
      const waiting = this.#waiting.get(event.data.id)
      this.#waiting.delete(event.data.id)
      waiting?.resolve(event.data)
    })
    worker.addEventListener('error', (event) => {
      this.#worker = undefined
      this.#fail(new Error(`The thread that loads programs ended: ${event.message}`))
    })
    return worker
  }

  #fail(error: Error): void {
    const waiting = [...this.#waiting.values()]
    this.#waiting.clear()
    for (const each of waiting) each.reject(error)
  }
}
