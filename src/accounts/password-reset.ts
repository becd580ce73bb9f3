/** POST /password-reset/request, /check and /confirm. */
import type { FastifyInstance } from 'fastify'
import Type, { type Static } from 'typebox'
import type { User } from '../database/queries/users.ts'
import { BODY_PROBLEMS, problem, problems } from '../errors.ts'
import { originOf } from '../http/origin.ts'
import type { App, Handler } from '../http/route-types.ts'
import { Time } from '../http/schemas.ts'
import { Password } from '../passwords/policy.ts'
import { canonicalEmail, Email } from '../shared/email-address.ts'
import { MailedToken } from '../tokens/pasted.ts'
import { accepted, EXAMPLE_TOKEN } from './accepted.ts'
import { linkOrCode, redeemCode } from './mailed-code.ts'

const RequestBody = Type.Object(
  { email: Email },
  { additionalProperties: false, examples: [{ email: 'ada@example.org' }] },
)
const CheckBody = Type.Object(
  { token: MailedToken },
  { additionalProperties: false, examples: [{ token: EXAMPLE_TOKEN }] },
)
const ConfirmBody = linkOrCode({ newPassword: Password }, [{ newPassword: 'a staple of correct batteries' }])
type ConfirmBody = Static<typeof ConfirmBody>

export async function passwordReset(app: App) {
  app.route({
    method: 'POST',
    url: '/password-reset/request',
    onRequest: app.limit('mail'),
    schema: {
      operationId: 'requestPasswordReset',
      summary: 'Request a password reset',
      description:
        'The response is always the same, whether the email has an account or not. Sends at most ' +
        'one email a minute and three an hour.',
      tags: ['password'],
      security: [],
      body: RequestBody,
      response: {
        202: accepted('reset_sent', 'An email is being sent if there is such an account'),
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
      summary: 'Check a reset token',
      description:
        'For the page behind the link, before it asks for a new password. Does not spend the token.',
      tags: ['password'],
      security: [],
      body: CheckBody,
      response: {
        200: Type.Object(
          {
            email: Type.String({ format: 'email', maxLength: 254 }),
            expiresAt: Time,
          },
          {
            additionalProperties: false,
            description: 'The link is valid until `expiresAt`, for the account with this email',
            examples: [{ email: 'ada@example.org', expiresAt: '2026-01-31T10:00:00.000Z' }],
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
      summary: 'Confirm a password reset',
      description:
        'Needs the `token` of the link, or, on another device, the `requestToken` of the request ' +
        'with the `code` of the email. Spends all reset tokens and codes of the account and revokes ' +
        'every session. A rejected password does not spend the token.',
      tags: ['password'],
      security: [],
      body: ConfirmBody,
      response: {
        204: Type.Null({ description: 'The password is set and every session is revoked' }),
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

// Only queues the email. The worker looks the account up, so that the response reveals nothing.
const requestReset: Handler<{ body: typeof RequestBody }> = async function (request, reply) {
  const recipient = canonicalEmail(request.body.email)
  const { token, requestId } = this.tokens.resetRequest.mint(recipient, {})
  const origin = originOf(request)
  await this.database.outbox.enqueue(
    { kind: 'reset_request', recipient, challengeId: requestId, ...origin },
    this.clock(),
  )
  this.mail.wake()
  return reply.code(202).send({ status: 'reset_sent', requestToken: token })
}

/** Names the account, so that the page can show it and a password manager stores the new password under it. */
const checkReset: Handler<{ body: typeof CheckBody }, { email: string; expiresAt: string }> = async function (
  request,
) {
  const { user, expiresAt } = await redeemResetLink(this, request.body.token)
  return { email: user.email, expiresAt: expiresAt.toISOString() }
}

const confirmReset: Handler<{ body: typeof ConfirmBody }> = async function (request, reply) {
  const { newPassword } = request.body
  const user = await redeemReset(this, request.body)
  request.subject = { account: user.id }
  const passwordHash = await this.passwords.hash(newPassword, request)
  const origin = originOf(request)
  // Of parallel requests with one token, only one succeeds.
  if (!(await this.database.users.setPassword(user, passwordHash, this.clock(), origin, 'password_reset'))) {
    throw problem('token_spent')
  }
  await this.guessBackoff.forgive({ email: user.email, ip: request.ip, unlockedAt: user.unlockedAt })
  this.mail.wake()
  request.securityEvent('authn_password_change', { account: user.id })
  return reply.code(204).send()
}

/** Spends nothing. A rejected password does not even count as an attempt at the code. */
async function redeemReset(app: FastifyInstance, body: ConfirmBody): Promise<User> {
  const { newPassword } = body
  if ('token' in body) {
    const { user } = await redeemResetLink(app, body.token)
    app.passwords.assertAcceptable(newPassword, user.email)
    return user
  }
  const { subject } = await redeemCode(app, app.tokens.resetRequest, body, {
    assertAcceptable: ({ email }) => app.passwords.assertAcceptable(newPassword, email),
    async find({ email }) {
      const user = await app.database.users.findByEmail(email)
      return user && !user.disabledAt ? { subject: user } : undefined
    },
  })
  return subject
}

async function redeemResetLink(
  app: FastifyInstance,
  token: string,
): Promise<{ user: User; expiresAt: Date }> {
  const verified = app.tokens.reset.verify(token)
  const user = await app.database.users.findById(verified.subject)
  if (!user || user.disabledAt || !verified.matches(user)) throw problem('token_spent')
  return { user, expiresAt: verified.expiresAt }
}
