/**
 * POST /account/secure: "this was not me", from a notice.
 *
 * It needs the address to be typed, which a link scanner that opens links and submits forms does not
 * know. It asks for no password and no session: whoever took the account over may have changed both.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import Type, { type Static } from 'typebox'
import type { User } from '../database/queries/users.ts'
import { BODY_PROBLEMS, problem, problems } from '../errors.ts'
import { originOf } from '../sessions/origin.ts'
import { canonicalEmail, Email } from '../shared/email-address.ts'
import { MailedToken } from '../tokens/bound.ts'
import { securable } from '../tokens/fingerprint.ts'

const Body = Type.Object(
  { token: MailedToken, email: Email },
  {
    additionalProperties: false,
    examples: [
      { token: 'eyJhbGciOiJIUzI1NiJ9.eyJhdWQiOiJzZWN1cmUifQ.c2lnbmF0dXJl', email: 'ada@example.org' },
    ],
  },
)

export async function accountSecure(app: FastifyInstance) {
  app.route<{ Body: Static<typeof Body> }>({
    method: 'POST',
    url: '/account/secure',
    onRequest: app.limit('confirm'),
    schema: {
      operationId: 'secureAccount',
      summary: 'This was not me',
      description:
        'Takes the token from a notice and the address that the notice went to. Ends all sessions, makes the ' +
        'password unusable, takes a changed address back, voids all links, and mails a reset link. Undoes a ' +
        'deletion of the account. A second call does nothing.',
      tags: ['account'],
      security: [],
      body: Body,
      response: {
        204: Type.Null({ description: 'The account is secured, and a reset link is on its way' }),
        ...problems(...BODY_PROBLEMS, 'token_invalid', 'token_expired', 'token_spent'),
      },
    },
    handler: secure,
  })
}

async function secure(
  this: FastifyInstance,
  request: FastifyRequest<{ Body: Static<typeof Body> }>,
  reply: FastifyReply,
) {
  const email = canonicalEmail(request.body.email)
  const verified = this.tokens.secure.verify(request.body.token)
  const { users, deletions } = this.database
  const now = this.clock()
  const user = await users.findById(verified.subject)
  const deleted = user ? null : await deletions.find(verified.subject, now)
  const account = user ?? deleted
  // The fingerprint is of the address too: the token with another address is spent on nothing.
  if (!account || user?.disabledAt || !verified.matches(securable(account, email)))
    throw problem('token_spent')
  const by = { email, notice: new Date(verified.claims.notice) }
  request.subject = { account: account.id }
  if (isSpent(account, by.notice)) throw problem('token_spent')
  const isDone = user
    ? await users.secure(user, by, now, originOf(request))
    : deleted && (await deletions.undo(deleted, by, now, originOf(request)))
  if (!isDone) throw problem('token_spent')
  this.mail.wake()
  request.securityEvent('authn_login_lock', request.subject, 'customer')
  return reply.code(204).send()
}

/**
 * Whether a notice has had its say. An older notice outranks the one that secured the account: a thief
 * who moved the account to another address gets notices there, and must not void the owner's with them.
 */
function isSpent(user: Pick<User, 'securedAt' | 'securedNoticeAt'>, notice: Date): boolean {
  const { securedAt, securedNoticeAt } = user
  return securedAt !== null && securedNoticeAt !== null && notice >= securedNoticeAt && notice <= securedAt
}
