import { afterAll, beforeAll, expect, test } from 'bun:test'
import fs from 'node:fs'
import path from 'node:path'
import { summary, TestAgent, type TestEvent } from './agent.ts'

let agent: TestAgent

beforeAll(async () => {
  agent = await TestAgent.start(['--enable-process-cred'])
})

afterAll(async () => {
  await agent.requireNoLoss()
  expect(await agent.stop()).toBe(0)
})

function of(events: readonly TestEvent[], kind: string): TestEvent[] {
  return events.filter((event) => event.kind === kind)
}

test('a shell, its programs and how each ends, with parents', async () => {
  const events = await agent.run(['bash', '-c', 'cd /tmp; /bin/echo "two words" é; (exit 3); kill -9 $$'])
  const lines = summary(events).split('\n').sort()
  expect(lines).toEqual([
    'exec /bin/echo  "two words" é',
    'exec /usr/bin/bash  -c "cd /tmp; /bin/echo "two words" é; (exit 3); kill -9 $$"'.replace('  -c', ' -c'),
    'exit /bin/echo  "two words" é',
    'exit /usr/bin/bash -c "cd /tmp; /bin/echo "two words" é; (exit 3); kill -9 $$" 3',
    'exit /usr/bin/bash -c "cd /tmp; /bin/echo "two words" é; (exit 3); kill -9 $$" SIGKILL',
  ])
  const [bash] = of(events, 'process_exec')
  const echo = of(events, 'process_exec').find(({ process }) => process?.binary === '/bin/echo')!
  expect(echo.process!.parent_exec_id).toBe(bash!.process!.exec_id)
  expect(echo.parent).toEqual(bash!.process!)
  expect(echo.process!.cwd).toBe('/tmp')
  const parent_pid = Number(Buffer.from(bash!.process!.parent_exec_id!, 'base64').toString().split(':').at(-1))
  expect(parent_pid).toBe(process.pid)
})

test('exec from another thread than the leading one reports one process', async () => {
  const script =
    'import os,threading\nthreading.Thread(target=lambda: os.execv("/bin/echo", ["echo", "from-thread"])).start()\nimport time; time.sleep(9)'
  const events = await agent.run(['python3', '-c', script])
  const echo = of(events, 'process_exec').find(({ process }) => process?.binary === '/bin/echo')!
  const python = events[0]!
  expect(echo.process!.pid).toBe(python.process!.pid)
  expect(echo.process!.arguments).toBe('from-thread')
  expect(echo.process!.parent_exec_id).toBe(python.process!.exec_id)
  expect((echo.line.thump as { exec_tid?: number }).exec_tid).not.toBe(echo.process!.pid)
  expect(of(events, 'process_exit').length).toBe(1)
})

test('a program without a file: memfd and deleted ones show their inode without links', async () => {
  const script =
    'import os\nfd=os.memfd_create("x",0)\nos.write(fd,open("/bin/true","rb").read())\nos.execve(fd,["x","memory"],{})'
  const events = await agent.run(['python3', '-c', script])
  const memory = of(events, 'process_exec').at(-1)!
  expect(memory.process!.arguments).toBe('memory')
  expect(memory.process!.binary_properties).toMatchObject({ file: { inode: { number: expect.any(String) } } })
})

test('gains by setuid show where a hook saw the credentials before', async () => {
  const copy = path.join(agent.directory, 'id')
  fs.copyFileSync('/usr/bin/id', copy)
  fs.chmodSync(copy, 0o4755)
  fs.chmodSync(agent.directory, 0o755)
  const events = await agent.run(['python3', '-c', `import os; os.setuid(65534); os.execv("${copy}", ["id"])`])
  const id = of(events, 'process_exec').find(({ process }) => process?.binary === copy)!
  expect(id.process!.uid).toBe(0)
  const thump = id.line.thump as { credentials_unknown?: boolean }
  if (thump.credentials_unknown === true) console.log('no hook sees credentials before exec on this kernel')
  else {expect(id.process!.binary_properties).toMatchObject({
      setuid: 0,
      privileges_changed: ['PRIVILEGES_RAISED_EXEC_FILE_SETUID'],
    })}
})

test('a core dump, and every kind of status', async () => {
  const events = await agent.run(['bash', '-c', 'ulimit -c 0; sh -c "kill -SEGV \\$\\$"; sh -c "exit 255"; true'])
  const ends = of(events, 'process_exit').map(({ body }) => body.signal ?? body.status ?? 0)
  expect(ends.map(String).sort()).toEqual(['0', '255', 'SIGSEGV'])
})

test('an event is on stdout within 50 ms, also when it is the last one', async () => {
  const delays: number[] = []
  for (let i = 0; i < 10; i++) {
    await Bun.sleep(20)
    const child = Bun.spawn(['/bin/true'], { stdin: 'ignore', stdout: 'ignore', stderr: 'ignore' })
    await agent.waitFor(({ kind, process }) => kind === 'process_exit' && process?.pid === child.pid)
    const end = agent.events.findLast(({ kind, process }) => kind === 'process_exit' && process?.pid === child.pid)!
    delays.push(Date.now() - Date.parse(String(end.line.time)))
  }
  delays.sort((a, b) => a - b)
  console.log(`delay from exit to reader: least ${delays[0]} ms, median ${delays[5]} ms, most ${delays[9]} ms`)
  // What waits by itself would delay every one, a busy machine delays some.
  expect(delays[0]).toBeLessThan(50)
})

test('older processes come marked procFS, with their parents', () => {
  const own = agent.events.find(({ kind, process: found }) => kind === 'process_exec' && found?.pid === process.pid)!
  expect(own.process!.flags).toContain('procFS')
  expect(own.process!.binary).toBe(fs.readlinkSync('/proc/self/exe'))
  expect(own.parent!.pid).toBe(process.ppid)
  const kernel = agent.events[0]!
  expect(kernel.process!.binary).toBe('<kernel>')
})
