/**
 * Checking a password: counted in one place, whatever it is asked for.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { User } from '../database/queries/users.ts'
import { problem } from '../errors.ts'
import type { Client } from './passwords.ts'

/** A password to check, and whose it should be. */
export interface PasswordGuess {
  /** Canonical. */
  email: string
  client: Client
  /** Whether a login, reset or confirmation of the account succeeded from the client's network lately. */
  isFamiliar?: boolean
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
  const { email, client, isFamiliar, stored, password } = guess
  const attempt = await app.guessBackoff.attempt({ email, ip: client.ip, isFamiliar })
  const right = await app.passwords.verify(stored, password, client).catch(attempt.undoAndRethrow)
  if (right) await attempt.forgive()
  return right
}

/** The same for an account that is known. */
export async function checkPasswordOf(
  app: FastifyInstance,
  { id, email, passwordHash: stored }: User,
  client: Client,
  password: string,
): Promise<boolean> {
  const isFamiliar = await app.database.users.isFamiliarNetwork(id, client.ip, app.clock())
  return checkPassword(app, { email, client, isFamiliar, stored, password })
}

/**
 * Makes sure that the bearer of a session is the owner, for what a stolen session must not do.
 *
 * @returns the account
 * @throws {ProblemError} `invalid_password` for a wrong password, `unauthenticated` where the account is
 *   gone, and what `checkPassword` throws
 */
export async function reauthenticate(
  app: FastifyInstance,
  request: FastifyRequest,
  currentPassword: string,
): Promise<User> {
  const user = await app.database.users.findById(request.session.userId)
  if (!user) throw problem('unauthenticated')
  if (await checkPasswordOf(app, user, request, currentPassword)) return user
  // Not 401: with a valid bearer, clients refresh after a 401 and send the wrong password again.
  throw problem('invalid_password')
}
