// Common secrets in command lines and environments: the patterns behind the redaction that is on by default.

/** What a secret becomes. */
export const REDACTED = '*****'

interface SecretPattern {
  /** Group 1 stays, group 2 is the secret. */
  readonly pattern: RegExp
  /** Only for these programs. */
  readonly binary?: RegExp
}

// A value after a blank or "=": one word, or a quoted argument (arguments are joined with inner quotes as they are).
const VALUE = String.raw`("(?:[^"]|"(?! |$))+"|'[^']+'|[^\s"']+)`

// Words that name a secret; what stands before them (DB_, --my-, azure.) and after (_1, -v2) may be anything short.
const NAME = String.raw`(?:pass(?:word|wd|phrase|code)?|pwd|secret(?:[-_.]?(?:key|access[-_.]?key|id|token))?|` +
  String.raw`(?:access|auth|api|bearer|refresh|session|id|bot|deploy|personal|security)?[-_.]?token|` +
  String.raw`(?:api|access|account|private|signing|encryption|master|shared|storage|license|service)[-_.]?key|` +
  String.raw`credentials?|client[-_.]?secret|dsn|connection[-_.]?string|basic[-_.]?auth)`

const NOT_A_SECRET = String
  .raw`(?![\w.-]*[-_.](?:file|path|dir|name|url|uri|type|id|ttl|policy|length|stdin|env|cmd|command|prompt)\b)`

function pattern(source: string, flags = 'gi'): RegExp {
  return new RegExp(source, flags)
}

const EVERYWHERE: readonly SecretPattern[] = [
  // --db-password=x, --token x, -storepass x, PGPASSWORD=x, "password":"x", password: x
  {
    pattern: pattern(
      String
        .raw`((?:^|[\s"'{,;&?(=])(?!(?:OLD)?PWD=/)(?:--?)?${NOT_A_SECRET}[\w.-]{0,64}?${NAME}[\w]{0,8}["']?(?:\s*=\s*|\s*:\s*))${VALUE}`,
    ),
  },
  { pattern: pattern(String.raw`((?:^|[\s"'])--?${NOT_A_SECRET}[\w.-]{0,64}?${NAME}\s+)(?!-)${VALUE}`) },
  // scheme://user:secret@host
  { pattern: pattern(String.raw`([a-z][\w+.-]{0,31}://[^\s:/?#@"']{0,256}:)([^\s/?#@"']+)(?=@)`) },
  // ?access_token=x&sig=y
  {
    pattern: pattern(
      String
        .raw`([?&](?:\w{0,32}token|sig|signature|key|api_?key|code|client_secret|password|x-amz-signature|x-amz-security-token)=)([^\s&"'#]+)`,
    ),
  },
  // Authorization: Bearer x
  {
    pattern: pattern(
      String
        .raw`((?:authorization|cookie|set-cookie|x-[\w-]{0,32}(?:token|key|auth)|private-token|api-key|apikey)\s*[:=]\s*` +
        String.raw`(?:(?:bearer|basic|token|digest|negotiate|apikey|aws4-hmac-sha256)\s+)?)([^\s"']+)`,
    ),
  },
  { pattern: pattern(String.raw`((?:^|[\s"'])(?:bearer|basic)\s+)([\w+/.~-]{16,}=*)`) },
  { pattern: pattern(String.raw`(\b(?:pass|file-pass):)([^\s"']+)`) }, // openssl -passin pass:x
  { pattern: pattern(String.raw`(signature=)([0-9a-f]{40,})`) },
  // Tokens that are known by their shape.
  {
    pattern: pattern(
      String
        .raw`()(\b(?:gh[opusr]_\w{20,}|github_pat_\w{20,}|glpat-[\w-]{16,}|glptt-\w{16,}|xox[abeoprs]-[\w-]{10,}|xapp-[\w-]{10,}|` +
        String
          .raw`[rs]k_(?:live|test)_\w{10,}|whsec_\w{16,}|AIza[\w-]{35}|ya29\.[\w-]{20,}|npm_\w{30,}|pypi-[\w-]{30,}|` +
        String.raw`sk-[\w-]{20,}|hf_\w{20,}|dop_v1_\w{40,}|SG\.[\w-]{16,}\.[\w-]{16,}|hv[sbr]\.[\w-]{20,}|s\.\w{24}|` +
        String
          .raw`dckr_pat_[\w-]{20,}|shpat_\w{20,}|lin_api_\w{20,}|AGE-SECRET-KEY-1\w{40,}|(?:AKIA|ASIA)[0-9A-Z]{16}|` +
        String.raw`eyJ[\w-]{8,}\.eyJ[\w-]{4,}\.[\w-]*))`,
      'g',
    ),
  },
  { pattern: pattern(String.raw`(-----BEGIN [A-Z ]{0,32}PRIVATE KEY-----)([^-]+)`, 'g') },
]

