/** What a command of the command line is, and how it fails. */
import type { Queries } from '../database/index.ts'

/** The operator of events and keys that the command line causes. */
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
  /** Names the value in the help, such as `email`. */
  value?: string
  description: string
  /** May be given several times. */
  multiple?: true
  short?: string
}

/** The arguments of a call, by name. */
export interface Input {
  /** A positional argument, or an option with a value; an empty text where it is missing. */
  text(name: string): string
  /** The same, or undefined where it is missing. */
  optional(name: string): string | undefined
  /** The values of an option, or of the last argument, that may be given several times. */
  list(name: string): string[]
  flag(name: string): boolean
}

/** What a command has to work with. */
export interface Context {
  /** What functions of operators/ need; opens the database of DATABASE_URL at the first call. */
  needs(): Promise<{ database: Queries; clock: () => Date }>
  /** Variables of the process, completed from `.env`. */
  environment(): Promise<NodeJS.ProcessEnv>
}

/** What a command returns: `json` for programs, `text` for people. */
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
  /** Positional arguments in their order, with their descriptions. The last one may end in `...`, for several. */
  parameters?: Readonly<Record<string, string>>
  /** Whether the last parameter may be missing. */
  isOptional?: true
  options?: Readonly<Record<string, Option>>
  /** Whether it takes no option but `--help`. */
  isBare?: true
  /** A question that is asked before a change that cannot be reverted. */
  question?: (context: Context, input: Input) => Promise<string>
  run(context: Context, input: Input): Promise<Output>
}

/** A failure that is reported in words, without a stack. */
export interface CommandError extends Error {
  name: 'CommandError'
  exitCode: number
  /** Stable, for programs: `usage`, `not_found`, `database_unavailable` … */
  code: string
}

/**
 * Creates the error to throw for a failure.
 *
 * @param message what happened, and what to do
 */
export function commandError(exitCode: number, code: string, message: string): CommandError {
  return Object.assign(new Error(message), { name: 'CommandError' as const, exitCode, code })
}

export const usageError = (message: string) => commandError(EXIT.usage, 'usage', message)

export function isCommandError(error: unknown): error is CommandError {
  return error instanceof Error && error.name === 'CommandError'
}
