/** Entry point of the command line: finds the command, runs it, prints its result, and sets the exit code. */
import { parseArgs } from 'node:util'
import type { ProblemError } from '../errors.ts'
import {
  type Command,
  type Context,
  commandError,
  EXIT,
  type Input,
  isCommandError,
  usageError,
} from './command.ts'
import { GROUPS } from './commands.ts'
import type { OpenedQueries } from './database.ts'
import { COMMON, commandHelp, groupHelp, optionsOf, overview, synopsis } from './help.ts'

/** The process around the command line; tests replace it. */
export interface Surroundings {
  /** Completed from `.env` in the working directory. */
  environment(): Promise<NodeJS.ProcessEnv>
  now(): Date
  out(text: string): void
  err(text: string): void
  /** Prompts the person at the terminal; undefined without a terminal. */
  ask?: ((question: string) => Promise<string>) | undefined
}

/** Runs the command line of this process. */
export async function main(argv: string[]): Promise<void> {
  // The reader of a pipe may close early, as `head` does.
  process.stdout.on('error', error => {
    if ('code' in error && error.code === 'EPIPE') process.exit()
    throw error
  })
  const isTerminal = process.stdin.isTTY === true && process.stderr.isTTY === true
  process.exitCode = await runCommandLine(argv, {
    environment: async () => (await import('../config/config.ts')).processEnvironment(),
    now: () => new Date(),
    out: text => void process.stdout.write(text),
    err: text => void process.stderr.write(text),
    ask: isTerminal ? ask : undefined,
  })
}

/** On standard error, so that standard output can be piped. */
async function ask(question: string): Promise<string> {
  const { createInterface } = await import('node:readline/promises')
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  // End of input (Ctrl-D) counts as a no.
  const ended = new Promise<string>(resolve => terminal.once('close', () => resolve('')))
  const answer = await Promise.race([terminal.question(question), ended])
  terminal.close()
  return answer
}

/**
 * Runs one command.
 *
 * @param argv the arguments after the program
 * @returns the exit code; see EXIT
 */
export async function runCommandLine(argv: string[], surroundings: Surroundings): Promise<number> {
  const { out, err } = surroundings
  const isJson = argv.includes('--json')
  const session = databaseSession(surroundings)
  try {
    const help = await helpFor(argv)
    if (help !== undefined) {
      out(`${help}\n`)
      return EXIT.ok
    }
    const [command, rest] = await find(argv)
    const input = parse(command, rest)
    await confirm(command, session.context, input, surroundings)
    const { json, text } = await command.run(session.context, input)
    out(isJson ? `${JSON.stringify(json)}\n` : text === '' ? '' : `${text}\n`)
    return EXIT.ok
  } catch (error) {
    const { exitCode, code, message } = await failureOf(error)
    err(isJson ? `${JSON.stringify({ code, message })}\n` : `latchkey: ${message}\n`)
    return exitCode
  } finally {
    await session.close()
  }
}

/** Opens the database at the first use, and closes it if it was opened. */
function databaseSession({ environment, now, err }: Surroundings) {
  let opening: Promise<OpenedQueries> | undefined
  const context: Context = {
    environment,
    async needs() {
      opening ??= (async () => (await import('./database.ts')).openQueries(await environment()))()
      const { queries, newer } = await opening
      if (newer.length > 0) {
        err(
          `latchkey: a later release has migrated this database (${newer.join(', ')}); use its command line.\n`,
        )
      }
      return { database: queries, clock: now }
    },
  }
  return {
    context,
    close: async () => void (await opening?.then(({ close }) => close()).catch(() => {})),
  }
}

/** The requested help; undefined if none was requested. */
async function helpFor(argv: string[]): Promise<string | undefined> {
  const words = argv.filter(word => word !== '--help' && word !== '-h')
  const isAsked = words.length < argv.length || words[0] === 'help'
  if (words[0] === 'help') words.shift()
  const [name] = words
  if (name === undefined) return overview(GROUPS)
  const group = GROUPS.find(group => group.name === name)
  if (!isAsked && !(group && words.length === 1)) return undefined
  const commands = (await group?.load()) ?? []
  if (commands.some(command => command.name === name))
    return isAsked ? commandHelp(commands[0] as Command) : undefined
  if (!isAsked || words.length === 1) return group && groupHelp(name, commands)
  const command = commands.find(command => command.name === `${name} ${words[1]}`)
  return command && commandHelp(command)
}

