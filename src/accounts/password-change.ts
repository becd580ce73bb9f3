// POST /password-change/request and /password-change/confirm: needs the current password and a code that
// proves the mailbox.
import Type from 'typebox'
import { v7 as uuidv7 } from 'uuid'
import { BODY_PROBLEMS, problem, problems } from '../errors.ts'
import { causeOf, originOf } from '../http/origin.ts'
import type { App, Handler } from '../http/route-types.ts'
import { reauthenticate } from '../passwords/check.ts'
import { Password } from '../passwords/policy.ts'
import { boundParts } from '../tokens/fingerprint.ts'
import { MailedCode, pastedCode, ReturnedToken } from '../tokens/pasted.ts'
import { countAttempt } from './code-attempts.ts'

const EXAMPLE_TOKEN = 'eyJhbGciOiJIUzI1NiJ9.eyJhdWQiOiJjaGFuZ2UifQ.c2lnbmF0dXJl'

const RequestBody = Type.Object(
  { currentPassword: Password },
  { additionalProperties: false, examples: [{ currentPassword: 'correct horse battery staple' }] },
)
const ConfirmBody = Type.Object(
  {
    changeToken: ReturnedToken,
    code: MailedCode(6),
    newPassword: Password,
  },
  {
    additionalProperties: false,
    examples: [{ changeToken: EXAMPLE_TOKEN, code: '123456', newPassword: 'a staple of correct batteries' }],
  },
)

export async function passwordChange(app: App) {
  app.route({
    method: 'POST',
    url: '/password-change/request',
    config: { hashes: true, refusedProof: 'authn_password_change_fail' },
    onRequest: [app.limit('login'), app.limit('mail')],
    schema: {
      operationId: 'requestPasswordChange',
      summary: 'Request a change of password',
      description:
        'Needs the current password. Emails a 6-digit code and returns the token that belongs to ' + 'it.',
      tags: ['password'],
      body: RequestBody,
      response: {
        202: Type.Object(
          {
            changeToken: Type.String({ maxLength: 4096 }),
            expiresIn: Type.Integer({
              minimum: 1,
              maximum: 31_536_000,
              format: 'int32',
              description: 'seconds',
            }),
          },
          {
            additionalProperties: false,
            description: 'A code is being sent',
            examples: [{ changeToken: EXAMPLE_TOKEN, expiresIn: 600 }],
          },
        ),
        ...problems(...BODY_PROBLEMS, 'unauthenticated', 'invalid_password'),
      },
    },
    handler: requestChange,
  })

  app.route({
    method: 'POST',
    url: '/password-change/confirm',
    config: { hashes: true, refusedProof: 'authn_password_change_fail' },
    onRequest: app.limit('confirm'),
    schema: {
      operationId: 'confirmPasswordChange',
      summary: 'Confirm a change of password',
      description:
        'Revokes every session, including this one. Five wrong codes block the request, even for ' +
        'the right code; fifteen in an hour block the account. A rejected password does not spend ' +
        'the token or count as an attempt.',
      tags: ['password'],
      body: ConfirmBody,
      response: {
        204: Type.Null({ description: 'The password is changed and every session is revoked' }),
        ...problems(
          ...BODY_PROBLEMS,
          'unauthenticated',
          'token_invalid',
          'token_expired',
          'token_spent',
          'code_invalid',
          'password_rejected',
        ),
      },
    },
    handler: confirmChange,
  })
}

const requestChange: Handler<{ body: typeof RequestBody }> = async function (request, reply) {
  const user = await reauthenticate(this, request, request.body.currentPassword)
  const jti = uuidv7()
  const { token } = this.tokens.change.mint(user, { sid: request.session.id, jti })
  await this.database.outbox.enqueue(
    {
      kind: 'password_change_code',
      recipient: user.email,
      userId: user.id,
      challengeId: jti,
      ...causeOf(request),
    },
    this.clock(),
  )
  this.mail.wake()
  return reply.code(202).send({ changeToken: token, expiresIn: this.tokens.change.ttl })
}

const confirmChange: Handler<{ body: typeof ConfirmBody }> = async function (request, reply) {
  const { changeToken, code, newPassword } = request.body
  const verified = this.tokens.change.verify(changeToken)
  const { sid, jti } = verified.claims
  if (verified.subject !== request.session.userId || sid !== request.session.id)
    throw problem('token_invalid')
  const user = await this.database.users.findById(verified.subject)
  if (!user || !verified.matches(user)) throw problem('token_spent')
  // A rejected password does not count as an attempt.
  this.passwords.assertAcceptable(newPassword, user.email)

  const { expiresAt } = verified
  const attemptAllowed = await countAttempt(this, {
    purpose: 'password-change',
    requestId: jti,
    expiresAt,
    owner: user.id,
  })
  const right = this.tokens.changeCode.matches(pastedCode(code), jti, ...boundParts(user))
  if (!attemptAllowed || !right) throw problem('code_invalid')

  const passwordHash = await this.passwords.hash(newPassword, request)
  const origin = originOf(request)
  if (
    !(await this.database.users.setPassword(user, passwordHash, this.clock(), origin, 'password_changed'))
  ) {
    throw problem('token_spent')
  }
  this.mail.wake()
  request.securityEvent('authn_password_change', { account: user.id, session: request.session.id })
  return reply.code(204).send()
}
