import { expect, test } from 'bun:test'
import { processSource } from '../../src/main/processes.ts'
import { ProcessCache } from '../../src/process/cache.ts'
import { WallClock } from '../../src/process/clock.ts'
import { ExecIds } from '../../src/process/exec_id.ts'
import { Image } from '../../src/process/fragment.ts'
import { type Node, Process } from '../../src/process/process.ts'

const NODE: Node = {
  ids: new ExecIds('n'),
  clock: new WallClock({ monotonic_ns: 0n, realtime_ns: 0n, boottime_ns: 0n }),
}
const IMAGE = new Image('/bin/x', '', '/', 0, 0, undefined, 0, undefined)

function create(key: number, pid: number, parent?: Process): Process {
  return new Process(NODE, 'exec', key, pid, key, 0, parent, '', IMAGE, 'execve', false)
}

test('processSource() shows processes with parent, ancestors and children', () => {
  const cache = new ProcessCache()
  const root = create(1, 1)
  const shell = create(2, 7, root)
  const child = create(3, 8, shell)
  for (const process of [root, shell, child, create(4, 9, child)]) cache.add(process, 0)
  cache.end(child, 1)
  const source = processSource(cache)
  const listed = source.list() as { process: { pid: number }; ended: boolean }[]
  expect(listed.map(({ process, ended }) => [process.pid, ended])).toEqual([
    [1, false],
    [7, false],
    [8, true],
    [9, false],
  ])
  expect([...source.texts()].map((text) => JSON.parse(text) as unknown)).toEqual([...source.list()])
  expect(source.get(child.exec_id)).toMatchObject({
    process: { pid: 8 },
    parent: { process: { pid: 7 } },
    ancestors: [{ process: { pid: 1 } }],
    children: [{ process: { pid: 9 } }],
  })
  expect(source.get('nothing')).toBeNull()
})
