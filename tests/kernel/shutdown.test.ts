import { expect, test } from 'bun:test'
import { TestAgent } from './agent.ts'

test('subscribers get the last event before the agent ends, and a doubled SIGTERM is one', async () => {
  await using agent = await TestAgent.start()
  const response = await agent.request('/v1/events?binaries=/bin/echo')
  let text = ''
  const reading = (async () => {
    for await (const bytes of response.body!) text += new TextDecoder().decode(bytes)
    return 'ended in order'
  })()
  await Bun.sleep(100)
  Bun.spawnSync(['/bin/echo', 'last words'])
  agent.child.kill('SIGTERM')
  await Bun.sleep(20)
  agent.child.kill('SIGTERM')
  expect(await agent.exited()).toBe(0)
  expect(await reading).toBe('ended in order')
  expect(text.match(/^data: \{"process_exec".*last words/gm)?.length).toBe(1)
  expect(text.match(/^data: \{"process_exit".*last words/gm)?.length).toBe(1)
  expect(agent.stderr).not.toContain('asked again')
})
