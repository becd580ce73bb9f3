/** Requires the access token of an active session. */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import type { Bearer } from '../database/queries/users.ts'
import { problem } from '../errors.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Set by `authenticate`. */
    session: { id: string; userId: string }
    /** Set by `authenticate`: the account when the request arrived. */
    account: Bearer
  }
  interface FastifyContextConfig {
    /** Accepts an expired access token while its session is active. */
    expiredAccessToken?: boolean
  }
  interface FastifyInstance {
    /** `onRequest` hook that requires the access token of an active session. */
    authenticate(request: FastifyRequest): Promise<void>
  }
}

/** RFC 6750, section 2.1. The length limits the work of verification. */
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
