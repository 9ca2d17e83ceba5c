// Calls of the CRI: gRPC on a Unix socket, messages as cri.proto has them.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Client, credentials } from '@grpc/grpc-js'
import protobuf from 'protobufjs'

export class CriClient implements Disposable {
  readonly #client: Client

  constructor(socket: string) {
    // Runtimes refuse the authority that a path would make.
    const options = { 'grpc.default_authority': 'localhost' }
    this.#client = new Client(`unix://${socket}`, credentials.createInsecure(), options)
  }

  call<T>(method: string, request: object, timeout_ms: number): Promise<T> {
    const service = criSchema().lookupService('runtime.v1.RuntimeService')
    const { requestType, responseType } = service.methods[method]!
    const [asked, answered] = [service.lookupType(requestType), service.lookupType(responseType)]
    const deadline = Date.now() + timeout_ms
    return new Promise((resolve, reject) => {
      this.#client.makeUnaryRequest<object, T>(
        `/runtime.v1.RuntimeService/${method}`,
        (request) => Buffer.from(asked.encode(asked.fromObject(request)).finish()),
        (bytes) => answered.toObject(answered.decode(bytes), { longs: String, defaults: true, objects: true }) as T,
        request,
        { deadline },
        (error, answer) => error === null && answer !== undefined ? resolve(answer) : reject(error),
      )
    })
  }

  [Symbol.dispose](): void {
    this.#client.close()
  }
}

let schema: protobuf.Root | null = null

/** Messages of cri.proto, read when first needed. */
export function criSchema(): protobuf.Root {
  const read = () => protobuf.parse(readFileSync(join(import.meta.dirname, 'cri.proto'), 'utf8'), { keepCase: true })
  return schema ??= read().root
}
