/**
 * Checking a password: counted in one place, whatever it is asked for.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { User } from '../database/users.ts'
import { problem } from '../errors.ts'

/** A password to check, and whose it should be. */
export interface PasswordGuess {
  /** Canonical. */
  email: string
  ip: string
  /** When the password was set; undefined where there is no account, which behaves the same. */
  since: Date | undefined
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
export async function checkPassword(app: FastifyInstance, guess: PasswordGuess): Promise<boolean> {
  const attempt = await app.guessBackoff.attempt(guess)
  const right = await app.passwords.verify(guess.stored, guess.password).catch(attempt.undoAndRethrow)
  if (right) await attempt.forgive()
  return right
}

/** The same for an account that is known. */
export function checkPasswordOf(
  app: FastifyInstance,
  { email, passwordChangedAt: since, passwordHash: stored }: User,
  ip: string,
  password: string,
): Promise<boolean> {
  return checkPassword(app, { email, ip, since, stored, password })
}

/**
 * Makes sure that the bearer of a session is the owner, for what a stolen session must not do.
 *
 * @returns the account
 * @throws {ProblemError} `invalid_credentials` for a wrong password, `unauthenticated` where the account is
 *   gone, and what `checkPassword` throws
 */
export async function reauthenticate(
  app: FastifyInstance,
  request: FastifyRequest,
  currentPassword: string,
): Promise<User> {
  const user = await app.database.users.findById(request.session.userId)
  if (!user) throw problem('unauthenticated')
  if (await checkPasswordOf(app, user, request.ip, currentPassword)) return user
  throw problem('invalid_credentials', { detail: 'This is not the current password.' })
}
