/** Definition of a command of the command line, and of its failures. */
import type { Queries } from '../database/index.ts'

/** The operator in events and keys that the command line creates. */
export const BY_CLI = { actor: 'cli', origin: { ip: null, device: null, requestId: null } } as const

/** Exit codes; docs/operate.md and `latchkey --help` list them. */
export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 2,
  notFound: 3,
  conflict: 4,
  database: 5,
} as const

export const EXIT_CODES: readonly [code: number, meaning: string][] = [
  [EXIT.ok, 'success'],
  [EXIT.failed, 'failure, or the question was answered with no'],
  [EXIT.usage, 'wrong usage: nothing was done'],
  [EXIT.notFound, 'there is no such account, key or email'],
  [EXIT.conflict, 'the state of the account, key or email does not allow it'],
  [EXIT.database, 'the database cannot be used'],
]

/** An option of a command. Options without `value` are switches. */
export interface Option {
  /** Name of the value in the help, such as `email`. */
  value?: string
  description: string
  /** May be repeated. */
  multiple?: true
  short?: string
}

/** The arguments of a call, by name. */
export interface Input {
  /** A positional argument, or an option with a value; an empty text if it is missing. */
  text(name: string): string
  /** The same; undefined if it is missing. */
  optional(name: string): string | undefined
  /** The values of an option, or of the last argument, that may be repeated. */
  list(name: string): string[]
  flag(name: string): boolean
}

/** Dependencies of a command. */
export interface Context {
  /** Dependencies of the functions in operators/; opens the database of DATABASE_URL at the first call. */
  needs(): Promise<{ database: Queries; clock: () => Date }>
  /** Variables of the process, completed from `.env`. */
  environment(): Promise<NodeJS.ProcessEnv>
}

/** Result of a command: `json` for programs, `text` for people. */
export interface Output {
  json: unknown
  text: string
}

export interface Command {
  /** Such as `users disable`. */
  name: string
  /** One line for the list of commands. */
  summary: string
  /** Sentences for the help of this command. */
  description?: string
  /** Positional arguments in order, with their descriptions. The last one may end in `...` if it may be repeated. */
  parameters?: Readonly<Record<string, string>>
  /** Whether the last parameter is optional. */
  isOptional?: true
  options?: Readonly<Record<string, Option>>
  /** Whether it takes no option but `--help`. */
  isBare?: true
  /** A question to confirm a change that cannot be undone. */
  question?: (context: Context, input: Input) => Promise<string>
  run(context: Context, input: Input): Promise<Output>
}

/** A failure that is reported as a sentence, without a stack. */
export interface CommandError extends Error {
  name: 'CommandError'
  exitCode: number
  /** Stable, for programs: `usage`, `not_found`, `database_unavailable` … */
  code: string
}

/** @param message what happened, and what to do */
export function commandError(exitCode: number, code: string, message: string): CommandError {
  return Object.assign(new Error(message), { name: 'CommandError' as const, exitCode, code })
}

export const usageError = (message: string) => commandError(EXIT.usage, 'usage', message)

export function isCommandError(error: unknown): error is CommandError {
  return error instanceof Error && error.name === 'CommandError'
}
