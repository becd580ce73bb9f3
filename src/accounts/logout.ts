/**
 * POST /logout: ends this session at once, its access token included.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import Type from 'typebox'
import { problems } from '../errors.ts'
import { originOf } from './origin.ts'

export async function logout(app: FastifyInstance) {
  app.route({
    method: 'POST',
    url: '/logout',
    schema: {
      operationId: 'logOut',
      summary: 'Log out',
      description: 'Ends this session: its access token and its refresh token are refused from now on.',
      tags: ['session'],
      response: { 204: Type.Null({ description: 'The session has ended' }), ...problems('unauthenticated') },
    },
    handler: logOut,
  })
}

async function logOut(this: FastifyInstance, request: FastifyRequest, reply: FastifyReply) {
  const { userId, id } = request.session
  await this.database.sessions.end(userId, id, this.clock(), originOf(request))
  return reply.code(204).send()
}
