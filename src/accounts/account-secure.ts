/**
 * POST /account/secure: "this was not me", from a notice.
 *
 * It needs the address to be typed, which a link scanner that opens links and submits forms does not
 * know. It asks for no password and no session: whoever took the account over may have changed both.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import Type from 'typebox'
import type { DeletedAccount } from '../database/queries/deletions.ts'
import type { Securing, User } from '../database/queries/users.ts'
import { BODY_PROBLEMS, problem, problems } from '../errors.ts'
import type { App, Handler } from '../http/routes.ts'
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

export async function accountSecure(app: App) {
  app.route({
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

const secure: Handler<{ body: typeof Body }> = async function (request, reply) {
  const email = canonicalEmail(request.body.email)
  const verified = this.tokens.secure.verify(request.body.token)
  const by = { email, notice: new Date(verified.claims.notice) }
  const isDone = await secureAccount(this, request, verified, by)
  if (!isDone) throw problem('token_spent')
  this.mail.wake()
  request.securityEvent('authn_login_lock', { account: verified.subject }, 'customer')
  return reply.code(204).send()
}

/**
 * Secures the account that a notice is about, or undoes its deletion.
 *
 * @returns whether it did; `false` where the notice is void
 */
async function secureAccount(
  { database, clock }: FastifyInstance,
  request: FastifyRequest,
  verified: ReturnType<FastifyInstance['tokens']['secure']['verify']>,
  by: Securing,
): Promise<boolean> {
  const { users, deletions } = database
  const now = clock()
  /** The fingerprint is of the address too: the token with another address is spent on nothing. */
  const mayBeSecured = (account: User | DeletedAccount) => {
    if (!verified.matches(securable(account, by.email))) return false
    request.subject = { account: account.id }
    return !isSpent(account, by.notice)
  }

  const user = await users.findById(verified.subject)
  if (user) {
    if (user.disabledAt || !mayBeSecured(user)) return false
    if (await users.secure(user, by, now, originOf(request))) return true
  }
  // Also where the deletion came between the read and the change.
  const deleted = await deletions.find(verified.subject, now)
  if (!deleted || !mayBeSecured(deleted)) return false
  return deletions.undo(deleted, by, now, originOf(request))
}

/**
 * Whether a notice has had its say. An older notice outranks the one that secured the account: a thief
 * who moved the account to another address gets notices there, and must not void the owner's with them.
 */
function isSpent(user: Pick<User, 'securedAt' | 'securedNoticeAt'>, notice: Date): boolean {
  const { securedAt, securedNoticeAt } = user
  return securedAt !== null && securedNoticeAt !== null && notice >= securedNoticeAt && notice <= securedAt
}
