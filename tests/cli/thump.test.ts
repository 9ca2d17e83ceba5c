import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { processTree } from '../../src/cli/ps.ts'
import { runClient } from '../../src/cli/thump.ts'
import { count, emptyCounts, roundText } from '../../src/cli/top.ts'
import { fakeTerminal } from './terminal.ts'

const PROCESSES = [
  { process: { exec_id: 'a', pid: 1, uid: 0, binary: '/sbin/init' }, ended: false },
  {
    process: { exec_id: 'b', pid: 20, uid: 0, binary: '/bin/bash', arguments: '-c x', parent_exec_id: 'a' },
    ended: false,
  },
  {
    process: {
      exec_id: 'c',
      pid: 30,
      uid: 33,
      binary: '/bin/sleep',
      arguments: '9',
      parent_exec_id: 'b',
      docker: '0123456789abcdef',
    },
    ended: false,
  },
  { process: { exec_id: 'd', pid: 25, uid: 0, binary: '/bin/ls', parent_exec_id: 'b' }, ended: true },
  { process: { exec_id: 'e', pid: 21, uid: 0, binary: '/usr/sbin/sshd', parent_exec_id: 'a' }, ended: false },
]
const POLICIES = [
  {
    name: 'net',
    namespace: '',
    state: 'enabled',
    mode: 'enforce',
    hooks: [1, 2],
    hits: 7,
    kills: 1,
    kernel_memory_bytes: 123456,
    source: 'net.yaml',
  },
  {
    name: 'bad',
    namespace: 'x',
    state: 'load_error',
    errors: [{ file: 'b.yaml', line: 3, column: 5, message: 'Cannot', caret: '  3 | a\n    | ^' }],
  },
]
const MISTAKES = [{
  file: 'p.yaml',
  line: 14,
  column: 13,
  message: 'Cannot attach kprobe "tcp_conect"',
  caret: '  14 |     - call: "tcp_conect"\n     |             ^',
}]

let folder = ''
let server: ReturnType<typeof Bun.serve>
const seen: string[] = []

beforeAll(() => {
  folder = mkdtempSync('/tmp/thump-cli-')
  writeFileSync(join(folder, 'token'), 'sesame\n')
  writeFileSync(join(folder, 'p.yaml'), 'metadata:\n  name: net\n')
  server = Bun.serve({
    unix: join(folder, 'sock'),
    async fetch(request) {
      const { pathname } = new URL(request.url)
      seen.push(`${request.method} ${pathname} ${request.headers.get('authorization')} ${await request.text()}`)
      if (pathname === '/v1/processes') return Response.json(PROCESSES)
      if (request.method === 'GET' && pathname === '/v1/policies') return Response.json(POLICIES)
      if (request.method === 'GET' && pathname === '/v1/policies/net') return Response.json(POLICIES[0])
      if (pathname === '/v1/policies/plan') return Response.json([{ name: 'net', text: 'policy net: 1 hooks\n' }])
      if (request.method === 'POST' && pathname === '/v1/policies') return Response.json(MISTAKES, { status: 409 })
      if (request.method === 'PUT') return Response.json({ name: 'net', namespace: '' })
      if (request.method === 'DELETE') return new Response(null, { status: 204 })
      if (request.method === 'PATCH') return Response.json({ name: 'net' })
      return Response.json({ error: 'no such thing' }, { status: 404 })
    },
  })
})
afterAll(async () => {
  await server.stop(true)
  rmSync(folder, { recursive: true })
})

async function run(...args: string[]) {
  const terminal = fakeTerminal('', { THUMP_SERVER: `unix:${folder}/sock`, THUMP_TOKEN_FILE: `${folder}/token` })
  seen.length = 0
  const status = await runClient(args, terminal)
  return { status, out: terminal.out, err: terminal.err }
}

describe('thump ps', () => {
  test('draws the tree of living processes', async () => {
    expect((await run('ps')).out).toBe(
      ' PID  USER  POD           COMMAND\n' +
        '   1  0                   /sbin/init\n' +
        '  20  0                   ├─ /bin/bash -c x\n' +
        '  30  33    0123456789ab  │  └─ /bin/sleep 9\n' +
        '  21  0                   └─ /usr/sbin/sshd\n',
    )
  })

  test('shows ended ones with --all, and the family of a pid', async () => {
    expect((await run('ps', '--all')).out).toContain('/bin/ls')
    const { out } = await run('ps', '-o', 'json', '20')
    expect((JSON.parse(out) as { pid: number }[]).map(({ pid }) => pid)).toEqual([1, 20, 30])
    expect(await run('ps', '99999')).toMatchObject({ status: 1 })
    expect(await run('ps', 'x')).toMatchObject({ status: 2 })
  })

  test('draws processes in a circle once, and cuts lines', () => {
    const circle = [{ exec_id: 'a', pid: 1, parent_exec_id: 'b', binary: '/a' }, {
      exec_id: 'b',
      pid: 2,
      parent_exec_id: 'a',
      binary: '/b'.repeat(50),
    }]
    const lines = processTree(circle, 40).trimEnd().split('\n')
    expect(lines).toHaveLength(3)
    expect(lines[2]).toHaveLength(40)
    expect(lines[2]).toEndWith('…')
  })
})

