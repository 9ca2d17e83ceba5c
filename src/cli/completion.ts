// `thump completion`: scripts that complete commands and options in bash, zsh and fish, made from the commands' own help.

import { type Command, UsageError } from './command.ts'

const SHELLS = ['bash', 'zsh', 'fish'] as const

/** `commands` is asked for when it runs, as completion is one of them. */
export function completionCommand(commands: () => readonly Command[]): Command {
  return {
    name: 'completion',
    summary: 'completion script for bash, zsh or fish',
    usage: `bash|zsh|fish

  source <(thump completion bash)
  thump completion zsh > "\${fpath[1]}/_thump"
  thump completion fish > ~/.config/fish/completions/thump.fish`,
    async run(args, terminal) {
      const shell = SHELLS.find((each) => each === args[0])
      if (shell === undefined || args.length > 1) throw new UsageError(`Want one of ${SHELLS.join(', ')}`)
      await terminal.write(SCRIPTS[shell]([...commands().map(describe), ...OTHERS]))
      return 0
    },
  }
}

interface Described {
  readonly name: string
  readonly summary: string
  readonly words: readonly string[]
  readonly options: readonly string[]
}

/** What no command of the client does. */
const OTHERS: readonly Described[] = [
  { name: 'test', summary: 'run all tests', words: [], options: [] },
  { name: 'help', summary: 'list the commands', words: [], options: [] },
]

/** Options are what the help calls so; actions are the words that begin its indented lines. */
function describe({ name, summary, usage }: Command): Described {
  // What is said of the agent's flags is not this command's.
  const own = usage.replaceAll(/thump agent --[\w-]+/g, '')
  const text = own.split('\n').filter((line) => !line.startsWith('  thump ') && !/^ {2}\w.*\|/.test(line)).join('\n')
  const options = new Set(
    [...text.matchAll(/(?<![\w-])(--[a-z][a-z0-9-]*|-[A-Za-z](?![\w-]))/g)].map((match) => match[1] ?? ''),
  )
  const words = new Set<string>()
  if (/^ACTION/.test(usage)) {
    for (const match of usage.matchAll(/^ {2}([a-z]+)(?: |$)/gm)) if (match[1] !== 'thump') words.add(match[1] ?? '')
    for (const match of usage.matchAll(/, ([a-z]+) NAME/g)) words.add(match[1] ?? '')
  } else for (const word of /^\[?([a-z]+(?:\|[a-z]+)*)\]?(?=\s)/.exec(usage)?.[1]?.split('|') ?? []) words.add(word)
  return { name, summary, words: [...words], options: [...options, '--help'] }
}

const SCRIPTS: Readonly<Record<(typeof SHELLS)[number], (commands: readonly Described[]) => string>> = {
  bash: (commands) =>
    `# bash completion of thump
_thump() {
  local current="\${COMP_WORDS[COMP_CWORD]}"
  if [ "$COMP_CWORD" -eq 1 ]; then
    mapfile -t COMPREPLY < <(compgen -W "${commands.map(({ name }) => name).join(' ')}" -- "$current")
    return
  fi
  case "\${COMP_WORDS[1]}" in
${
      commands.map(({ name, words, options }) =>
        `    ${name}) mapfile -t COMPREPLY < <(compgen -W "${[...words, ...options].join(' ')}" -- "$current") ;;`
      ).join('\n')
    }
  esac
}
complete -o default -F _thump thump
`,
  zsh: (commands) =>
    `#compdef thump
local -a commands
commands=(
${commands.map(({ name, summary }) => `  '${name}:${summary.replaceAll("'", '').replaceAll(':', '')}'`).join('\n')}
)
if (( CURRENT == 2 )); then
  _describe command commands
  return
fi
case "\${words[2]}" in
${
      commands.map(({ name, words, options }) => `  ${name}) compadd -- ${[...words, ...options].join(' ')}; _files ;;`)
        .join('\n')
    }
esac
`,
  fish: (commands) =>
    'complete -c thump -n __fish_use_subcommand -f\n' + commands.map(({ name, summary, words, options }) =>
      [
        `complete -c thump -n __fish_use_subcommand -a ${name} -d '${summary.replaceAll("'", '')}'`,
        ...words.map((word) => `complete -c thump -n '__fish_seen_subcommand_from ${name}' -a ${word}`),
        ...options.map((option) => {
          const flag = option.startsWith('--')
            ? `-l ${option.slice(2)}`
            : option.length === 2
            ? `-s ${option.slice(1)}`
            : `-o ${option.slice(1)}`
          return `complete -c thump -n '__fish_seen_subcommand_from ${name}' ${flag}`
        }),
      ].join('\n')
    ).join('\n') + '\n',
}
