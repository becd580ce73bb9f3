/**
 * Who may set a new password: the bearer of the link's token, or of a request's token with its code.
 */
import type { FastifyInstance } from 'fastify'
import type { User } from '../database/users.ts'
import { problem } from '../errors.ts'
import { countTry } from '../passwords/code-tries.ts'
import { boundParts } from '../tokens/fingerprint.ts'

/**
 * The account that a reset token still speaks of. Spends nothing.
 *
 * @throws {ProblemError} `token_invalid`, `token_expired`, `token_spent`
 */
export async function redeemLink(
  app: FastifyInstance,
  token: string,
): Promise<{ user: User; expiresAt: Date }> {
  const verified = app.tokens.reset.verify(token)
  const user = await app.database.users.findById(verified.subject)
  if (!user || user.disabledAt || !verified.speaksOf(user)) throw problem('token_spent')
  return { user, expiresAt: verified.expiresAt }
}

/**
 * The account whose code goes with a request: that of the mail that serves it, which may serve others too, as
 * long as RESET_TOKEN_TTL from when it was sent. Counts a try by request and by address, for an address that nobody knows too, and
 * says no more of it than of a wrong code.
 *
 * @param newPassword checked before the try is counted: one that is refused spends nothing
 * @throws {ProblemError} `token_invalid`, `token_expired`, `password_rejected`, `code_invalid`
 */
export async function redeemCode(
  app: FastifyInstance,
  requestToken: string,
  code: string,
  newPassword: string,
): Promise<User> {
  const { email, requestId, expiresAt } = app.tokens.resetRequest.verify(requestToken)
  app.passwords.assertAcceptable(newPassword, email)
  const mayTry = await countTry(app, { purpose: 'reset', requestId, expiresAt, owner: email })

  const user = await app.database.users.findByEmail(email)
  const owner = user ?? { id: 'nobody', email, passwordHash: 'none' }
  const since = new Date(app.clock().getTime() - app.config.RESET_TOKEN_TTL * 1000)
  const codeId = await app.database.mailTurns.codeIdOf(requestId, since)
  const right = app.tokens.resetCode.matches(code, codeId ?? requestId, ...boundParts(owner))
  if (!user || user.disabledAt || codeId === undefined || !right || !mayTry) throw problem('code_invalid')
  return user
}
