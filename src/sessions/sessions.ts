/** GET and DELETE /sessions, DELETE /sessions/{id}. */
import Type, { type Static } from 'typebox'
import { SESSIONS_PER_ACCOUNT } from '../database/queries/sessions.ts'
import { problem, problems } from '../errors.ts'
import { originOf } from '../http/origin.ts'
import type { App, Handler } from '../http/route-types.ts'
import { Id } from '../http/schemas.ts'
import { PublicSession, publicSession } from './public-session.ts'

const Params = Type.Object(
  { id: Type.String({ ...Id, description: 'from GET /sessions' }) },
  { additionalProperties: false },
)

const SessionList = Type.Object(
  {
    sessions: Type.Array(PublicSession, { maxItems: SESSIONS_PER_ACCOUNT }),
  },
  {
    additionalProperties: false,
    description: 'Active sessions, most recently used first',
    examples: [
      {
        sessions: [
          {
            id: '01936f3e-8a77-7c3b-9d0e-4f1f2f0c6a55',
            createdAt: '2026-01-31T09:30:00.000Z',
            lastUsedAt: '2026-01-31T09:45:00.000Z',
            expiresAt: '2026-02-14T09:45:00.000Z',
            ip: '192.0.2.7',
            device: 'Firefox on Linux',
            current: true,
          },
        ],
      },
    ],
  },
)

export async function sessions(app: App) {
  app.route({
    method: 'GET',
    url: '/sessions',
    schema: {
      operationId: 'listSessions',
      summary: 'List sessions',
      description:
        `Returns the active sessions of the account, at most ${SESSIONS_PER_ACCOUNT}. A further login revokes the ` +
        'oldest one.',
      tags: ['session'],
      response: { 200: SessionList, ...problems('unauthenticated') },
    },
    handler: list,
  })

  app.route({
    method: 'DELETE',
    url: '/sessions',
    schema: {
      operationId: 'endOtherSessions',
      summary: 'Revoke all other sessions',
      description: 'Revokes every session of the account except this one.',
      tags: ['session'],
      response: {
        204: Type.Null({ description: 'All other sessions are revoked' }),
        ...problems('unauthenticated'),
      },
    },
    handler: endOthers,
  })

  app.route({
    method: 'DELETE',
    url: '/sessions/:id',
    schema: {
      operationId: 'endSession',
      summary: 'Revoke a session',
      description:
        'Revokes the session at once, with its access token. A session of another account is not ' + 'found.',
      tags: ['session'],
      params: Params,
      response: {
        204: Type.Null({ description: 'The session is revoked' }),
        ...problems('validation_failed', 'unauthenticated', 'not_found'),
      },
    },
    handler: end,
  })
}

const list: Handler<object, Static<typeof SessionList>> = async function (request) {
  const rows = await this.database.sessions.listOf(request.session.userId, this.clock())
  return { sessions: rows.map(row => publicSession(row, request.session.id)) }
}

const endOthers: Handler = async function (request, reply) {
  const { userId, id } = request.session
  await this.database.sessions.endOthers(userId, id, this.clock(), originOf(request))
  request.securityEvent('authn_token_revoked', { account: userId, session: id }, 'others')
  return reply.code(204).send()
}

const end: Handler<{ params: typeof Params }> = async function (request, reply) {
  const { userId, id } = request.session
  const ended = await this.database.sessions.end(userId, request.params.id, this.clock(), originOf(request))
  if (ended === 0) throw problem('not_found', { detail: 'There is no such session.', event: 'authz_fail' })
  request.securityEvent('authn_token_revoked', { account: userId, session: id }, request.params.id)
  return reply.code(204).send()
}