/** @returns the command and the arguments after its name */
async function find(argv: string[]): Promise<[Command, string[]]> {
  const [name = '', second = '', ...others] = argv[0] === '--version' ? ['version', ...argv.slice(1)] : argv
  const group = GROUPS.find(group => group.name === name)
  if (group === undefined)
    throw usageError(`There is no command "${name}". latchkey --help lists the commands.`)
  const commands = await group.load()
  const alone = commands.find(command => command.name === name)
  if (alone) return [alone, argv.slice(1)]
  const command = commands.find(command => command.name === `${name} ${second}`)
  if (command) return [command, others]
  const known = commands.map(command => command.name.slice(name.length + 1)).join(', ')
  throw usageError(`There is no command "${name} ${second}". Commands of ${name}: ${known}.`)
}

function parse(command: Command, args: string[]): Input {
  // A command without --json says itself why it has none.
  const options = { ...optionsOf(command), ...COMMON }
  let values: Record<string, string | boolean | (string | boolean)[] | undefined>
  let positionals: string[]
  const see = `See latchkey ${command.name} --help.`
  try {
    ;({ values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: Object.fromEntries(
        Object.entries(options).map(([name, option]) => {
          const {
            value,
            short,
            multiple = false,
          } = option as { value?: string; short?: string; multiple?: true }
          const type = value === undefined ? ('boolean' as const) : ('string' as const)
          return [name, { type, multiple, ...(short && { short }) }]
        }),
      ),
    }))
  } catch (error) {
    // Node's message continues with advice about its own syntax.
    throw usageError(`${(error as Error).message.replace(/\. .*/s, '')}. ${see}`)
  }
  const names = Object.keys(command.parameters ?? {})
  const isOpen = names.at(-1)?.endsWith('...') ?? false
  const least = names.length - (command.isOptional ? 1 : 0)
  if (positionals.length < least || (positionals.length > names.length && !isOpen)) {
    throw usageError(`Usage: ${synopsis(command)}. ${see}`)
  }
  const positional = new Map(names.map((name, index) => [name.replace('...', ''), positionals[index]]))
  const optional = (name: string) => positional.get(name) ?? (values[name] as string | undefined)
  return {
    optional,
    text: name => optional(name) ?? '',
    list: name =>
      positional.has(name)
        ? positionals.slice(names.length - 1)
        : ((values[name] as string[] | undefined) ?? []),
    flag: name => values[name] === true,
  }
}

async function confirm(
  { question: ofCommand }: Command,
  context: Context,
  input: Input,
  { ask }: Surroundings,
) {
  if (ofCommand === undefined || input.flag('yes')) return
  const question = await ofCommand(context, input)
  if (ask === undefined) throw usageError(`${question} Add --yes, since nobody can be asked here.`)
  if (!/^\s*y(es)?\s*$/i.test(await ask(`${question} [y/N] `))) {
    throw commandError(EXIT.failed, 'declined', 'Nothing was changed.')
  }
}

const PROBLEM_EXITS: Record<number, number> = { 400: EXIT.usage, 404: EXIT.notFound, 409: EXIT.conflict }

/** The report of an error: a sentence for a known one, a stack for a bug. */
async function failureOf(error: unknown): Promise<{ exitCode: number; code: string; message: string }> {
  if (isCommandError(error)) return error
  const { name, message, stack } = error as Error
  if (name === 'ConfigError') return { exitCode: EXIT.usage, code: 'bad_configuration', message }
  if (name === 'Problem') {
    const { code, statusCode, errors = [] } = error as ProblemError
    const text = [message, ...errors.map(({ path, message }) => `${path}: ${message}`)].join('\n  ')
    return { exitCode: PROBLEM_EXITS[statusCode] ?? EXIT.failed, code, message: text }
  }
  const { databaseFailure } = await import('./database.ts')
  const failure = databaseFailure(error)
  if (failure) return failure
  return { exitCode: EXIT.failed, code: 'internal_error', message: stack ?? String(error) }
}
