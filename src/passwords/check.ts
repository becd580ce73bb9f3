/**
 * Checking a password: counted in one place, whatever it is asked for.
 */
import type { Database } from '../database/index.ts'
import type { User } from '../database/queries/users.ts'
import { problem } from '../errors.ts'
import type { GuessBackoff } from './guess-backoff.ts'
import type { Client, Passwords } from './passwords.ts'

/** What a check needs. */
interface Guards {
  guessBackoff: GuessBackoff
  passwords: Pick<Passwords, 'verify'>
}

/** What a check for a known account needs besides. */
interface AccountGuards extends Guards {
  database: Pick<Database, 'users'>
  clock: () => Date
}

/** A password to check, and whose it should be. */
export interface PasswordGuess {
  /** Canonical. */
  email: string
  client: Client
  /** Whether a login, reset or confirmation of the account succeeded from the client's network lately. */
  isFamiliar?: boolean
  /** When an operator lifted the back-off of the account. */
  unlockedAt?: Date | null
  /** The stored hash, if there is one. */
  stored: string | undefined
  password: string
}

/**
 * Verifies a password at the cost of one hash, slowed down for whoever guesses.
 *
 * @returns whether it is right
 * @throws {ProblemError} `rate_limited`, `overloaded`
 */
export async function checkPassword(guards: Guards, guess: PasswordGuess): Promise<boolean> {
  const { email, client, isFamiliar, unlockedAt, stored, password } = guess
  const attempt = await guards.guessBackoff.attempt({ email, ip: client.ip, isFamiliar, unlockedAt })
  const right = await guards.passwords.verify(stored, password, client).catch(attempt.undoAndRethrow)
  if (right) await attempt.forgive()
  return right
}

/** The same for an account that is known. */
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
 * Makes sure that the bearer of a session is the owner, for what a stolen session must not do.
 *
 * @returns the account
 * @throws {ProblemError} `invalid_password` for a wrong password, `unauthenticated` where the account is
 *   gone, and what `checkPassword` throws
 */
export async function reauthenticate(
  guards: AccountGuards,
  request: Client & { session: { userId: string } },
  currentPassword: string,
): Promise<User> {
  const user = await guards.database.users.findById(request.session.userId)
  if (!user) throw problem('unauthenticated')
  if (await checkPasswordOf(guards, user, request, currentPassword)) return user
  // Not 401: with a valid bearer, clients refresh after a 401 and send the wrong password again.
  throw problem('invalid_password')
}
