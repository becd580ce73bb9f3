/**
 * Bearer authentication: a valid access token whose session is alive at this moment.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { problem } from '../errors.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** The session of the bearer; only behind `authenticate`. */
    session: { id: string; userId: string }
  }
  interface FastifyInstance {
    /** `onRequest` hook: lets only bearers of a live session through. */
    authenticate(request: FastifyRequest): Promise<void>
  }
}

/** RFC 6750 section 2.1; the length bounds what is verified at all. */
const BEARER = /^Bearer +([\w.~+/=-]{1,4096})$/i

async function authentication(app: FastifyInstance) {
  app.decorateRequest('session')
  app.decorate('authenticate', async (request: FastifyRequest) => {
    const token = BEARER.exec(request.headers.authorization ?? '')?.[1]
    if (token === undefined) throw problem('unauthenticated')
    const { sessionId, userId } = app.tokens.access.verify(token)
    const session = await app.database.sessions.findAlive(sessionId, app.clock())
    if (session?.userId !== userId) throw problem('unauthenticated')
    request.session = { id: sessionId, userId }
  })
}

export default fp(authentication, { name: 'authenticate', dependencies: ['tokens', 'database'] })
