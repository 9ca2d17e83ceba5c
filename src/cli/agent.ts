// `thump agent stop`: asks the agent to end. Everything else behind `agent` is the agent itself (the front door sees to that).
import { AgentClient, CLIENT_OPTIONS, CLIENT_USAGE } from './client.ts'
import { type Command, parseOptions, UsageError } from './command.ts'

export const agent: Command = {
  name: 'agent',
  summary: 'run the agent (thump agent [--FLAG]...), or ask it to end (thump agent stop)',
  usage: `stop [OPTION]...

Asks the agent to end as SIGTERM does, which others cannot send where --protect-agent is on. Needs the token.

${CLIENT_USAGE}

  thump agent stop
  thump agent --protect-agent --policies /etc/thump/policies`,
  async run(args, terminal) {
    const options = parseOptions(args, CLIENT_OPTIONS)
    if (options.words.length !== 1 || options.words[0] !== 'stop') throw new UsageError('Want: agent stop')
    await new AgentClient(options, terminal.env).request('/v1/stop', { method: 'POST' })
    await terminal.write('the agent ends\n')
    return 0
  },
}