const OF_PROGRAMS: readonly SecretPattern[] = [
  { binary: /(?:mysql|mariadb)[\w-]*$/, pattern: pattern(String.raw`((?:^|\s)-p)([^\s"']+)`, 'g') },
  { binary: /(?:mysql|mariadb)[\w-]*$/, pattern: pattern(String.raw`((?:^|\s)--password=)${VALUE}`) },
  {
    binary:
      /(?:sshpass|docker|podman|nerdctl|helm|mongo\w*|htpasswd|useradd|usermod|ipmitool|cqlsh|7z[ar]?|unzip|zip)$/,
    pattern: pattern(String.raw`((?:^|\s)-(?:p|P)\s*)(?!-)${VALUE}`, 'g'),
  },
  {
    binary: /(?:redis-cli|keydb-cli|valkey-cli|freerdp|ipmitool)$/,
    pattern: pattern(String.raw`((?:^|\s)-[aP]\s+)${VALUE}`, 'g'),
  },
  { binary: /ldap\w+$/, pattern: pattern(String.raw`((?:^|\s)-[ws]\s*)${VALUE}`, 'g') },
  {
    binary: /(?:curl|wget|http|https|xh)$/,
    pattern: pattern(
      String.raw`((?:^|\s)(?:-u|--user|--proxy-user|-U|-a|--auth)[\s=]*["']?[^\s:"'-][^\s:"']{0,256}:)([^\s"']+)`,
      'g',
    ),
  },
  {
    binary: /(?:smbclient|rpcclient|mount|net)$/,
    pattern: pattern(String.raw`((?:^|\s)-U\s*[^\s%"']{1,256}%)([^\s"']+)`, 'g'),
  },
  { binary: /htpasswd$/, pattern: pattern(String.raw`((?:^|\s)-\w*b\w*\s+\S+\s+\S+\s+)${VALUE}`, 'g') },
  {
    binary: /(?:keytool|jarsigner)$/,
    pattern: pattern(String.raw`((?:^|\s)-(?:store|key|dest|src)\w{0,16}pass\s+)${VALUE}`),
  },
  { binary: /(?:mount|mount\.cifs)$/, pattern: pattern(String.raw`([\s,]pass(?:word)?=)([^\s,"']+)`) },
]

// One look that most command lines do not pass; whatever a pattern above finds contains one of these.
export const HINT =
  /pass|pwd|secret|token|key|credential|dsn|connection|auth|cookie|:\/\/|bearer|basic|sig|code=|gh[opusr]_|github_|gl(?:pat|ptt)-|xox|xapp-|k_live|k_test|whsec|AIza|ya29|npm_|pypi-|sk-|hf_|dop_v1|SG\.|hv[sbr]\.|s\.\w{24}|dckr|shpat|lin_api|AKIA|ASIA|eyJ|PRIVATE/i

/** Three characters of each branch of HINT, in any case; `?` is any one. */
const TRIGRAMS =
  ('pas pwd sec tok key cre dsn con aut coo :// bea bas sig cod gho ghp ghu ghs ghr hub glp glt xox xap k_l k_t ' +
    'whs aiz ya2 npm pyp sk- hf_ dop sg. hvs hvb hvr s.? dck shp n_a aki asi eyj pri').split(' ')

/** 1 for the trigrams above, five bits of each character. */
const HINT_TABLE = hintTable()

function hintTable(): Uint8Array {
  const table = new Uint8Array(1 << 15)
  for (const trigram of TRIGRAMS) {
    const [a, b, c] = [...trigram].map((character) => character.charCodeAt(0) & 31) as [number, number, number]
    if (trigram.endsWith('?')) table.fill(1, (a << 10) | (b << 5), ((a << 10) | (b << 5)) + 32)
    else table[(a << 10) | (b << 5) | c] = 1
  }
  return table
}

/** Whether HINT can match: true for one command line in five, at a tenth of the price. */
export function mayHint(text: string): boolean {
  let last = 0
  for (let i = 0; i < text.length; i++) {
    last = ((last << 5) | (text.charCodeAt(i) & 31)) & 0x7fff
    if (HINT_TABLE[last] === 1 && i >= 2) return true
  }
  return false
}

/** Patterns by program; a machine runs a few hundred. Emptied when full. */
const of_program = new Map<string, readonly SecretPattern[]>()
const PROGRAMS_MAX = 1024

function patternsOf(binary: string): readonly SecretPattern[] {
  let patterns = of_program.get(binary)
  if (patterns === undefined) {
    patterns = OF_PROGRAMS.filter((entry) => entry.binary?.test(binary))
    if (of_program.size >= PROGRAMS_MAX) of_program.clear()
    of_program.set(binary, patterns)
  }
  return patterns
}

/** The joined arguments with the built-in secrets replaced. */
export function redactArguments(binary: string, text: string): string {
  let out = text
  if (mayHint(text) && HINT.test(text)) {
    for (const { pattern } of EVERYWHERE) out = out.replace(pattern, replaceSecret)
  }
  for (const { pattern } of patternsOf(binary)) out = out.replace(pattern, replaceSecret)
  return out
}

function replaceSecret(_whole: string, before: string, secret: string): string {
  const quote = secret[0]
  const quoted = (quote === '"' || quote === "'") && secret.length > 1 && secret.endsWith(quote)
  return before + (quoted ? quote + REDACTED + quote : REDACTED)
}

const SECRET_VARIABLE = new RegExp(
  String.raw`(?:^|[_.-])${NAME}(?:_?\d+)?$|(?:PASS|SECRET|TOKEN|APIKEY|PASSWD|PASSWORD|CREDENTIALS?)$`,
  'i',
)

// Values that switch something or name a store: USE_TOKEN=true, DOCKER_CREDENTIALS=pass. A password may be any word, though.
const SWITCH =
  /^(?:true|false|yes|no|on|off|0|1|none|null|pass|ask|prompt|auto|default|enabled|disabled|required|optional)$/i

/** The value of one environment variable: whole where the name says that it is a secret, else by pattern. PWD is a directory. */
export function redactVariable(name: string, value: string): string {
  if (value === '' || name === 'PWD' || name === 'OLDPWD') return value
  if (SECRET_VARIABLE.test(name)) return SWITCH.test(value) && !/pass|pwd/i.test(name) ? value : REDACTED
  return redactArguments('', value)
}
