import { expect, test } from 'bun:test'
import { type ConfigSources, parseConfig, UsageError, wantsHelp } from '../src/config.ts'
import { FLAG_LIST, flagHelp } from '../src/flags.ts'

function sources(argv: string[], changes: Partial<ConfigSources> = {}): ConfigSources {
  return {
    argv,
    env: {},
    hostname: 'host',
    readText: (path) => {
      throw new Error(`ENOENT: ${path}`)
    },
    exists: () => false,
    ...changes,
  }
}

function message(argv: string[], changes: Partial<ConfigSources> = {}): string {
  try {
    parseConfig(sources(argv, changes))
  } catch (error) {
    if (error instanceof UsageError) return error.message
    throw error
  }
  return 'no error'
}

test('parseConfig() gives every default without any source', () => {
  const config = parseConfig(sources([]))
  expect(config.listen).toEqual({ kind: 'tcp', host: '127.0.0.1', port: 8467 })
  expect(config.policies).toEqual([])
  expect(config.argument_bytes).toBe(1 << 20)
  expect(config.node_name).toBe('host')
  expect(config.cgroup_rate).toBeNull()
  expect(config.export_file_mode).toBe(0o600)
})

test('parseConfig() prefers flag to environment to file to default', () => {
  const readText = () => 'process-cache-size: 2000\nrb-size: 1M\ncluster-name: file\n'
  const env = { THUMP_RB_SIZE: '2M', THUMP_CLUSTER_NAME: 'environment', THUMP_CONFIG: '/c.yaml' }
  const config = parseConfig(sources(['--cluster-name=flag'], { env, readText }))
  expect(config.process_cache_size).toBe(2000)
  expect(config.ring_bytes_per_cpu).toBe(2 << 20)
  expect(config.cluster_name).toBe('flag')
})

test('parseConfig() takes the last of a flag given twice, and all of --policies', () => {
  const config = parseConfig(
    sources(['--cluster-name', 'a', '--cluster-name', 'b', '--policies', '/a', '--policies=/b'], {
      exists: () => true,
    }),
  )
  expect(config.cluster_name).toBe('b')
  expect(config.policies).toEqual(['/a', '/b'])
})

test('parseConfig() takes the default policy directory only if it exists', () => {
  expect(parseConfig(sources([], { exists: (path) => path === '/etc/thump/policies' })).policies).toEqual([
    '/etc/thump/policies',
  ])
  expect(parseConfig(sources(['--policies', 'none'], { exists: () => true })).policies).toEqual([])
  expect(message(['--policies', '/nope'])).toBe(
    'Invalid value "/nope" for flag --policies, want an existing directory or none',
  )
})

test('parseConfig() knows the names of Tetragon', () => {
  const config = parseConfig(
    sources(['--export-filename', '/tmp/x', '--enable-ancestors=base,kprobe', '--enable-process-cred']),
  )
  expect(config.export_file).toBe('/tmp/x')
  expect(config.ancestors).toEqual(['base', 'kprobe'])
  expect(config.process_credentials).toBe(true)
})

test('parseConfig() takes flags of Tetragon that mean nothing here, and says which', () => {
  const argv = [
    '--parents-map-enabled',
    '--process-cache-gc-interval',
    '30s',
    '--rb-queue-size=1',
    '--enable-process-ns',
  ]
  const config = parseConfig(sources(argv))
  expect(config.without_effect).toEqual(['parents-map-enabled', 'process-cache-gc-interval', 'rb-queue-size'])
  expect(config.process_namespaces).toBe(true)
  expect(parseConfig(sources(['--enable-process-ns'])).without_effect).toEqual([])
  expect(message(['--parents-map-entries'])).toBe('Flag --parents-map-entries needs a value: VALUE')
  expect(message(['--parents-map'])).toContain('Unknown flag --parents-map, nearest is')
})

test('parseConfig() reads servers of NATS', () => {
  expect(parseConfig(sources([])).nats.servers).toEqual([])
  const { servers } = parseConfig(sources(['--nats-url', 'nats://a:4222, tls://[::1]:4222,nats://c'])).nats
  expect(servers).toEqual(['nats://a:4222', 'tls://[::1]:4222', 'nats://c'])
})

test('parseConfig() reads node names from the environment', () => {
  expect(parseConfig(sources([], { env: { NODE_NAME: 'node', HUBBLE_NODE_NAME: '' } })).node_name).toBe('node')
})

