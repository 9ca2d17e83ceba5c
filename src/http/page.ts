// The web page: static files, with headers that let it load nothing from elsewhere and be framed by nobody.
import fs from 'node:fs'
import path from 'node:path'
import { Hono } from 'hono'

const DIRECTORY = path.join(import.meta.dirname, '../ui')

const FILES = [
  ['/', 'page.html', 'text/html; charset=utf-8'],
  ['/ui/page.ts', 'page.ts', 'text/javascript; charset=utf-8'],
  ['/ui/view.ts', 'view.ts', 'text/javascript; charset=utf-8'],
  ['/ui/page.css', 'page.css', 'text/css; charset=utf-8'],
] as const

const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self' data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

/** Files are read when they are first asked for, and kept; types are taken out of scripts there. */
export function pageRoutes(): Hono {
  const app = new Hono()
  const texts = new Map<string, string>()
  for (const [route, file, type] of FILES) {
    app.get(route, (c) => {
      const text = texts.get(file) ?? read(file)
      texts.set(file, text)
      return c.body(text, 200, {
        'Content-Type': type,
        'Content-Security-Policy': POLICY,
        'X-Content-Type-Options': 'nosniff',
        'Referrer-Policy': 'no-referrer',
        'Cache-Control': 'no-cache',
      })
    })
  }
  return app
}

function read(file: string): string {
  const text = fs.readFileSync(path.join(DIRECTORY, file), 'utf8')
  return file.endsWith('.ts') ? new Bun.Transpiler({ loader: 'ts', target: 'browser' }).transformSync(text) : text
}
