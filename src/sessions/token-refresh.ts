/**
 * POST /token/refresh: a new pair for a refresh token, which is spent by it.
 *
 * Whoever shows a token that was spent before its successor either lost it or stole it; nobody can tell
 * which, so the whole family ends (RFC 9700 section 4.14.2). Within the grace window the same successor
 * is handed out again, to a client that lost the answer, or to its second tab.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import Type from 'typebox'
import type { Session } from '../database/queries/sessions.ts'
import { BODY_PROBLEMS, isProblem, problem, problems } from '../errors.ts'
import { type App, type Handler, oneOf } from '../http/routes.ts'
import { CLOCK_TOLERANCE } from '../tokens/jwt.ts'
import type { ParsedRefreshToken } from '../tokens/refresh.ts'
import { originOf } from './origin.ts'
import { sessionLimits, tokenPair, tokenPairResponse } from './pair.ts'
import { CookieMode } from './refresh-cookie.ts'
import type { TokenPair } from './token-pair.ts'

const Shown = Type.Object(
  { refreshToken: Type.String({ minLength: 1, maxLength: 4096, format: 'opaque' }) },
  { additionalProperties: false, description: 'the token in the body' },
)
const InCookie = Type.Object(
  { mode: CookieMode },
  { additionalProperties: false, description: 'the token in the cookie' },
)
const Body = oneOf([Shown, InCookie], {
  examples: [{ refreshToken: 'AZNvPop3fDudDk8fLwxqVQ' }, { mode: 'cookie' }],
})

export async function tokenRefresh(app: App) {
  app.route({
    method: 'POST',
    url: '/token/refresh',
    preHandler: app.ownPageOnly,
    schema: {
      operationId: 'refresh',
      summary: 'Stay logged in',
      description:
        'Spends the refresh token and answers with a new pair. The same token shown again within a few seconds ' +
        'yields the same successor; later it ends the session, because it may be stolen. In cookie ' +
        'mode the token comes and goes in the cookie, and a cookie that is refused is cleared.',
      tags: ['session'],
      security: [],
      body: Body,
      response: {
        200: tokenPairResponse('A new pair'),
        ...problems(...BODY_PROBLEMS, 'refresh_token_invalid', 'origin_not_allowed'),
      },
    },
    handler: refresh,
  })
}

const refresh: Handler<{ body: typeof Body }, TokenPair> = async function (request, reply) {
  const { body } = request
  if ('refreshToken' in body) return rotate(this, request, body.refreshToken)

  const shown = this.refreshCookie.read(request)
  if (shown === undefined) throw problem('refresh_token_invalid')
  try {
    return this.refreshCookie.deliver(reply, await rotate(this, request, shown), body.mode)
  } catch (error) {
    // For no other reason: a database that is away must not log everybody out.
    if (isProblem(error) && error.code === 'refresh_token_invalid') this.refreshCookie.clear(reply)
    throw error
  }
}

/** The pair that follows a refresh token. */
async function rotate(app: FastifyInstance, request: FastifyRequest, token: string): Promise<TokenPair> {
  const { sessions } = app.database
  const now = app.clock()
  const shown = app.tokens.refresh.parse(token)
  if (shown === undefined) throw problem('refresh_token_invalid')

  const [successor] = shown.successors as [ParsedRefreshToken['successors'][number]]
  const rotated = await sessions.rotate(
    shown,
    successor.hash,
    sessionLimits(app.config, now),
    now,
    originOf(request),
  )
  if (rotated) {
    request.securityEvent('session_renewed', { account: rotated.userId, session: rotated.id })
    return tokenPair(app.tokens, rotated, successor.token, now)
  }

  const session = await sessions.findAlive(shown.sessionId, now)
  if (!session) throw problem('refresh_token_invalid')

  request.subject = { account: session.userId, session: session.id }
  const again = forgiven(session, shown, now, app.config.REFRESH_GRACE)
  if (again) {
    request.securityEvent('session_renewed', request.subject)
    return tokenPair(app.tokens, session, again.token, now)
  }
  if (shown.genuine || shown.hash === session.previousRefreshHash) {
    await sessions.endReused(session, now, originOf(request))
    throw problem('refresh_token_invalid', { event: 'authn_token_reuse' })
  }
  throw problem('refresh_token_invalid')
}

/** The successor once more, if the token was spent just now and the successor is still the newest. */
function forgiven(session: Session, shown: ParsedRefreshToken, now: Date, graceSeconds: number) {
  if (session.previousRefreshHash !== shown.hash) return undefined
  // A call that came in before the one that rotated, or whose clock is behind, finds it in its future. So does
  // every call for an hour where the clock was set back by one: that long a spent token must not be good.
  const age = (now.getTime() - session.refreshedAt.getTime()) / 1000
  if (Math.max(0, age) >= graceSeconds || age < -CLOCK_TOLERANCE) return undefined
  return shown.successors.find(successor => successor.hash === session.refreshHash)
}
