// `thump version`: this client, and the agent if one answers.
import { thumpVersion } from '../version.ts'
import { AgentClient, CLIENT_OPTIONS, CLIENT_USAGE } from './client.ts'
import { type Command, outputForm, parseOptions } from './command.ts'
import { table } from './table.ts'

export const version: Command = {
  name: 'version',
  summary: 'version of this client and of the agent',
  usage: `[-o text|json]

${CLIENT_USAGE}

  thump version
  thump version -o json --server 127.0.0.1:8467`,
  async run(args, terminal) {
    const options = parseOptions(args, { ...CLIENT_OPTIONS, '-o': true })
    const form = outputForm(options, ['text', 'json'])
    const client = thumpVersion()
    let agent: unknown = null
    let reason = ''
    try {
      agent = await new AgentClient(options, terminal.env).json('/v1/version')
    } catch (error) {
      if (!(error instanceof Error)) throw error
      reason = error.message
    }
    if (form === 'json') await terminal.write(JSON.stringify({ client, agent }) + '\n')
    else {
      const fields = typeof agent === 'object' && agent !== null ? Object.entries(agent) : []
      const text = fields.length === 0 ? reason : fields.map(([key, value]) => `${key} ${value}`).join(', ')
      await terminal.write(table([['client', `thump ${client.version}, Bun ${client.bun}`], ['agent', text]]))
    }
    return 0
  },
}
