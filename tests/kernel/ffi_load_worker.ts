/** Loads an object in a worker and gives it to the main thread, as the agent does with policies. */

import { BpfObject } from '../../ffi/object.ts'

declare const self: Worker

self.onmessage = (event: MessageEvent<string>) => {
  const object = BpfObject.open(event.data)
  for (const program of object.programs) program.setAutoload(program.name === 'on_sys_enter')
  object.load()
  self.postMessage(object.detachToNumbers())
}
