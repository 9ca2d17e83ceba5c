import { describe, expect, test } from 'bun:test'
import { createRedactor } from '../../src/filter/redact.ts'
import { HINT, mayHint } from '../../src/filter/secret.ts'
import { FilterError } from '../../src/filter/type.ts'

const redactor = createRedactor({ filters: '', builtin: true })

/** Command lines as they are joined; `S3cr3t...` is what nobody may see. */
const SECRET_ARGUMENTS: readonly [binary: string, text: string][] = [
  ['/usr/bin/mysql', '-u root -pS3cr3tA db'],
  ['/usr/bin/mysqldump', '--password=S3cr3tA db'],
  ['/usr/bin/psql', 'postgres://user:S3cr3tA@db:5432/x'],
  ['/usr/bin/app', '--password S3cr3tA'],
  ['/usr/bin/app', ' --password "S3cr3tA two words" --next x'],
  ['/usr/bin/app', '--db-password=S3cr3tA --verbose'],
  ['/usr/bin/app', '-password S3cr3tA'],
  ['/usr/bin/app', '--token=S3cr3tA'],
  ['/usr/bin/app', '--api-key S3cr3tA'],
  ['/usr/bin/app', '--apikey=S3cr3tA'],
  ['/usr/bin/app', '--client-secret S3cr3tA'],
  ['/usr/bin/app', '--aws-secret-access-key S3cr3tA'],
  ['/usr/bin/env', 'DB_PASSWORD=S3cr3tA AWS_SECRET_ACCESS_KEY=S3cr3tB ./run'],
  ['/bin/sh', ' -c "PGPASSWORD=S3cr3tA psql -h db"'],
  ['/bin/sh', ' -c "export API_TOKEN=\'S3cr3tA\'; run"'],
  ['/usr/bin/curl', '-u admin:S3cr3tA http://x'],
  ['/usr/bin/curl', '--user admin:S3cr3tA http://x'],
  ['/usr/bin/curl', ' -H "Authorization: Bearer S3cr3tA" http://x'],
  ['/usr/bin/curl', ' -H "Authorization: Basic UzNjcjN0QQ==S3cr3t" http://x'],
  ['/usr/bin/curl', ' -H "X-Api-Key: S3cr3tA" http://x'],
  ['/usr/bin/curl', ' -H "PRIVATE-TOKEN: S3cr3tA" http://x'],
  ['/usr/bin/curl', ' -H "Cookie: session=S3cr3tA" http://x'],
  ['/usr/bin/curl', 'https://api.x/y?access_token=S3cr3tA&b=c'],
  ['/usr/bin/curl', 'https://blob/x?sv=1&sig=S3cr3tA'],
  ['/usr/bin/curl', ' -d "{"password":"S3cr3tA","user":"x"}" http://x'],
  ['/usr/bin/curl', ' -d "{"client_secret": "S3cr3tA"}" http://x'],
  ['/usr/bin/curl', '-d user=x&password=S3cr3tA http://x'],
  ['/usr/bin/git', 'clone https://oauth2:S3cr3tA@gitlab.com/x/y.git'],
  ['/usr/bin/git', 'clone https://ghp_S3cr3tS3cr3tS3cr3tS3cr3tS3cr3tS3cr3t@github.com/x'],
  ['/usr/bin/sshpass', '-p S3cr3tA ssh host'],
  ['/usr/bin/sshpass', '-pS3cr3tA ssh host'],
  ['/usr/bin/docker', 'login -u me -p S3cr3tA registry'],
  ['/usr/bin/redis-cli', '-h x -a S3cr3tA ping'],
  ['/usr/bin/openssl', 'rsa -in k.pem -passin pass:S3cr3tA'],
  ['/usr/bin/ldapsearch', '-D cn=x -w S3cr3tA'],
  ['/usr/bin/htpasswd', '-b /etc/htpasswd user S3cr3tA'],
  ['/usr/bin/keytool', '-genkey -storepass S3cr3tA'],
  ['/usr/bin/smbclient', '//x/y -U user%S3cr3tA'],
  ['/usr/bin/mount', '-t cifs //x/y /z -o user=a,password=S3cr3tA,rw'],
  ['/usr/bin/mongosh', '-u x -p S3cr3tA'],
  ['/usr/bin/kubectl', 'create secret generic x --from-literal=password=S3cr3tA'],
  ['/usr/bin/vault', 'login hvs.S3cr3tS3cr3tS3cr3tS3cr3tS3cr3t'],
  ['/usr/bin/x', 'xoxb-1234567890-S3cr3tS3cr3t'],
  ['/usr/bin/x', 'glpat-S3cr3tS3cr3tS3cr3t'],
  ['/usr/bin/x', 'sk_live_S3cr3tS3cr3tS3cr3t'],
  ['/usr/bin/x', 'sk-ant-api03-S3cr3tS3cr3tS3cr3t'],
  ['/usr/bin/x', 'npm_S3cr3tS3cr3tS3cr3tS3cr3tS3cr3tS3cr3t'],
  ['/usr/bin/x', 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJTM2NyM3QifQ.S3cr3tS3cr3t'],
  ['/usr/bin/x', ' "-----BEGIN RSA PRIVATE KEY-----\nS3cr3tA\n-----END RSA PRIVATE KEY-----"'],
  ['/usr/bin/az', 'DefaultEndpointsProtocol=https;AccountName=x;AccountKey=S3cr3tA;EndpointSuffix=y'],
  ['/usr/bin/http', '-a user:S3cr3tA http://x'],
  ['/usr/bin/app', '--passphrase S3cr3tA'],
  ['/usr/bin/app', 'password: S3cr3tA'],
]

const SECRET_VARIABLES: readonly [name: string, value: string][] = [
  ['PASSWORD', 'S3cr3tA'],
  ['DB_PASSWORD', 'S3cr3tA'],
  ['PGPASSWORD', 'S3cr3tA'],
  ['MYSQL_PWD', 'S3cr3tA'],
  ['AWS_SECRET_ACCESS_KEY', 'S3cr3tA'],
  ['AWS_SESSION_TOKEN', 'S3cr3tA'],
  ['GITHUB_TOKEN', 'S3cr3tA'],
  ['API_KEY', 'S3cr3tA'],
  ['OPENAI_API_KEY', 'S3cr3tA'],
  ['APIKEY', 'S3cr3tA'],
  ['CLIENT_SECRET', 'S3cr3tA'],
  ['JWT_SECRET', 'S3cr3tA'],
  ['DATABASE_URL', 'postgres://u:S3cr3tA@h/d'],
  ['SENTRY_DSN', 'https://S3cr3tA@sentry.io/1'],
  ['CREDENTIALS', 'S3cr3tA'],
  ['npm_config__authToken', 'S3cr3tA'],
  ['REDIS_PASS', 'S3cr3tA'],
  ['ENCRYPTION_KEY', 'S3cr3tA'],
  ['OPTS', '-Dpassword=S3cr3tA -Dx=y'],
  ['HEADER', 'Authorization: Bearer S3cr3tA'],
  ['AZURE_STORAGE_CONNECTION_STRING', 'AccountKey=S3cr3tA'],
]

/** What must come out as it went in. */
const HARMLESS: readonly [binary: string, text: string][] = [
  ['/usr/bin/ls', '-la /etc/passwd'],
  ['/usr/bin/cat', '/etc/shadow /run/secrets/token'],
  ['/usr/bin/curl', '-s https://cilium.io/docs?page=2#top'],
  ['/usr/bin/curl', '-u admin http://x'],
  ['/usr/bin/ssh-keygen', '-t ed25519 -f /root/.ssh/id'],
  ['/usr/bin/apt-key', 'list'],
  ['/usr/bin/app', '--password-file /run/secrets/x --token-ttl 5m'],
  ['/usr/bin/mkdir', '-p /tmp/a/b'],
  ['/usr/bin/cp', '-p a b'],
  ['/usr/bin/git', 'clone git@github.com:x/y.git'],
  ['/usr/bin/git', 'log --author=me --pretty=format:%h'],
  ['/usr/bin/python3', ' -c "print(1)" --verbose'],
  ['/usr/bin/curl', 'http://127.0.0.1:8467/v1/events'],
  ['/usr/bin/monkey', '--keyboard us --tokenizer bpe'],
  ['/usr/bin/env', 'PWD=/tmp OLDPWD=/root run'],
  ['/usr/sbin/mysqld', '--datadir=/var/lib/mysql --port=3306'],
]

describe('createRedactor() with the built-in patterns', () => {
  for (const [binary, text] of SECRET_ARGUMENTS) {
    test(`hides the secret in ${binary} ${text.trim().slice(0, 70)}`, () => {
      const out = redactor.arguments(binary, text)
      expect(out).not.toContain('S3cr3t')
      expect(out).toContain('*****')
    })
  }

  test('keeps what stands around a secret', () => {
    expect(redactor.arguments('/usr/bin/app', '--db-password=S3cr3tA --verbose')).toBe('--db-password=***** --verbose')
    expect(redactor.arguments('/usr/bin/app', ' --password "S3cr3t A" --next x')).toBe(' --password "*****" --next x')
    expect(redactor.arguments('/usr/bin/mysql', '-u root -pS3cr3tA db')).toBe('-u root -p***** db')
    expect(redactor.arguments('/usr/bin/psql', 'postgres://user:S3cr3tA@db:5432/x')).toBe(
      'postgres://user:*****@db:5432/x',
    )
    expect(redactor.arguments('/usr/bin/curl', ' -H "Authorization: Bearer S3cr3tA" http://x')).toBe(
      ' -H "Authorization: Bearer *****" http://x',
    )
  })

  for (const [name, value] of SECRET_VARIABLES) {
    test(`hides the secret in ${name}=${value}`, () => {
      const [variable] = redactor.environment('/bin/x', [{ Key: name, Value: value }])
      expect(variable?.Key).toBe(name)
      expect(variable?.Value).not.toContain('S3cr3t')
    })
  }

  for (const [binary, text] of HARMLESS) {
    test(`leaves ${binary} ${text} as it is`, () => expect(redactor.arguments(binary, text)).toBe(text))
  }

  test('leaves harmless variables as they are', () => {
    const variables = [
      { Key: 'PATH', Value: '/usr/bin:/bin' },
      { Key: 'HOME', Value: '/root' },
      { Key: 'PWD', Value: '/tmp' },
      { Key: 'USE_TOKEN', Value: 'true' },
      { Key: 'CREDENTIALS', Value: 'pass' },
      { Key: 'OLDPWD', Value: '/root' },
      { Key: 'SSH_AUTH_SOCK', Value: '/tmp/x' },
      { Key: 'KEYBOARD', Value: 'us' },
      { Key: 'PASSWORD_FILE', Value: '/run/x' },
      { Key: 'XAUTHORITY', Value: '/x' },
      { Key: 'invalid', Value: 'x' },
    ]
    expect(redactor.environment('/bin/x', variables)).toEqual(variables)
  })

  test('hides a password that is a common word', () => {
    expect(redactor.environment('/x', [{ Key: 'DB_PASSWORD', Value: 'pass' }])[0]?.Value).toBe('*****')
  })

  test('takes time in proportion to the length of the arguments', () => {
    for (const piece of ['a ', 'x=', '--token', 'pass', '"', '://', 'token=:', '-password ', 'eyJ', 'key: ']) {
      const start = performance.now()
      redactor.arguments('/usr/bin/mysql', piece.repeat(200_000 / piece.length))
      expect([piece, performance.now() - start < 5_000]).toEqual([piece, true])
    }
  })
})

describe('createRedactor() with filters', () => {
  const one = (filters: string) => createRedactor({ filters, builtin: false })

  test('replaces every capture group, of every match', () => {
    const custom = one('{"redact":["--pin[= ](\\\\d+)","(a)(b)"]}')
    expect(custom.arguments('/x', '--pin=12 --pin 34 ab')).toBe('--pin=***** --pin ***** **********')
  })

  test('replaces nothing without a capture group', () => {
    expect(one('{"redact":["--pin=\\\\d+"]}').arguments('/x', '--pin=12')).toBe('--pin=12')
  })

  test('takes the outermost of nested groups', () => {
    expect(one('{"redact":["pin=((\\\\d)\\\\d)"]}').arguments('/x', 'pin=12')).toBe('pin=*****')
  })

  test('looks at binary_regex, also in the deprecated match', () => {
    for (
      const filters of [
        '{"binary_regex":["curl$"],"redact":["x=(.*)"]}',
        '{"match":[{"binary_regex":["curl$"]}],"redact":["x=(.*)"]}',
      ]
    ) {
      expect(one(filters).arguments('/usr/bin/curl', 'x=1')).toBe('x=*****')
      expect(one(filters).arguments('/usr/bin/wget', 'x=1')).toBe('x=1')
    }
  })

  test('reads environment variables as NAME=VALUE', () => {
    const variables = [{ Key: 'PIN', Value: '12' }, { Key: 'OTHER', Value: '12' }]
    expect(one('{"redact":["^PIN=(.*)$"]}').environment('/x', variables)).toEqual([{ Key: 'PIN', Value: '*****' }, {
      Key: 'OTHER',
      Value: '12',
    }])
  })

  for (
    const text of [
      '{"redacts":["a"]}',
      '{"redact":[]}',
      '{"redact":"a"}',
      '{"redact":["(?=a)"]}',
      '{"binary_regex":["("],"redact":["a"]}',
    ]
  ) {
    test(`refuses ${text}`, () => expect(() => one(text)).toThrow(FilterError))
  }
})

test('mayHint() lets through whatever the hint matches', () => {
  // Each branch of the expression, as a text that it matches.
  const branches = HINT.source.replace(/\(\?:pat\|ptt\)/, 'pat').split('|').map((branch) =>
    branch.replace('[opusr]', 'p').replace('[sbr]', 'b').replace('\\w{24}', 'x'.repeat(24)).replaceAll('\\', '')
  )
  expect(branches.length).toBeGreaterThan(35)
  for (const branch of branches) {
    for (const text of [branch, branch.toUpperCase(), `a b${branch}`, `é "${branch}" c`]) {
      if (!HINT.test(text)) throw new Error(`${text} is no sample`)
      if (!mayHint(text)) throw new Error(text)
    }
  }
  for (const name of ['gho_', 'ghu_', 'ghs_', 'ghr_', 'glptt-', 'hvs.', 'hvr.', 's.' + '9_aZ'.repeat(6)]) {
    expect([name, HINT.test(name), mayHint(name)]).toEqual([name, true, true])
  }
  for (const text of ['', 'p', 'status --branch', '-la /tmp', 'run build', '/home/a/b']) {
    expect([text, mayHint(text)]).toEqual([text, false])
  }
})
