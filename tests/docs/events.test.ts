import { expect, test } from 'bun:test'
import fs from 'node:fs'
import path from 'node:path'
import { EVENT_KIND } from '../../src/filter/type.ts'

const directory = path.join(import.meta.dirname, '../../docs/events')

test('every kind of event has a page, and every page a kind', () => {
  const pages = fs.readdirSync(directory).filter((name) => name !== 'README.md').map((name) => name.replace('.md', ''))
  const kinds = new Set([...Object.values(EVENT_KIND), 'loss'])
  kinds.delete('test')
  expect(pages.sort()).toEqual([...kinds].sort())
})

test('links between documents lead somewhere', () => {
  const docs = path.join(directory, '..')
  const files = fs.readdirSync(docs, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.md'))
  const broken: string[] = []
  for (const file of [...files.map((name) => path.join(docs, name)), path.join(docs, '../README.md')]) {
    for (
      const [, target] of fs.readFileSync(file, 'utf8').replace(/^ {4}.*$|`[^`]*`/gm, '').matchAll(
        /\]\(([^)#:]+)(?:#[^)]*)?\)/g,
      )
    ) {
      if (!fs.existsSync(path.join(path.dirname(file), target!))) broken.push(`${path.basename(file)}: ${target}`)
    }
  }
  expect(broken).toEqual([])
})
