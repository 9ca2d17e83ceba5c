// `thump doctor`: what this kernel and these privileges allow, without an agent.
import { containerPlaces } from '../container/coverage.ts'
import { keptPolicies } from '../kernel/pins.ts'
import { objectFile, prepareObjects } from '../kernel/objects.ts'
import { probeFacts } from '../kernel/probe.ts'
import { features, missing } from '../kernel/feature.ts'
import { type Command, outputForm, parseOptions } from './command.ts'
import { featureText } from './feature_text.ts'

export const doctor: Command = {
  name: 'doctor',
  summary: 'what this kernel and these privileges allow, per feature',
  usage:
    '[-o text|json] [--btf FILE]\n\nTries tiny programs on this kernel; needs no agent. Exit status 1 if an agent could not start.\n\n  thump doctor\n  thump doctor -o json',
  async run(args, terminal) {
    const options = parseOptions(args, { '-o': true, '--btf': true })
    const form = outputForm(options, ['text', 'json'])
    await prepareObjects((object) => terminal.error(`compiling ${object}\n`))
    const btf = options.values.get('--btf')?.at(-1) ?? ''
    const facts = probeFacts({ btf, procfs: '/proc', object: objectFile('probe') })
    const lacks = missing(facts)
    const pinned = keptPolicies()
    const found = [...features(facts), ...containerPlaces()]
    if (form === 'json') {
      const { attach: _, ...host } = facts
      await terminal.write(
        JSON.stringify({ can_start: lacks.length === 0, missing: lacks, features: found, pinned, host }) + '\n',
      )
    } else {
      await terminal.write(featureText(found, terminal.color))
      for (const { policy, links, generation, alive } of pinned) {
        const who = `agent ${generation}${alive ? ', which runs' : ', which is gone'}`
        await terminal.write(`pinned: policy "${policy}" by ${who}, ${links} links\n`)
      }
      await terminal.write(
        lacks.length === 0 ? 'The agent can start here\n' : lacks.map((line) => `${line}\n`).join(''),
      )
    }
    return lacks.length === 0 ? 0 : 1
  },
}
