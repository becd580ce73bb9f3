// POST /confirm-email and /confirm-email/resend. Only a password set after the mailbox is proved counts, so
// that nobody can plant one (pre-hijacking) and a link scanner confirms nothing.

import type { FastifyInstance } from 'fastify'
import Type, { type Static } from 'typebox'
import { BODY_PROBLEMS, problem, problems } from '../errors.ts'
import { causeOf } from '../http/origin.ts'
import type { App, Handler } from '../http/route-types.ts'
import { Password } from '../passwords/policy.ts'
import { tokenPairResponse } from '../sessions/pair.ts'
import { CookieMode } from '../sessions/refresh-cookie.ts'
import type { TokenPair } from '../sessions/token-pair.ts'
import { canonicalEmail, Email } from '../shared/email-address.ts'
import { accepted } from './accepted.ts'
import { type PendingAccount, pendingByEmail, pendingById, setFirstPassword } from './first-password.ts'
import { linkOrCode, redeemCode } from './mailed-code.ts'

const PASSWORD = 'correct horse battery staple'

const ConfirmBody = linkOrCode({ password: Password, mode: Type.Optional(CookieMode) }, [
  { password: PASSWORD },
  { password: PASSWORD, mode: 'cookie' },
])
type ConfirmBody = Static<typeof ConfirmBody>
const ResendBody = Type.Object(
  { email: Email },
  { additionalProperties: false, examples: [{ email: 'ada@example.org' }] },
)

export async function confirmEmail(app: App) {
  app.route({
    method: 'POST',
    url: '/confirm-email',
    config: { hashes: true },
    onRequest: app.limit('confirm'),
    preHandler: app.ownPageOnly,
    schema: {
      operationId: 'confirmEmail',
      summary: 'Confirm an email',
      description:
        'Needs the `token` of the link, or the `requestToken` of the request with the `code` of the ' +
        'email, and a password, which becomes the password of the account. Returns a session, the ' +
        'first login. All other links and codes for this email become invalid. A rejected password ' +
        'does not spend the token.',
      tags: ['registration'],
      security: [],
      body: ConfirmBody,
      response: {
        200: tokenPairResponse('The email is confirmed; the first session'),
        ...problems(
          ...BODY_PROBLEMS,
          'token_invalid',
          'token_expired',
          'token_spent',
          'code_invalid',
          'password_rejected',
          'origin_not_allowed',
        ),
      },
    },
    handler: confirm,
  })
}

export async function confirmEmailResend(app: App) {
  app.route({
    method: 'POST',
    url: '/confirm-email/resend',
    onRequest: app.limit('mail'),
    schema: {
      operationId: 'resendConfirmation',
      summary: 'Resend the confirmation email',
      description:
        'The response is always the same. Sends a link and a code if a registration is waiting, at ' +
        'most once a minute.',
      tags: ['registration'],
      security: [],
      body: ResendBody,
      response: {
        202: accepted('confirmation_sent', 'An email is being sent if a registration is waiting'),
        ...problems(...BODY_PROBLEMS),
      },
    },
    handler: resend,
  })
}

const confirm: Handler<{ body: typeof ConfirmBody }, TokenPair> = async function (request, reply) {
  return setFirstPassword(this, request, reply, await redeemConfirmation(this, request.body))
}

/** Spends nothing. A rejected password does not even count as an attempt. */
async function redeemConfirmation(app: FastifyInstance, body: ConfirmBody): Promise<PendingAccount> {
  const { password } = body
  if ('requestToken' in body) {
    return redeemCode(app, app.tokens.confirmRequest, body, {
      assertAcceptable: ({ email }) => app.passwords.assertAcceptable(password, email),
      find: ({ email }) => pendingByEmail(app, email),
    })
  }
  const verified = app.tokens.confirm.verify(body.token)
  const pending = await pendingById(app, verified.subject)
  if (pending === undefined || !verified.matches(pending.subject)) throw problem('token_spent')
  app.passwords.assertAcceptable(password, pending.subject.email)
  return pending
}

const resend: Handler<{ body: typeof ResendBody }> = async function (request, reply) {
  const recipient = canonicalEmail(request.body.email)
  const { token, requestId } = this.tokens.confirmRequest.mint(recipient, {})
  await this.database.outbox.enqueue(
    { kind: 'confirmation_resend', recipient, challengeId: requestId, ...causeOf(request) },
    this.clock(),
  )
  this.mail.wake()
  return reply.code(202).send({ status: 'confirmation_sent', requestToken: token })
}
