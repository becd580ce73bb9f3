// POST /account/secure: "this was not me", from a notice. The email has to be typed, because link scanners
// submit forms. No password or session is needed, because an attacker may have changed both.
import type { FastifyInstance, FastifyRequest } from 'fastify'
import Type from 'typebox'
import type { DeletedAccount } from '../database/queries/deletions.ts'
import type { Securing, User } from '../database/queries/users.ts'
import { BODY_PROBLEMS, problem, problems } from '../errors.ts'
import { originOf } from '../http/origin.ts'
import type { App, Handler } from '../http/route-types.ts'
import { canonicalEmail, Email } from '../shared/email-address.ts'
import { securable } from '../tokens/fingerprint.ts'
import { MailedToken } from '../tokens/pasted.ts'

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
      summary: 'Secure an account ("this was not me")',
      description:
        'Needs the token of a notice and the email that the notice was sent to. Revokes all ' +
        'sessions, disables the password, restores a changed email, voids all links and emails a ' +
        'reset link. Also undoes a deletion of the account. A repeated call has no further effect.',
      tags: ['account'],
      security: [],
      body: Body,
      response: {
        204: Type.Null({ description: 'The account is secured and a reset link is being sent' }),
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

/** Returns false if the notice is void. */
async function secureAccount(
  { database, clock }: FastifyInstance,
  request: FastifyRequest,
  verified: ReturnType<FastifyInstance['tokens']['secure']['verify']>,
  by: Securing,
): Promise<boolean> {
  const { users, deletions } = database
  const now = clock()
  /** The fingerprint covers the email: with another email the token is not spent. */
  const canBeSecured = (account: User | DeletedAccount) => {
    if (!verified.matches(securable(account, by.email))) return false
    request.subject = { account: account.id }
    return !isSuperseded(account, by.notice)
  }

  const user = await users.findById(verified.subject)
  if (user) {
    if (user.disabledAt || !canBeSecured(user)) return false
    if (await users.secure(user, by, now, originOf(request))) return true
  }
  // The account may have been deleted since the read.
  const deleted = await deletions.find(verified.subject, now)
  if (!deleted || !canBeSecured(deleted)) return false
  return deletions.undo(deleted, by, now, originOf(request))
}

// An older notice outranks the one that secured the account. Otherwise an attacker who changed the email could void
// the owner's notices with those sent to the new email.
function isSuperseded(user: Pick<User, 'securedAt' | 'securedNoticeAt'>, notice: Date): boolean {
  const { securedAt, securedNoticeAt } = user
  return securedAt !== null && securedNoticeAt !== null && notice >= securedNoticeAt && notice <= securedAt
}
