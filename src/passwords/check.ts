/** Checks passwords. Every check counts for the same back-off, whatever the password is needed for. */
import type { Database } from '../database/index.ts'
import type { User } from '../database/queries/users.ts'
import { problem } from '../errors.ts'
import type { GuessBackoff } from './guess-backoff.ts'
import type { Client, Passwords } from './passwords.ts'

/** Dependencies of every check. */
interface Guards {
  guessBackoff: GuessBackoff
  passwords: Pick<Passwords, 'verify'>
}

/** Dependencies of a check for a known account. */
interface AccountGuards extends Guards {
  database: Pick<Database, 'users'>
  clock: () => Date
}

/** A password to check, and the account that it is checked for. */
interface PasswordGuess {
  /** Canonical. */
  email: string
  client: Client
  /** Whether a login, reset or confirmation of the account recently succeeded from the client's network. */
  isFamiliar?: boolean
  /** Time when an operator lifted the back-off of the account. */
  unlockedAt?: Date | null
  /** The stored hash; undefined if no account has the email. */
  stored: string | undefined
  password: string
}

/**
 * Verifies a password at the cost of one hash, under the back-off on wrong guesses.
 *
 * @returns whether the password is right
 * @throws {ProblemError} `rate_limited`, `overloaded`
 */
export async function checkPassword(guards: Guards, guess: PasswordGuess): Promise<boolean> {
  const { email, client, isFamiliar, unlockedAt, stored, password } = guess
  const attempt = await guards.guessBackoff.attempt({ email, ip: client.ip, isFamiliar, unlockedAt })
  const isRight = await guards.passwords.verify(stored, password, client).catch(attempt.undoAndRethrow)
  if (isRight) await attempt.forgive()
  return isRight
}

/** Does the same for a known account. */
export async function checkPasswordOf(
  guards: AccountGuards,
  { id, email, passwordHash: stored, unlockedAt }: User,
  client: Client,
  password: string,
): Promise<boolean> {
  const isFamiliar = await guards.database.users.isFamiliarNetwork(id, client.ip, guards.clock())
  return checkPassword(guards, { email, client, isFamiliar, unlockedAt, stored, password })
}

/**
 * Verifies the current password before an action that a stolen session must not allow.
 *
 * @returns the account of the session
 * @throws {ProblemError} `invalid_password` for a wrong password, `unauthenticated` if the account no longer exists,
 *   and what `checkPassword` throws
 */
export async function reauthenticate(
  guards: AccountGuards,
  bearer: Client & { session: { userId: string } },
  currentPassword: string,
): Promise<User> {
  const user = await guards.database.users.findById(bearer.session.userId)
  if (!user) throw problem('unauthenticated')
  if (await checkPasswordOf(guards, user, bearer, currentPassword)) return user
  // Not 401: clients with a valid access token would refresh it and send the wrong password again.
  throw problem('invalid_password')
}
