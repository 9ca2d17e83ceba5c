// A thread that plans policies and has the kernel verify BPF objects, so that the main thread waits for neither.
import { VerifierError } from '../../ffi/error.ts'
import { BpfMap } from '../../ffi/map.ts'
import { BpfObject } from '../../ffi/object.ts'
import { MAP_TYPE } from '../../ffi/uapi.ts'
import { type LivePlanFacts, loadedModules, readPlanFacts } from '../kernel/plan_facts.ts'
import { planText } from '../policy/plan.ts'
import { preallocate } from './preallocate.ts'
import type { LoadAnswer, LoadRequest, PlanAnswer, PlanRequest } from './load_request.ts'

declare const self: Worker

/** What was read of the kernel's types and functions serves this long after its last use: they are some 30 MB. */
const FACTS_KEPT_MS = 60_000

let known: { readonly facts: LivePlanFacts; readonly modules: string } | null = null
let forget: Timer | undefined

self.onmessage = (event: MessageEvent<LoadRequest | PlanRequest>) => {
  const request = event.data
  self.postMessage(answer(request.id, () => 'yaml' in request ? plan(request) : load(request)))
}

function answer(id: number, work: () => LoadAnswer | PlanAnswer): LoadAnswer | PlanAnswer {
  try {
    return work()
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    return { id, ok: false, message, log: error instanceof VerifierError ? error.log : '' }
  }
}

function plan({ id, yaml, source, facts, full_trampolines, procfs }: PlanRequest): PlanAnswer {
  // Modules come with types, functions and tracepoints of their own.
  const modules = loadedModules(procfs)
  if (known?.modules !== modules) known = { facts: readPlanFacts(facts, procfs), modules }
  clearTimeout(forget)
  forget = setTimeout(() => {
    known = null
    Bun.gc(true)
  }, FACTS_KEPT_MS)
  forget.unref()
  const { plans, errors, warnings } = planText(source, yaml, { ...known.facts, full_trampolines })
  return { id, ok: true, planned: { plans, errors, warnings } }
}

function load(request: LoadRequest): LoadAnswer {
  const { id, file, name, btf, programs } = request
  // The kernel's types are read anew for each object: a part of what loading costs, as relocation and verification are.
  const started = performance.now()
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
    const definition = object.definition(map)
    if (fd !== undefined) {
      definition.reuse(BpfMap.borrow(fd, () => {}))
      continue
    }
    if (entries !== undefined) definition.setMaxEntries(entries)
    if (request.preallocate) preallocate(definition)
  }
  for (const map of request.plain) if (object.hasMap(map)) object.definition(map).setType(MAP_TYPE.ARRAY)
  object.load()
  const load_ms = performance.now() - started
  const loaded = object.programs.filter((program) => program.autoload).map((program) => {
    const { verified_insns, jited_bytes, xlated_bytes } = program.info()
    return { name: program.name, verified_insns, jited_bytes, xlated_bytes }
  })
  const moved = object.detachToNumbers()
  stack.move()
  return { id, ok: true, object: moved, load_ms, programs: loaded }
}
