/** Help texts, generated from the commands. */
import { type Command, EXIT_CODES } from './command.ts'
import type { Group } from './commands.ts'

/** Options of every command. */
export const COMMON = {
  json: { description: 'print JSON, for programs' },
  help: { description: 'print this help', short: 'h' },
} as const
/** Options of commands that ask for confirmation. */
const YES = { yes: { description: 'do not ask', short: 'y' } } as const

const INDENT = '  '

/** `latchkey users disable <user> [options]` */
export function synopsis({ name, parameters = {}, isOptional, isBare }: Command): string {
  const names = Object.keys(parameters)
  const shown = names.map((parameter, index) => {
    const text = parameter.endsWith('...') ? `<${parameter.slice(0, -3)}>...` : `<${parameter}>`
    return isOptional && index === names.length - 1 ? `[${text}]` : text
  })
  return ['latchkey', name, ...shown, ...(isBare ? [] : ['[options]'])].join(' ')
}

/** All options of a command, the common ones last. */
export const optionsOf = (command: Command) => ({
  ...command.options,
  ...(command.question && YES),
  ...(command.isBare ? { help: COMMON.help } : COMMON),
})

export function commandHelp(command: Command): string {
  const options = Object.entries(optionsOf(command)).map(([name, option]): [string, string] => {
    const { value, short, description } = option as { value?: string; short?: string; description: string }
    return [`${short ? `-${short}, ` : ''}--${name}${value ? ` <${value}>` : ''}`, description]
  })
  return sections(
    `${command.summary.charAt(0).toUpperCase()}${command.summary.slice(1)}.`,
    command.description,
    `Usage: ${synopsis(command)}`,
    list(Object.entries(command.parameters ?? {}).map(([name, text]) => [name.replace('...', ''), text])),
    list(options, 'Options:'),
  )
}

/** The commands of one group, such as `users`. */
export function groupHelp(name: string, commands: readonly Command[]): string {
  return sections(
    `Usage: latchkey ${name} <command> [options]`,
    list(
      commands.map(command => [command.name, command.summary]),
      'Commands:',
    ),
    'latchkey <command> --help describes a command.',
  )
}

export function overview(groups: readonly Group[]): string {
  return sections(
    'latchkey serves accounts with email and password, and operates that service.',
    'Usage: latchkey <command> [options]',
    list(
      groups.map(({ name, summary }) => [name, summary]),
      'Commands:',
    ),
    list(
      [
        ['--help', 'print help; also after a command'],
        ['--version', 'print the version'],
      ],
      'Options:',
    ),
    'The commands read DATABASE_URL from the environment or from .env in the working directory. They work while\n' +
      'the service runs: changes apply at once, and the service needs no restart.',
    list(
      EXIT_CODES.map(([code, meaning]) => [String(code), meaning]),
      'Exit codes:',
    ),
  )
}

function list(rows: readonly (readonly [string, string])[], head?: string): string | undefined {
  if (rows.length === 0) return undefined
  const width = Math.max(...rows.map(([name]) => name.length))
  const lines = rows.map(([name, text]) => `${INDENT}${name.padEnd(width)}  ${text}`)
  return [...(head ? [head] : []), ...lines].join('\n')
}

const sections = (...parts: (string | undefined)[]) =>
  parts.filter(part => part !== undefined && part !== '').join('\n\n')