describe('thump policy', () => {
  test('lists policies with their mistakes', async () => {
    const { status, out } = await run('policy', 'list')
    expect(status).toBe(0)
    expect(out).toContain('net    enabled     enforce  -       2      7     1      0     123.46 kB  net.yaml\n')
    expect(out).toContain('x/bad  load_error')
    expect(out).toEndWith('b.yaml:3:5: Cannot\n  3 | a\n    | ^\n')
  })

  test('shows one', async () => {
    expect((await run('policy', 'show', 'net')).out).toStartWith('name: net\n')
    expect(JSON.parse((await run('policy', 'show', 'net', '-o', 'json')).out)).toEqual(POLICIES[0]!)
  })

  test('prints mistakes with carets and ends with status 1', async () => {
    expect(await run('policy', 'add', `${folder}/p.yaml`)).toEqual({
      status: 1,
      out: '',
      err: 'p.yaml:14:13: Cannot attach kprobe "tcp_conect"\n  14 |     - call: "tcp_conect"\n     |             ^\n',
    })
  })

  test('replaces what is loaded when asked', async () => {
    expect(await run('policy', 'add', '--replace', `${folder}/p.yaml`)).toMatchObject({
      status: 0,
      out: 'policy "net" added\n',
    })
    expect(seen[1]).toStartWith('PUT /v1/policies/net Bearer sesame metadata:')
  })

  test('plans for people, and as JSON when asked', async () => {
    expect(await run('policy', 'plan', `${folder}/p.yaml`)).toEqual({
      status: 0,
      out: 'policy net: 1 hooks\n',
      err: '',
    })
    const { out } = await run('policy', 'plan', '-o', 'json', `${folder}/p.yaml`)
    expect(JSON.parse(out)).toEqual([{ name: 'net', text: 'policy net: 1 hooks\n' }])
  })

  test('deletes, switches mode, enables and disables', async () => {
    expect(await run('policy', 'delete', 'ns/net')).toMatchObject({ status: 0, out: 'policy "ns/net" deleted\n' })
    expect(seen).toEqual(['DELETE /v1/policies/ns%2Fnet Bearer sesame '])
    expect((await run('policy', 'mode', 'net', 'monitor')).out).toBe('policy "net" set to mode "monitor"\n')
    expect(seen).toEqual(['PATCH /v1/policies/net Bearer sesame {"mode":"monitor"}'])
    await run('policy', 'disable', 'net')
    expect(seen).toEqual(['PATCH /v1/policies/net Bearer sesame {"enabled":false}'])
  })

  for (const args of [[], ['lst'], ['show'], ['mode', 'net', 'off'], ['list', 'x'], ['list', '--nope']]) {
    test(`refuses "policy ${args.join(' ')}" with status 2`, async () =>
      expect((await run('policy', ...args)).status).toBe(2))
  }

  test('says what the agent says, and that none is there', async () => {
    expect(await run('policy', 'show', 'nope')).toMatchObject({
      status: 1,
      err: 'thump policy: no such thing (status 404)\n',
    })
    const { status, err } = await run('policy', 'list', '--server', `unix:${folder}/nothing`)
    expect(status).toBe(1)
    expect(err).toContain('Cannot reach an agent at unix:')
  })
})

describe('thump top', () => {
  test('counts by kind, binary and policy', () => {
    const counts = emptyCounts()
    count(counts, '', '{"process_exec":{"process":{"binary":"/bin/a"}}}')
    count(counts, '', '{"process_kprobe":{"process":{"binary":"/bin/a"},"policy_name":"net"}}')
    count(counts, 'loss', '{"count":5}')
    count(counts, '', 'rubbish')
    const text = roundText({ counts, seconds: 2, rows: 5 }, POLICIES)
    expect(text).toStartWith(
      '1.0 events/s, 5 missed by this view\nprocess_exec 0.5  process_kprobe 0.5\n\nEVENTS/S  BINARY\n1.0       /bin/a\n',
    )
    expect(text).toContain('0.5       7     1      -     net\n')
  })
})

describe('thump completion', () => {
  for (const shell of ['bash', 'zsh', 'fish']) {
    test(`knows commands and options in ${shell}`, async () => {
      const { status, out } = await run('completion', shell)
      expect(status).toBe(0)
      for (const word of ['events', 'policy', 'delete', 'timestamps', 'disable']) {
        expect([word, out.includes(word)]).toEqual([word, true])
      }
    })
  }

  test('is a script that bash can read', async () => {
    const { out } = await run('completion', 'bash')
    const script = `${out}\nCOMP_WORDS=(thump policy de); COMP_CWORD=2; _thump; echo "\${COMPREPLY[@]}"`
    expect(Bun.spawnSync(['bash', '-c', script]).stdout.toString()).toBe('delete\n')
  })

  test('refuses other shells', async () => expect((await run('completion', 'tcsh')).status).toBe(2))
})

test('every command has help with its options and an example', async () => {
  const { out: list } = await run('--help')
  const names = [...list.matchAll(/^ {2}(\w+) +\S/gm)].map((match) => match[1]!).slice(2) // agent and test are the shell's
  expect(names.length).toBeGreaterThan(8)
  for (const name of names) {
    const { status, out } = await run(name, '--help')
    expect([name, status]).toEqual([name, 0])
    expect(out).toContain(`Usage: thump ${name} `)
    expect(out).toMatch(new RegExp(`^  .*thump ${name}\\b`, 'm'))
  }
})
