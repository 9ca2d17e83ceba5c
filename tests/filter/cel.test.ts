import { describe, expect, test } from 'bun:test'
import { compileCel } from '../../src/filter/cel.ts'
import { CelError } from '../../src/filter/cel_parse.ts'

const SCOPE = {
  process_exec: {
    process: { pid: 42, uid: 0, binary: '/bin/x', arguments: 'a b', start_time: '2026-01-01T00:00:00Z' },
    ancestors: [{ pid: 3, binary: '/a' }, { pid: 4, binary: '/b' }],
  },
  process_kprobe: { args: [{ size_arg: '18446744073709551615' }, { int_arg: -1 }], action: 'KPROBE_ACTION_SIGKILL' },
}
const NAMES = new Set(['process_exec', 'process_exit', 'process_kprobe'])

const TRUE = [
  'true',
  '1 + 2 * 3 == 7',
  '7 / 2 == 3',
  '-7 % 3 == -1',
  '1.5 + 1.5 == 3.0',
  '(1 + 2) * 3 == 9',
  '1 < 2 && 2 <= 2 && 3 > 2 && 3 >= 3',
  'false || true',
  '!false',
  '1 == 2 ? false : true',
  '"a" + "b" == "ab"',
  '[1, 2] + [3] == [1, 2, 3]',
  '2 in [1, 2]',
  '"k" in {"k": 1}',
  'process_exec.process.pid == 42u',
  'process_exec.process.pid.value == 42',
  'process_exec.process.uid == 0',
  'process_exec.process.binary == "/bin/x"',
  "process_exec.process.binary.startsWith('/bin')",
  'process_exec.process.arguments.contains(" ")',
  'process_exec.process.binary.matches("^/(bin|sbin)/")',
  'matches(process_exec.process.binary, "x$")',
  'process_exec.process.cwd == ""',
  '!has(process_exec.process.cwd)',
  'has(process_exec.process.pid)',
  'process_exit.status == 0',
  'process_exec.process.pod.namespace == ""',
  'process_exec.ancestors.exists(a, a.binary == "/b")',
  'process_exec.ancestors.all(a, a.pid < 10)',
  'process_exec.ancestors.exists_one(a, a.pid == 3)',
  'process_exec.ancestors.filter(a, a.pid > 3).size() == 1',
  'process_exec.ancestors.map(a, a.pid) == [3, 4]',
  'size(process_exec.ancestors) == 2',
  'process_exec.ancestors[1].binary == "/b"',
  'process_kprobe.args[0].size_arg == 18446744073709551615u',
  'process_kprobe.args[0].size_arg > 5',
  'process_kprobe.args[1].int_arg == -1',
  'process_kprobe.action == tetragon.KprobeAction.KPROBE_ACTION_SIGKILL',
  'int("5") == 5',
  'string(5) == "5"',
  'ip("10.1.2.3") == ip("10.1.2.3")',
  'cidr("10.0.0.0/8").containsIP("10.1.2.3")',
  '!cidr("10.0.0.0/8").containsIP(ip("11.1.2.3"))',
  'cidr("fd00::/8").containsIP("fd12::1")',
  '!cidr("fd00::/8").containsIP("10.0.0.1")',
  'cidr("10.0.0.0/8").containsCIDR("10.2.0.0/16")',
  'cidr("10.0.0.0/8").prefixLength() == 8',
  'ip("127.0.0.1").isLoopback()',
  'ip("::1").isLoopback() && ip("::1").family() == 6',
  'ip("8.8.8.8").isGlobalUnicast()',
  'ip("169.254.1.1").isLinkLocalUnicast()',
  'isIP("::ffff:1.2.3.4") && !isIP("1.2.3")',
  'r"a\\b" == "a\\\\b"',
  '"\\x41\\u0042\\103" == "ABC"',
  "'''a'b''' == \"a'b\"",
  'true || 1 / 0 == 1',
  '1 / 0 == 1 || true',
  '!(false && 1 / 0 == 1)',
  '0x10 == 16',
  '// note\n true',
  '"a,b".split(",") == ["a", "b"]',
  '"AbC".lowerAscii() == "abc"',
  'null == null',
  '{"a": 1}.a == 1',
  '"abc".substring(1) == "bc"',
  '["a","b"].join("-") == "a-b"',
]

describe('compileCel()', () => {
  for (const text of TRUE) {
    test(`holds: ${text}`, () => expect(compileCel(text, NAMES).evaluate(SCOPE)).toBe(true))
  }

  for (
    const text of [
      '1 +',
      'nope.x == 1',
      'a',
      '(1',
      '[1',
      '"a',
      '1 2',
      'nofunction(1)',
      '"a".nomethod()',
      'size()',
      'has(a)',
      '"a".matches("(?=b)")',
      'ip("x") == 1',
      '"\\q"',
      '#',
      '('.repeat(100),
      '!'.repeat(1000) + 'true',
    ]
  ) {
    test(`refuses: ${text.slice(0, 40)}`, () => expect(() => compileCel(text, NAMES)).toThrow())
  }

  for (
    const text of [
      '1 / 0 == 1',
      'process_exec.ancestors[5].pid == 1',
      '"a" < 1',
      '1 && true',
      'process_exec.process.pid.x == 1',
      'ip(process_exec.process.binary).isLoopback()',
    ]
  ) {
    test(`has no value: ${text}`, () => expect(() => compileCel(text, NAMES).evaluate(SCOPE)).toThrow(CelError))
  }

  test('names the events that an expression needs', () => {
    expect([...compileCel('process_exec.process.pid == 1 || process_exit.status == 1', NAMES).variables]).toEqual([
      'process_exec',
      'process_exit',
    ])
  })
})
