// POST /email-change/request and /email-change/confirm. The link also needs the password, so that a mistyped email
// gives nobody else access.
import type { FastifyInstance } from 'fastify'
import Type, { type Static } from 'typebox'
import type { User } from '../database/queries/users.ts'
import { BODY_PROBLEMS, problem, problems } from '../errors.ts'
import { causeOf, originOf } from '../http/origin.ts'
import type { App, Handler } from '../http/route-types.ts'
import { checkPasswordOf, reauthenticate } from '../passwords/check.ts'
import { Password } from '../passwords/policy.ts'
import { canonicalEmail, Email } from '../shared/email-address.ts'
import { accepted } from './accepted.ts'
import { linkOrCode, redeemCode } from './mailed-code.ts'

const RequestBody = Type.Object(
  { currentPassword: Password, newEmail: Email },
  {
    additionalProperties: false,
    examples: [{ currentPassword: 'correct horse battery staple', newEmail: 'ada@example.net' }],
  },
)
const ConfirmBody = linkOrCode({ password: Password }, [{ password: 'correct horse battery staple' }])
type ConfirmBody = Static<typeof ConfirmBody>

export async function emailChangeRequest(app: App) {
  app.route({
    method: 'POST',
    url: '/email-change/request',
    config: { hashes: true },
    onRequest: [app.limit('login'), app.limit('mail')],
    schema: {
      operationId: 'requestEmailChange',
      summary: 'Request a change of email',
      description:
        'Sends a link and a code to the new email, and a notice to the old one. The response is the ' +
        'same whether the new email has an account or not.',
      tags: ['account'],
      body: RequestBody,
      response: {
        202: accepted('confirmation_sent', 'An email is being sent if the new email is free'),
        ...problems(...BODY_PROBLEMS, 'unauthenticated', 'invalid_password'),
      },
    },
    handler: requestChange,
  })
}

export async function emailChangeConfirm(app: App) {
  app.route({
    method: 'POST',
    url: '/email-change/confirm',
    config: { hashes: true },
    onRequest: app.limit('confirm'),
    schema: {
      operationId: 'confirmEmailChange',
      summary: 'Confirm a change of email',
      description:
        'Needs the `token` of the link that was sent to the new email, or the `requestToken` of the ' +
        'request with the `code` of that email, and the password of the account. Sessions continue. ' +
        'Links and codes that were sent to the old email become invalid.',
      tags: ['account'],
      security: [],
      body: ConfirmBody,
      response: {
        204: Type.Null({ description: 'The email is changed' }),
        ...problems(
          ...BODY_PROBLEMS,
          'token_invalid',
          'token_expired',
          'token_spent',
          'code_invalid',
          'invalid_password',
          'email_taken',
        ),
      },
    },
    handler: confirmChange,
  })
}

const requestChange: Handler<{ body: typeof RequestBody }> = async function (request, reply) {
  const newEmail = canonicalEmail(request.body.newEmail, '/newEmail')
  const user = await reauthenticate(this, request, request.body.currentPassword)
  const { token, requestId } = this.tokens.changeEmailRequest.mint(newEmail, { account: user.id })
  const about = { userId: user.id, ...causeOf(request) }
  await this.database.outbox.enqueueAll(
    [
      { kind: 'email_change', recipient: newEmail, challengeId: requestId, ...about },
      { kind: 'email_change_requested', recipient: user.email, mentionedEmail: newEmail, ...about },
    ],
    this.clock(),
  )
  this.mail.wake()
  return reply.code(202).send({ status: 'confirmation_sent', requestToken: token })
}

const confirmChange: Handler<{ body: typeof ConfirmBody }> = async function (request, reply) {
  const { password } = request.body
  const { user, email } = await redeemEmailChange(this, request.body)
  request.subject = { account: user.id }
  if (!(await checkPasswordOf(this, user, request, password))) {
    throw problem('invalid_password')
  }
  switch (await this.database.users.changeEmail(user, email, this.clock(), originOf(request))) {
    case 'stale':
      throw problem('token_spent')
    case 'taken':
      throw problem('email_taken')
  }
  this.mail.wake()
  request.securityEvent('user_updated', { account: user.id }, 'email')
  return reply.code(204).send()
}

async function redeemEmailChange(
  app: FastifyInstance,
  body: ConfirmBody,
): Promise<{ user: User; email: string }> {
  const { users } = app.database
  if ('requestToken' in body) {
    const { subject: user, email } = await redeemCode(app, app.tokens.changeEmailRequest, body, {
      async find({ email, claims }) {
        const user = await users.findById(claims.account)
        return user && !user.disabledAt ? { subject: user, email } : undefined
      },
    })
    return { user, email }
  }
  const verified = app.tokens.changeEmail.verify(body.token)
  const user = await users.findById(verified.subject)
  if (!user || user.disabledAt || !verified.matches(user)) throw problem('token_spent')
  return { user, email: verified.claims.email }
}
