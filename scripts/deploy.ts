/** Files of deploy/ that follow from others: the one that `kubectl apply -f deploy/` takes, and the chart's definitions. `--check` only compares. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { parse } from 'yaml'

const DEPLOY = join(import.meta.dirname, '../deploy')
const CRDS = ['tracingpolicies.yaml', 'tracingpoliciesnamespaced.yaml']

/** Paths below deploy/ and what belongs into them. */
export function generatedFiles(): Map<string, string> {
  const files = new Map<string, string>()
  const documents = resources('base').map((path) => readFileSync(join(DEPLOY, path), 'utf8').trimEnd())
  files.set('thump.yaml', `# Made of deploy/base by scripts/deploy.ts.\n${documents.join('\n---\n')}\n`)
  for (const name of CRDS) files.set(`helm/thump/crds/${name}`, readFileSync(join(DEPLOY, 'crd', name), 'utf8'))
  return files
}

/** Files that a kustomization lists, those of others that it lists included, in order. */
function resources(directory: string): string[] {
  const text = readFileSync(join(DEPLOY, directory, 'kustomization.yaml'), 'utf8')
  const { resources: listed } = parse(text) as { resources: string[] }
  return listed.flatMap((name) => {
    const path = normalize(join(directory, name))
    return name.endsWith('.yaml') ? [path] : resources(path)
  })
}

if (import.meta.main) {
  const check = process.argv.includes('--check')
  for (const [path, text] of generatedFiles()) {
    const file = join(DEPLOY, path)
    if (!check) {
      mkdirSync(dirname(file), { recursive: true })
      writeFileSync(file, text)
    } else if (readFileSync(file, 'utf8') !== text) {
      console.error(`deploy/${path} is not what scripts/deploy.ts makes`)
      process.exitCode = 1
    }
  }
}
