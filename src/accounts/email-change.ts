/**
 * POST /email-change/request and /confirm: another address for the account.
 *
 * The link in the new mailbox is not enough: whoever opens it must know the password, so that a mistyped
 * address hands nothing to a stranger.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import Type, { type Static } from 'typebox'
import { BODY_PROBLEMS, problem, problems } from '../errors.ts'
import { checkPasswordOf, reauthenticate } from '../passwords/check.ts'
import { Password } from '../passwords/policy.ts'
import { MailedToken } from '../tokens/bound.ts'
import { accepted } from './accepted.ts'
import { canonicalEmail, Email } from './email-address.ts'
import { causeOf, originOf } from './origin.ts'

const RequestBody = Type.Object(
  { currentPassword: Password, newEmail: Email },
  {
    additionalProperties: false,
    examples: [{ currentPassword: 'correct horse battery staple', newEmail: 'ada@example.net' }],
  },
)
const ConfirmBody = Type.Object(
  { token: MailedToken, password: Password },
  {
    additionalProperties: false,
    examples: [
      {
        token: 'eyJhbGciOiJIUzI1NiJ9.eyJhdWQiOiJjaGFuZ2UtZW1haWwifQ.c2lnbmF0dXJl',
        password: 'correct horse battery staple',
      },
    ],
  },
)

/** For the bearer: asks for the link. */
export async function emailChangeRequest(app: FastifyInstance) {
  app.route<{ Body: Static<typeof RequestBody> }>({
    method: 'POST',
    url: '/email-change/request',
    onRequest: [app.limit('login'), app.limit('mail')],
    schema: {
      operationId: 'requestEmailChange',
      summary: 'Begin to change the address',
      description:
        'Mails a link to the new address and a notice to the old. The answer is the same whether the new address ' +
        'has an account or not.',
      tags: ['account'],
      body: RequestBody,
      response: {
        202: accepted('confirmation_sent', 'A link is on its way, if the address is free'),
        ...problems(...BODY_PROBLEMS, 'unauthenticated', 'invalid_password'),
      },
    },
    handler: requestChange,
  })
}

/** For whoever has the link and the password. */
export async function emailChangeConfirm(app: FastifyInstance) {
  app.route<{ Body: Static<typeof ConfirmBody> }>({
    method: 'POST',
    url: '/email-change/confirm',
    onRequest: app.limit('confirm'),
    schema: {
      operationId: 'confirmEmailChange',
      summary: 'Change the address',
      description:
        'Takes the token from the mail to the new address, and the password of the account. Sessions go on; links ' +
        'that were mailed to the old address are void.',
      tags: ['account'],
      security: [],
      body: ConfirmBody,
      response: {
        204: Type.Null({ description: 'The account has the new address' }),
        ...problems(
          ...BODY_PROBLEMS,
          'token_invalid',
          'token_expired',
          'token_spent',
          'invalid_password',
          'email_taken',
        ),
      },
    },
    handler: confirmChange,
  })
}

async function requestChange(
  this: FastifyInstance,
  request: FastifyRequest<{ Body: Static<typeof RequestBody> }>,
  reply: FastifyReply,
) {
  const newEmail = canonicalEmail(request.body.newEmail, '/newEmail')
  const user = await reauthenticate(this, request, request.body.currentPassword)
  const about = { userId: user.id, ...causeOf(request) }
  await this.database.outbox.fileAll(
    [
      { kind: 'email_change', recipient: newEmail, ...about },
      { kind: 'email_change_requested', recipient: user.email, mentionedEmail: newEmail, ...about },
    ],
    this.clock(),
  )
  this.mail.wake()
  return reply.code(202).send({ status: 'confirmation_sent' })
}

async function confirmChange(
  this: FastifyInstance,
  request: FastifyRequest<{ Body: Static<typeof ConfirmBody> }>,
  reply: FastifyReply,
) {
  const { token, password } = request.body
  const verified = this.tokens.changeEmail.verify(token)
  const user = await this.database.users.findById(verified.subject)
  if (!user || user.disabledAt || !verified.speaksOf(user)) throw problem('token_spent')
  if (!(await checkPasswordOf(this, user, request, password))) {
    throw problem('invalid_password')
  }
  const { email } = verified.claims
  switch (await this.database.users.changeEmail(user, email, this.clock(), originOf(request))) {
    case 'stale':
      throw problem('token_spent')
    case 'taken':
      throw problem('email_taken')
  }
  this.mail.wake()
  return reply.code(204).send()
}
