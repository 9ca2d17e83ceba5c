/** Certificates for tests of TLS, made by openssl. */
import { expect } from 'bun:test'
import fs from 'node:fs'

/** Why tests with it cannot run here. */
export const OPENSSL_MISSING = Bun.which('openssl') === null ? 'no openssl' : undefined

/** A directory with an authority, certificates of a server and a client, and another authority. */
export function certificates(): string {
  const directory = fs.mkdtempSync('/tmp/thump-pki-')
  const script = `set -e; cd ${directory}
for ca in ca other; do openssl req -x509 -newkey rsa:2048 -nodes -keyout $ca.key -out $ca.pem -days 2 -subj /CN=$ca; done
echo 'subjectAltName=IP:127.0.0.1,DNS:localhost' >ext
for name in server client; do
  openssl req -newkey rsa:2048 -nodes -keyout $name.key -out $name.csr -subj /CN=$name
  openssl x509 -req -in $name.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out $name.pem -days 2 -extfile ext
done`
  const { exitCode, stderr } = Bun.spawnSync(['sh', '-c', script], { stderr: 'pipe' })
  expect({ exitCode, stderr: exitCode === 0 ? '' : stderr.toString() }).toEqual({ exitCode: 0, stderr: '' })
  return directory
}
