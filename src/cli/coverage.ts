// `thump coverage`: what a running agent can and cannot see on its kernel.
import type { Feature } from '../kernel/facts.ts'
import { AgentClient, CLIENT_OPTIONS, CLIENT_USAGE } from './client.ts'
import { type Command, outputForm, parseOptions } from './command.ts'
import { featureText } from './feature_text.ts'

export const coverage: Command = {
  name: 'coverage',
  summary: 'what the agent can see and stop on its kernel, per capability',
  usage: `[-o text|json]

${CLIENT_USAGE}

  thump coverage
  thump coverage -o json | jq '.[] | select(.state != "active")'`,
  async run(args, terminal) {
    const options = parseOptions(args, { ...CLIENT_OPTIONS, '-o': true })
    const form = outputForm(options, ['text', 'json'])
    const features = await new AgentClient(options, terminal.env).json('/v1/coverage') as readonly Feature[]
    await terminal.write(form === 'json' ? JSON.stringify(features) + '\n' : featureText(features, terminal.color))
    return 0
  },
}
