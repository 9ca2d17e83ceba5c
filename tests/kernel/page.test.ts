import { expect } from 'bun:test'
import fs from 'node:fs'
import { TestAgent } from './agent.ts'
import { Browser, missingBrowser, portTo } from './browser.ts'
import { testWhere } from './need.ts'

testWhere(
  missingBrowser,
  'the page shows events with filters, a process with its tree, loss and coverage, in Chromium',
  async () => {
    await using agent = await TestAgent.start(['--read-token'])
    using tcp = await portTo(agent.socket)
    await using browser = await Browser.open(`http://127.0.0.1:${tcp.port}/`)

    await browser.until(`document.querySelector('#refused').textContent.includes('Log in')`)
    const token = fs.readFileSync(agent.token_file, 'utf8').trim()
    const login = (text: string) =>
      browser.evaluate(
        `document.querySelector('#login input').value = '${text}'; document.querySelector('#login').requestSubmit()`,
      )
    await login('wrong')
    await browser.until(`document.querySelector('#state').textContent === 'Wrong token'`)
    await login(token)
    await browser.until(`document.querySelector('#state').textContent === 'connected'`)
    expect(await browser.evaluate('document.cookie')).toBe('')

    // Text of an event must stay text.
    await agent.run(['/bin/echo', '<img src=x onerror=alert(1)>'])
    await browser.until(
      `[...document.querySelectorAll('#table td')].some((cell) => cell.textContent.includes('<img src=x'))`,
    )
    expect(await browser.evaluate(`document.querySelectorAll('#table img').length`)).toBe(0)

    await browser.evaluate(
      `[...document.querySelectorAll('#table tr')].find((row) => row.textContent.includes('<img')).click()`,
    )
    await browser.until(`document.querySelector('#tree .self')?.textContent.includes('/bin/echo') === true`)
    expect(await browser.evaluate(`document.querySelectorAll('#tree div').length`)).toBeGreaterThan(1)

    await browser.evaluate(
      `document.querySelector('#state').textContent = 'before'; document.querySelector('#filters [name=binaries]').value = '/bin/true';` +
        `document.querySelector('#filters').requestSubmit()`,
    )
    await browser.until(`document.querySelector('#state').textContent === 'connected'`)
    await agent.run(['/bin/echo', 'hidden'])
    await agent.run(['/bin/true'])
    await browser.until(`document.querySelector('#table tbody').textContent.includes('/bin/true')`)
    expect(await browser.evaluate(`document.querySelector('#table tbody').textContent.includes('hidden')`)).toBe(false)
    await browser.evaluate(
      `document.querySelector('#filters [name=types]').value = 'nonsense'; document.querySelector('#filters').requestSubmit()`,
    )
    await browser.until(`document.querySelector('#refused').textContent.includes('nonsense')`)

    for (const [tab, text] of [['loss', 'kernel reserved'], ['coverage', 'BTF']] as const) {
      await browser.evaluate(`document.querySelector('[data-tab=${tab}]').click()`)
      await browser.until(`document.querySelector('#${tab}').textContent.includes('${text}')`)
    }
    await browser.evaluate(
      `document.querySelector('[data-tab=policies]').click(); document.querySelector('#add textarea').value = 'kind: Wrong';` +
        `document.querySelector('#add [value=plan]').click()`,
    )
    await browser.until(`document.querySelector('#answer').textContent.includes('^')`)
    const refused = browser.complaints.filter((complaint) => !/status of (4\d\d)/.test(complaint))
    expect(refused).toEqual([])
  },
)

const POLICY = `apiVersion: cilium.io/v1alpha1
kind: TracingPolicy
metadata:
  name: foreign
spec:
  kprobes:
  - call: "sys_chroot"
    syscall: true
`

testWhere(
  missingBrowser,
  'a page of another origin can neither read nor change, though the browser is logged in',
  async () => {
    await using agent = await TestAgent.start()
    using tcp = await portTo(agent.socket)
    const home = `http://127.0.0.1:${tcp.port}`
    await using attacker = { // another port is another origin, but the same site: the strict cookie goes along
      server: Bun.serve({
        hostname: '127.0.0.1',
        port: 0,
        fetch: () => new Response('<title>other</title>', { headers: { 'Content-Type': 'text/html' } }),
      }),
      async [Symbol.asyncDispose]() {
        await this.server.stop(true)
      },
    }
    await using browser = await Browser.open(home + '/')
    await browser.until(`document.querySelector('#state')?.textContent === 'connected'`)
    const token = fs.readFileSync(agent.token_file, 'utf8').trim()
    const login =
      `fetch('/v1/login', {method: 'POST', body: JSON.stringify({token: '${token}'})}).then((a) => a.status)`
    expect(await browser.evaluate(login)).toBe(204)
    const post = (base: string) =>
      `fetch('${base}/v1/policies', {method: 'POST', mode: 'no-cors', credentials: 'include', body: ${
        JSON.stringify(POLICY)
      }}).then((a) => a.status)`
    const names = async () => {
      return (await (await agent.request('/v1/policies')).json() as { name: string }[]).map(({ name }) => name)
    }
    await browser.navigate(attacker.server.url.href)
    await browser.until(`document.title === 'other'`)
    expect(await browser.evaluate(post(home))).toBe(0) // opaque
    expect(await names()).toEqual([])
    for (const route of ['/v1/processes', '/v1/events', '/v1/version']) {
      const read = `fetch('${home}${route}', {credentials: 'include'}).then(() => 'read', () => 'refused')`
      expect([route, await browser.evaluate(read)]).toEqual([route, 'refused'])
    }
    // The same request from the agent's own page works: it was the origin that was refused.
    await browser.navigate(home + '/')
    await browser.until(`document.querySelector('#state')?.textContent === 'connected'`)
    expect(await browser.evaluate(post(''))).toBe(201)
    expect(await names()).toEqual(['foreign'])
  },
)
