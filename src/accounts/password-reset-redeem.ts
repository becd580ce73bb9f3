/**
 * Who may set a new password: the bearer of the link's token, or of a request's token with its code.
 */
import type { FastifyInstance } from 'fastify'
import type { User } from '../database/queries/users.ts'
import { problem } from '../errors.ts'
import { type CodeProof, redeemCode } from './mailed-code.ts'

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
  if (!user || user.disabledAt || !verified.matches(user)) throw problem('token_spent')
  return { user, expiresAt: verified.expiresAt }
}

/**
 * The account whose code goes with a request. Spends nothing but a try.
 *
 * @param newPassword checked before the try is counted: one that is refused spends nothing
 * @throws {ProblemError} `token_invalid`, `token_expired`, `password_rejected`, `code_invalid`
 */
export async function redeemResetCode(
  app: FastifyInstance,
  proof: CodeProof,
  newPassword: string,
): Promise<User> {
  const { subject } = await redeemCode(app, app.tokens.resetRequest, proof, {
    assertAcceptable: ({ email }) => app.passwords.assertAcceptable(newPassword, email),
    async find({ email }) {
      const user = await app.database.users.findByEmail(email)
      return user && !user.disabledAt ? { subject: user } : undefined
    },
  })
  return subject
}
