/** Completion as the shells themselves do it: each reads its script and is asked what may follow. */
import { describe, expect, test } from 'bun:test'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { testWhere } from '../kernel/need.ts'

const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'thump-completion-'))
const CLIENT = path.join(import.meta.dirname, '../../src/cli/thump.ts')

const scripts = new Map<string, string>()

function script(shell: string): string {
  const known = scripts.get(shell)
  if (known !== undefined) return known
  const { stdout, exitCode } = Bun.spawnSync([process.execPath, CLIENT, 'completion', shell])
  expect(exitCode).toBe(0)
  scripts.set(shell, stdout.toString())
  return stdout.toString()
}

function run(command: readonly string[]): string {
  // An empty directory, so that no file is offered, and no settings of whoever runs the tests.
  const cwd = fs.mkdtempSync(path.join(directory, 'cwd-'))
  const env = { PATH: process.env.PATH ?? '', HOME: cwd, TERM: 'dumb' }
  return Bun.spawnSync([...command], { cwd, env, stderr: 'pipe', timeout: 50_000 }).stdout.toString()
}

const bash = (line: string) => {
  const words = line.split(' ')
  fs.writeFileSync(path.join(directory, 'bash'), script('bash'))
  const words_text = words.map((word) => `'${word}'`).join(' ')
  const ask = `source ${directory}/bash; COMP_WORDS=(${words_text}); COMP_CWORD=${words.length - 1}; _thump
    printf '%s\\n' "\${COMPREPLY[@]}"`
  return run(['bash', '--norc', '-c', ask]).trim().split('\n')
}

const fish = (line: string) => {
  fs.writeFileSync(path.join(directory, 'fish'), script('fish'))
  return run(['fish', '--no-config', '-c', `source ${directory}/fish; complete -C '${line}'`]).trim().split('\n')
    .map((each) => each.split('\t')[0]!)
}

/** A terminal of its own, where the list is asked for: what it shows once `wanted` is there, and a second more. */
const zsh = (line: string, wanted: string) => {
  fs.mkdirSync(path.join(directory, 'zsh'), { recursive: true })
  fs.writeFileSync(path.join(directory, 'zsh/_thump'), script('zsh'))
  const program = `zmodload zsh/zpty
zpty z "PS1= TERM=dumb zsh -f -i"
zpty -w z 'stty -echo cols 1000; fpath=(${directory}/zsh $fpath); autoload -Uz compinit; compinit -u -D'
zpty -w z 'zstyle ":completion:*" list-colors; LISTMAX=1000; bindkey "^X" list-choices; print READY-$((1+1))'
while zpty -r z out; do [[ $out == *READY-2* ]] && break; done
zpty -n -w z '${line}'$'\\x18'
until [[ $all == *'${wanted}'* ]] { zpty -r z out || break; all+=$out; print -r -- "$out" }
sleep 1
while zpty -r -t z out; do print -r -- "$out"; done
zpty -d z`
  const file = path.join(directory, 'ask.zsh')
  fs.writeFileSync(file, program)
  return run(['zsh', '-f', file])
}

describe.each([['bash', bash], ['fish', fish]] as const)('%s', (shell, ask) => {
  testWhere(Bun.which(shell) === null ? `no ${shell}` : undefined, 'completes commands, actions and options', () => {
    expect(ask('thump ev')).toEqual(['events'])
    expect(ask('thump ').toSorted()).toContain('oci-hook')
    expect(ask('thump ')).toContain('test')
    expect(ask('thump policy li')).toEqual(['list'])
    expect(ask('thump oci-hook un')).toEqual(['uninstall'])
    expect(ask('thump agent st')).toEqual(['stop'])
    expect(ask('thump oci-hook --s').toSorted()).toEqual(['--script', '--socket'])
    expect(ask('thump policy --k8s-api')).toEqual(['--k8s-api-server'])
    expect(ask('thump completion ').filter((word) => !word.startsWith('-')).toSorted()).toEqual(['bash', 'fish', 'zsh'])
  }, 120_000)
})

testWhere(Bun.which('zsh') === null ? 'no zsh' : undefined, 'zsh completes commands, actions and options', () => {
  const commands = zsh('thump ', 'run all tests')
  for (const text of ['events', 'follow events of an agent', 'oci-hook', 'run all tests']) {
    expect(commands).toContain(text)
  }
  const words = zsh('thump oci-hook ', '--on-failure')
  for (const text of ['uninstall', '--socket', '--on-failure']) expect(words).toContain(text)
  expect(words).not.toContain('--types')
}, 120_000)

test('no script has an option cut short, or of another program', () => {
  for (const shell of ['bash', 'zsh', 'fish']) {
    const text = script(shell)
    expect([shell, /--k\b/.test(text), text.includes('oci-hook-socket')]).toEqual([shell, false, false])
  }
})
