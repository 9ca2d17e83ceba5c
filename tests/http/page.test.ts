import { expect, test } from 'bun:test'
import { app } from './parts.ts'

test('the page is open, loads nothing from elsewhere, and has no types left in its scripts', async () => {
  const closed = app({}, { open_reading: false })
  const page = await closed.request('/')
  expect(page.status).toBe(200)
  const policy = page.headers.get('content-security-policy')!
  expect(policy).toContain("default-src 'none'")
  expect(policy).toContain("frame-ancestors 'none'")
  expect(policy).not.toContain('unsafe')
  const html = await page.text()
  const links = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map((match) => match[1]!)
  expect(links.length).toBe(3)
  for (const link of links) {
    if (link === 'data:,') continue
    expect(link).toStartWith('/ui/')
    expect((await closed.request(link)).status).toBe(200)
  }
  expect(html).not.toMatch(/\son\w+=|style=|<script>/)
  for (const script of ['page.ts', 'view.ts']) {
    const answer = await closed.request(`/ui/${script}`)
    expect(answer.headers.get('content-type')).toStartWith('text/javascript')
    expect(await answer.text()).not.toMatch(/\binterface |: string\)|innerHTML/)
  }
})
