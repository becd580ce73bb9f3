// POST /invitation/accept: sets the password of an account that an operator created.
import Type from 'typebox'
import { BODY_PROBLEMS, problem, problems } from '../errors.ts'
import type { App, Handler } from '../http/route-types.ts'
import { Password } from '../passwords/policy.ts'
import { tokenPairResponse } from '../sessions/pair.ts'
import { CookieMode } from '../sessions/refresh-cookie.ts'
import type { TokenPair } from '../sessions/token-pair.ts'
import { MailedToken } from '../tokens/pasted.ts'
import { EXAMPLE_TOKEN } from './accepted.ts'
import { pendingInvitation, setFirstPassword } from './first-password.ts'

const EXAMPLE = { token: EXAMPLE_TOKEN, password: 'correct horse battery staple' }

const AcceptBody = Type.Object(
  { token: MailedToken, password: Password, mode: Type.Optional(CookieMode) },
  { additionalProperties: false, examples: [EXAMPLE, { ...EXAMPLE, mode: 'cookie' }] },
)

export async function invitation(app: App) {
  app.route({
    method: 'POST',
    url: '/invitation/accept',
    config: { hashes: true },
    onRequest: app.limit('confirm'),
    preHandler: app.ownPageOnly,
    schema: {
      operationId: 'acceptInvitation',
      summary: 'Accept an invitation',
      description:
        'Needs the token of the link in the invitation and the password of the account. Returns the first session. A ' +
        'rejected password does not spend the link.',
      tags: ['registration'],
      security: [],
      body: AcceptBody,
      response: {
        200: tokenPairResponse('The invitation is accepted and a session is open'),
        ...problems(
          ...BODY_PROBLEMS,
          'token_invalid',
          'token_expired',
          'token_spent',
          'password_rejected',
          'origin_not_allowed',
        ),
      },
    },
    handler: accept,
  })
}

const accept: Handler<{ body: typeof AcceptBody }, TokenPair> = async function (request, reply) {
  const verified = this.tokens.invitation.verify(request.body.token)
  const pending = await pendingInvitation(this, verified.subject)
  if (pending === undefined || !verified.matches(pending.subject)) throw problem('token_spent')
  this.passwords.assertAcceptable(request.body.password, pending.subject.email)
  return setFirstPassword(this, request, reply, pending)
}
