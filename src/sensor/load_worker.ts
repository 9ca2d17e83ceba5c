// A thread that has the kernel verify BPF objects, so that the main thread never waits for the verifier.
import { VerifierError } from '../../ffi/error.ts'
import { BpfMap } from '../../ffi/map.ts'
import { BpfObject } from '../../ffi/object.ts'
import type { LoadAnswer, LoadRequest } from './load_request.ts'

declare const self: Worker

self.onmessage = (event: MessageEvent<LoadRequest>) => {
  self.postMessage(answer(event.data))
}

function answer(request: LoadRequest): LoadAnswer {
  try {
    return load(request)
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    return { id: request.id, ok: false, message, log: error instanceof VerifierError ? error.log : '' }
  }
}

export function load(request: LoadRequest): LoadAnswer {
  const { id, file, name, btf, programs } = request
  using stack = new DisposableStack()
  const object = stack.use(BpfObject.open(file, { name, ...(btf === '' ? {} : { btf_path: btf }) }))
  object.section('.rodata.config').write(request.config)
  object.section('.rodata.hash').write(request.hash_key)
  for (const program of object.programs) {
    const wanted = programs.find((each) => each.name === program.name)
    program.setAutoload(wanted !== undefined)
    if (wanted !== undefined && wanted.target !== '') program.setAttachTarget(wanted.target)
  }
  for (const map of object.mapNames) {
    const fd = request.reuse[map]
    const entries = request.entries[map]
    if (fd !== undefined) object.definition(map).reuse(BpfMap.borrow(fd, () => {}))
    else if (entries !== undefined) object.definition(map).setMaxEntries(entries)
  }
  const started = performance.now()
  object.load()
  const load_ms = performance.now() - started
  const loaded = object.programs.filter((program) => program.autoload).map((program) => {
    const { verified_insns, jited_bytes } = program.info()
    return { name: program.name, verified_insns, jited_bytes }
  })
  const moved = object.detachToNumbers()
  stack.move()
  return { id, ok: true, object: moved, load_ms, programs: loaded }
}
