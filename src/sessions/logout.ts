/** POST /logout. */
import type { FastifyRequest } from 'fastify'
import Type, { type Static } from 'typebox'
import { BODY_PROBLEMS, problems } from '../errors.ts'
import { originOf } from '../http/origin.ts'
import type { App, Handler } from '../http/route-types.ts'
import { CookieMode, SETS_COOKIE } from './refresh-cookie.ts'

const Body = Type.Object(
  { mode: Type.Optional(CookieMode) },
  { additionalProperties: false, examples: [{}, { mode: 'cookie' }] },
)
type Body = Static<typeof Body>

export async function logout(app: App) {
  app.route({
    method: 'POST',
    url: '/logout',
    config: { expiredAccessToken: true },
    preValidation: withoutBody,
    preHandler: app.ownPageOnly,
    schema: {
      operationId: 'logOut',
      summary: 'Log out',
      description:
        'Revokes this session with its access token and refresh token. An expired access token is ' +
        'accepted while its session is active. The body is optional. In cookie mode, the response ' +
        'also clears the cookie.',
      tags: ['session'],
      body: Body,
      response: {
        204: Type.Null({ description: 'The session is revoked', headers: SETS_COOKIE }),
        ...problems(...BODY_PROBLEMS, 'unauthenticated', 'origin_not_allowed'),
      },
    },
    handler: logOut,
  })
}

/** Clients without a body send nothing or `null`. */
async function withoutBody(request: FastifyRequest<{ Body: Body }>) {
  request.body ??= {}
}

const logOut: Handler<{ body: typeof Body }> = async function (request, reply) {
  const { userId, id } = request.session
  await this.database.sessions.end(userId, id, this.clock(), originOf(request))
  request.securityEvent('authn_token_revoked', { account: userId, session: id }, id)
  if (request.body.mode === 'cookie') this.refreshCookie.clear(reply)
  return reply.code(204).send()
}
