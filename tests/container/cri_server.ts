/** A container runtime for tests: answers the CRI calls of cri.proto from what it is given. */
import { Server, ServerCredentials, status as STATUS } from '@grpc/grpc-js'
import type { handleUnaryCall } from '@grpc/grpc-js'
import { criSchema } from '../../src/container/cri_client.ts'

export interface FakeContainer {
  readonly id: string
  readonly sandbox: string
  readonly name: string
  readonly image: string
}

export interface FakeSandbox {
  readonly id: string
  readonly name: string
  readonly namespace: string
  readonly uid: string
  readonly labels: Record<string, string>
  readonly annotations?: Record<string, string>
}

type Request = { filter?: { id: string }; container_id?: string; pod_sandbox_id?: string }

export class FakeCri implements Disposable {
  readonly containers: FakeContainer[] = []
  readonly sandboxes: FakeSandbox[] = []
  readonly calls: string[] = []
  /** Before each answer, in ms. */
  delay_ms = 0
  readonly #server = new Server()

  async listen(socket: string): Promise<void> {
    const service = criSchema().lookupService('runtime.v1.RuntimeService')
    for (const [name, method] of Object.entries(service.methods)) {
      const [asked, answered] = [service.lookupType(method.requestType), service.lookupType(method.responseType)]
      const path = `/runtime.v1.RuntimeService/${name}`
      const handler: handleUnaryCall<Request, object> = async ({ request }, callback) => {
        this.calls.push(name)
        await Bun.sleep(this.delay_ms)
        const answer = this.#answer(name, request)
        if (answer === undefined) callback({ code: STATUS.NOT_FOUND, details: 'not found' })
        else callback(null, answer)
      }
      this.#server.register(
        path,
        handler,
        (answer: object) => Buffer.from(answered.encode(answered.fromObject(answer)).finish()),
        (bytes: Buffer) => asked.toObject(asked.decode(bytes), { defaults: true }) as Request,
        'unary',
      )
    }
    await new Promise<void>((resolve, reject) => {
      this.#server.bindAsync(`unix://${socket}`, ServerCredentials.createInsecure(), (error) => {
        if (error === null) resolve()
        else reject(error)
      })
    })
  }

  [Symbol.dispose](): void {
    this.#server.forceShutdown()
  }

  #answer(method: string, request: Request): object | undefined {
    switch (method) {
      case 'Version':
        return { version: '0.1.0', runtime_name: 'containerd', runtime_version: '1.7', runtime_api_version: 'v1' }
      case 'ListContainers': {
        const found = this.containers.filter(({ id }) => id.startsWith(request.filter?.id ?? ''))
        return {
          containers: found.map(({ id, sandbox, name, image }) => {
            return { id, pod_sandbox_id: sandbox, metadata: { name }, image: { image }, image_ref: 'sha256:1' }
          }),
        }
      }
      case 'ContainerStatus': {
        const found = this.containers.find(({ id }) => id === request.container_id)
        if (found === undefined) return undefined
        const { id, name, image } = found
        const started_at = String(BigInt(Date.parse('2026-11-22T14:00:00Z')) * 1_000_000n)
        return { status: { id, metadata: { name }, started_at, image: { image }, image_ref: `${image}@sha256:2` } }
      }
      case 'PodSandboxStatus': {
        const found = this.sandboxes.find(({ id }) => id === request.pod_sandbox_id)
        if (found === undefined) return undefined
        const { id, name, namespace, uid, labels, annotations = {} } = found
        return { status: { id, metadata: { name, namespace, uid }, labels, annotations } }
      }
    }
    return undefined
  }
}
