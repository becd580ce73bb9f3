/**
 * POST /password-reset/request, /check and /confirm: back in after forgetting the password.
 */
import type { FastifyInstance } from 'fastify'
import Type, { type Static } from 'typebox'
import type { User } from '../database/queries/users.ts'
import { BODY_PROBLEMS, problem, problems } from '../errors.ts'
import { type App, type Handler, oneOf } from '../http/routes.ts'
import { Password } from '../passwords/policy.ts'
import { originOf } from '../sessions/origin.ts'
import { canonicalEmail, Email } from '../shared/email-address.ts'
import { MailedToken } from '../tokens/bound.ts'
import { accepted, EXAMPLE_TOKEN } from './accepted.ts'
import { byCode } from './mailed-code.ts'
import { redeemLink, redeemResetCode } from './password-reset-redeem.ts'

const RequestBody = Type.Object(
  { email: Email },
  { additionalProperties: false, examples: [{ email: 'ada@example.org' }] },
)
const CheckBody = Type.Object(
  { token: MailedToken },
  { additionalProperties: false, examples: [{ token: EXAMPLE_TOKEN }] },
)
const NEW_PASSWORD = 'a staple of correct batteries'
const ByLink = Type.Object(
  { token: MailedToken, newPassword: Password },
  { additionalProperties: false, description: 'with the `token` of the link' },
)
const ByCode = Type.Object(
  { ...byCode, newPassword: Password },
  {
    additionalProperties: false,
    description: 'with the `requestToken` of the request and the `code` of the mail',
  },
)
const ConfirmBody = oneOf([ByLink, ByCode], {
  examples: [
    { token: EXAMPLE_TOKEN, newPassword: NEW_PASSWORD },
    { requestToken: EXAMPLE_TOKEN, code: '12345678', newPassword: NEW_PASSWORD },
  ],
})
type ConfirmBody = Static<typeof ConfirmBody>

export async function passwordReset(app: App) {
  app.route({
    method: 'POST',
    url: '/password-reset/request',
    onRequest: app.limit('mail'),
    schema: {
      operationId: 'requestPasswordReset',
      summary: 'Ask for a reset link',
      description:
        'Always the same answer, whether there is such an account or not. One mail a minute, three an hour.',
      tags: ['password'],
      security: [],
      body: RequestBody,
      response: {
        202: accepted('reset_sent', 'A mail is on its way, if there is such an account'),
        ...problems(...BODY_PROBLEMS),
      },
    },
    handler: requestReset,
  })

  app.route({
    method: 'POST',
    url: '/password-reset/check',
    onRequest: app.limit('confirm'),
    schema: {
      operationId: 'checkPasswordReset',
      summary: 'Is this reset link still good?',
      description: 'For the page behind the link, before it asks for a new password. Spends nothing.',
      tags: ['password'],
      security: [],
      body: CheckBody,
      response: {
        200: Type.Object(
          { expiresAt: Type.String({ format: 'date-time', maxLength: 30 }) },
          {
            additionalProperties: false,
            description: 'It is good until then',
            examples: [{ expiresAt: '2026-01-31T10:00:00.000Z' }],
          },
        ),
        ...problems(...BODY_PROBLEMS, 'token_invalid', 'token_expired', 'token_spent'),
      },
    },
    handler: checkReset,
  })

  app.route({
    method: 'POST',
    url: '/password-reset/confirm',
    config: { hashes: true, refusedProof: 'authn_password_change_fail' },
    onRequest: app.limit('confirm'),
    schema: {
      operationId: 'confirmPasswordReset',
      summary: 'Set a new password',
      description:
        'Takes the `token` of the link, or the `requestToken` of the answer with the `code` of the mail, for another ' +
        'device. Spends both, and with them every other one of the account. Ends every session. A password that is ' +
        'refused spends nothing.',
      tags: ['password'],
      security: [],
      body: ConfirmBody,
      response: {
        204: Type.Null({ description: 'The password is set, and every session has ended' }),
        ...problems(
          ...BODY_PROBLEMS,
          'token_invalid',
          'token_expired',
          'token_spent',
          'code_invalid',
          'password_rejected',
        ),
      },
    },
    handler: confirmReset,
  })
}

/** Files the mail and nothing else: the account is looked up when the mail is sent, so this tells nothing. */
const requestReset: Handler<{ body: typeof RequestBody }> = async function (request, reply) {
  const recipient = canonicalEmail(request.body.email)
  const { token, requestId } = this.tokens.resetRequest.mint(recipient, {})
  const origin = originOf(request)
  await this.database.outbox.file(
    { kind: 'reset_request', recipient, challengeId: requestId, ...origin },
    this.clock(),
  )
  this.mail.wake()
  return reply.code(202).send({ status: 'reset_sent', requestToken: token })
}

const checkReset: Handler<{ body: typeof CheckBody }, { expiresAt: string }> = async function (request) {
  const { expiresAt } = await redeemLink(this, request.body.token)
  return { expiresAt: expiresAt.toISOString() }
}

const confirmReset: Handler<{ body: typeof ConfirmBody }> = async function (request, reply) {
  const { newPassword } = request.body
  const user = await redeem(this, request.body)
  request.subject = { account: user.id }
  const passwordHash = await this.passwords.hash(newPassword, request)
  const origin = originOf(request)
  // Of all that came this far with one link, the compare-and-swap lets one through.
  if (!(await this.database.users.setPassword(user, passwordHash, this.clock(), origin, 'password_reset'))) {
    throw problem('token_spent')
  }
  await this.guessBackoff.forgive({ email: user.email, ip: request.ip })
  this.mail.wake()
  request.securityEvent('authn_password_change', { account: user.id })
  return reply.code(204).send()
}

/** Who may set the new password, which is acceptable. */
async function redeem(app: FastifyInstance, body: ConfirmBody): Promise<User> {
  const { newPassword } = body
  if ('token' in body) {
    const { user } = await redeemLink(app, body.token)
    app.passwords.assertAcceptable(newPassword, user.email)
    return user
  }
  return redeemResetCode(app, body, newPassword)
}
