import type { FastifyInstance } from 'fastify'
import type { User } from '../database/queries/users.ts'
import { problem } from '../errors.ts'
import { type CodeProof, redeemCode } from './mailed-code.ts'

/**
 * Returns the account of a reset token, without spending it.
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
 * Returns the account of a code. Counts an attempt, unless the policy rejects the password.
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
