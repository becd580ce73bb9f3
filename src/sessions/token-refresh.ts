// POST /token/refresh. A spent token was lost or stolen, so it ends the whole family (RFC 9700, section
// 4.14.2). In the grace window it returns the same successor, to a client that lost the response or a second
// tab.
import type { FastifyInstance, FastifyRequest } from 'fastify'
import Type from 'typebox'
import type { ClaimedSession, Session } from '../database/queries/sessions.ts'
import { BODY_PROBLEMS, isProblem, problem, problems } from '../errors.ts'
import { originOf } from '../http/origin.ts'
import { type App, type Handler, oneOf } from '../http/route-types.ts'
import { tokenClaims } from '../shared/claims.ts'
import type { AccountClaims } from '../tokens/access.ts'
import { CLOCK_TOLERANCE } from '../tokens/jwt.ts'
import type { ParsedRefreshToken } from '../tokens/refresh.ts'
import { accountClaims, sessionLimits, tokenPair, tokenPairResponse } from './pair.ts'
import { CookieMode } from './refresh-cookie.ts'
import type { TokenPair } from './token-pair.ts'

const InBody = Type.Object(
  { refreshToken: Type.String({ minLength: 1, maxLength: 4096, format: 'opaque' }) },
  { additionalProperties: false, description: 'the token in the body' },
)
const InCookie = Type.Object(
  { mode: CookieMode },
  { additionalProperties: false, description: 'the token in the cookie' },
)
const Body = oneOf([InBody, InCookie], {
  examples: [{ refreshToken: 'AZNvPop3fDudDk8fLwxqVQ' }, { mode: 'cookie' }],
})

export async function tokenRefresh(app: App) {
  app.route({
    method: 'POST',
    url: '/token/refresh',
    preHandler: app.ownPageOnly,
    schema: {
      operationId: 'refresh',
      summary: 'Refresh a session',
      description:
        'Spends the refresh token and returns a new token pair. Within a few seconds, the same ' +
        'refresh token returns the same successor; after that it ends the session, because it may ' +
        'be stolen. In cookie mode, the token is read from and written to the cookie, and a refused ' +
        'cookie is cleared.',
      tags: ['session'],
      security: [],
      body: Body,
      response: {
        200: tokenPairResponse('A new token pair'),
        ...problems(...BODY_PROBLEMS, 'refresh_token_invalid', 'origin_not_allowed'),
      },
    },
    handler: refresh,
  })
}

const refresh: Handler<{ body: typeof Body }, TokenPair> = async function (request, reply) {
  const { body } = request
  if ('refreshToken' in body) return rotate(this, request, body.refreshToken)

  const presented = this.refreshCookie.read(request)
  if (presented === undefined) throw problem('refresh_token_invalid')
  try {
    return this.refreshCookie.deliver(reply, await rotate(this, request, presented), body.mode)
  } catch (error) {
    // Not after other errors: a database outage must not log everybody out.
    if (isProblem(error) && error.code === 'refresh_token_invalid') this.refreshCookie.clear(reply)
    throw error
  }
}

async function rotate(app: FastifyInstance, request: FastifyRequest, token: string): Promise<TokenPair> {
  const { sessions } = app.database
  const now = app.clock()
  const presented = app.tokens.refresh.parse(token)
  if (presented === undefined) throw problem('refresh_token_invalid')

  const [successor] = presented.successors as [ParsedRefreshToken['successors'][number]]
  const rotated = await sessions.rotate(
    presented,
    successor.hash,
    sessionLimits(app.config, now),
    now,
    originOf(request),
  )
  if (rotated) {
    request.securityEvent('session_renewed', { account: rotated.userId, session: rotated.id })
    return tokenPair(app.tokens, rotated, await claimsOf(app, rotated), successor.token, now)
  }

  const session = await sessions.findAlive(presented.sessionId, now)
  if (!session) throw problem('refresh_token_invalid')

  request.subject = { account: session.userId, session: session.id }
  const again = graceSuccessor(session, presented, now, app.config.REFRESH_GRACE)
  if (again) {
    request.securityEvent('session_renewed', request.subject)
    return tokenPair(app.tokens, session, await claimsOf(app, session), again.token, now)
  }
  if (presented.genuine || presented.hash === session.previousRefreshHash) {
    await sessions.endReused(session, now, originOf(request))
    throw problem('refresh_token_invalid', { event: 'authn_token_reuse' })
  }
  throw problem('refresh_token_invalid')
}

/** Reads the account only if its tokens contain its email, which saves a query in each refresh. */
async function claimsOf(app: FastifyInstance, { userId, claims }: ClaimedSession): Promise<AccountClaims> {
  if (app.config.ACCESS_TOKEN_EMAIL === 'off') return tokenClaims(claims)
  const account = await app.database.users.findById(userId)
  if (account === null) throw problem('refresh_token_invalid')
  return accountClaims(app.config, account)
}

function graceSuccessor(session: Session, presented: ParsedRefreshToken, now: Date, graceSeconds: number) {
  if (session.previousRefreshHash !== presented.hash) return undefined
  // Concurrent requests and clock differences put the rotation slightly ahead. The tolerance bounds that:
  // otherwise a clock set back by an hour would keep a spent token valid for an hour.
  const age = (now.getTime() - session.refreshedAt.getTime()) / 1000
  if (Math.max(0, age) >= graceSeconds || age < -CLOCK_TOLERANCE) return undefined
  return presented.successors.find(successor => successor.hash === session.refreshHash)
}
