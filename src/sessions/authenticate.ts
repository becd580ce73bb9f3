/**
 * Bearer authentication: a valid access token whose session is alive at this moment.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import type { User } from '../database/queries/users.ts'
import { problem } from '../errors.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** The session of the bearer; only behind `authenticate`. */
    session: { id: string; userId: string }
    /** The account of the bearer as it was when the request came; only behind `authenticate`. */
    account: User
  }
  interface FastifyContextConfig {
    /** Whether an access token that has expired is good here, for as long as its session may live. */
    expiredAccessToken?: boolean
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
  app.decorateRequest('account')
  app.decorate('authenticate', async (request: FastifyRequest) => {
    const token = BEARER.exec(request.headers.authorization ?? '')?.[1]
    if (token === undefined) throw problem('unauthenticated')
    const leeway = request.routeOptions.config.expiredAccessToken ? app.config.REFRESH_TOKEN_TTL : 0
    const { sessionId, userId } = app.tokens.access.verify(token, leeway)
    const session = { id: sessionId, userId }
    request.subject = { account: userId, session: sessionId }
    const account = await app.database.users.findBearer(session, app.clock())
    if (account === null) throw problem('unauthenticated', { event: 'session_use_after_expire' })
    request.session = session
    request.account = account
  })
}

export default fp(authentication, { name: 'authenticate', dependencies: ['tokens', 'database'] })