test.each([
  [['--polices', 'x'], 'Unknown flag --polices, nearest is --policies'],
  [['--enable-proces-cred'], 'Unknown flag --enable-proces-cred, nearest is --enable-process-cred'],
  [['policies'], 'Unexpected argument "policies", flags begin with --'],
  [['--btf'], 'Flag --btf needs a value: FILE'],
  [['--rb-size', 'lots'], 'Invalid value "lots" for flag --rb-size, want BYTES from 4096 to 268435456'],
  [['--rb-size', '1'], 'Invalid value "1" for flag --rb-size, want BYTES from 4096 to 268435456'],
  [['--log-level=loud'], 'Invalid value "loud" for flag --log-level, want trace|debug|info|warn|error|fatal|silent'],
  [['--listen', 'localhost'], 'Invalid value "localhost" for flag --listen, want HOST:PORT|unix:PATH|none'],
  [['--listen', '127.0.0.1:99999'], 'Invalid value "127.0.0.1:99999" for flag --listen, want HOST:PORT|unix:PATH|none'],
  [['--enable-process-ns=yes'], 'Invalid value "yes" for flag --enable-process-ns, want true|false'],
  [['--cgroup-rate', '1000'], 'Invalid value "1000" for flag --cgroup-rate, want N,INTERVAL'],
  [['--export-file-perm', '999'], 'Invalid value "999" for flag --export-file-perm, want OCTAL'],
  [
    ['--nats-url', 'nats://me:secret@a:4222'],
    'Invalid value "nats://me:secret@a:4222" for flag --nats-url, want nats://HOST:PORT,...',
  ],
  [['--nats-subject', 'a.>'], 'Invalid value "a.>" for flag --nats-subject, want SUBJECT'],
  [['--enable-ancestors', 'bse'], 'Invalid value "bse" for flag --enable-ancestors, want KIND,...'],
])('parseConfig(%p) refuses', (argv, expected) => {
  expect(message(argv)).toBe(expected)
})

test('parseConfig() names variable and key of a wrong value', () => {
  expect(message([], { env: { THUMP_RB_SIZE: 'x' } })).toBe(
    'Invalid value "x" for environment THUMP_RB_SIZE, want BYTES from 4096 to 268435456',
  )
  expect(message(['--config', '/c'], { readText: () => 'rb-size: {a: 1}' })).toBe(
    'Invalid value {"a":1} for key "rb-size" in /c, want BYTES',
  )
  expect(message(['--config', '/c'], { readText: () => 'rbsize: 1' })).toBe(
    'Unknown key "rbsize" in /c, nearest is rb-size',
  )
  expect(message(['--config', '/c'])).toBe('Cannot read config file "/c": ENOENT: /c')
  expect(message(['--config', '/c'], { readText: () => 'a: [' })).toStartWith('Config file "/c": ')
  expect(message(['--config', '/c'], { readText: () => '- a' })).toBe(
    'Config file "/c" must be a mapping of flag names to values',
  )
})

test('parseConfig() reads lists and booleans of a config file', () => {
  const readText = () =>
    'enable-ancestors: [base, lsm]\nenable-process-ns: true\nlisten: "unix:/run/x.sock"\npolicies: [/a, /b]\n'
  const config = parseConfig(sources(['--config=/c'], { readText, exists: () => true }))
  expect(config.ancestors).toEqual(['base', 'lsm'])
  expect(config.process_namespaces).toBe(true)
  expect(config.listen).toEqual({ kind: 'unix', path: '/run/x.sock' })
  expect(config.policies).toEqual(['/a', '/b'])
})

test('parseConfig() reads sizes, durations and rates', () => {
  const config = parseConfig(
    sources(['--argument-bytes=8m', '--export-file-rotation-interval=1h30m', '--cgroup-rate=1000,500ms']),
  )
  expect(config.argument_bytes).toBe(8 << 20)
  expect(config.export_file_interval_ms).toBe(5_400_000)
  expect(config.cgroup_rate).toEqual({ events: 1000, interval_ns: 5e8 })
})

test('flagHelp() lists every flag with its default', () => {
  const help = flagHelp()
  for (const flag of FLAG_LIST) {
    expect(help).toContain(`--${flag.name} `)
    if (flag.fallback !== '') expect(help).toContain(`(default ${flag.fallback})`)
  }
  expect(wantsHelp(['--rb-size', '1', '--help'])).toBe(true)
})
