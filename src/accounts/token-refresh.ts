/**
 * POST /token/refresh: a new pair for a refresh token, which is spent by it.
 *
 * Whoever shows a token that was spent before its successor either lost it or stole it; nobody can tell
 * which, so the whole family ends (RFC 9700 section 4.14.2). Within the grace window the same successor
 * is handed out again, to a client that lost the answer, or to its second tab.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import Type, { type Static } from 'typebox'
import type { Session } from '../database/sessions.ts'
import { BODY_PROBLEMS, problem, problems } from '../errors.ts'
import { sessionExpiry, type TokenPair, tokenPair, tokenPairResponse } from '../tokens/pair.ts'
import type { ParsedRefreshToken } from '../tokens/refresh.ts'
import { originOf } from './origin.ts'

const Body = Type.Object(
  { refreshToken: Type.String({ minLength: 1, maxLength: 4096, format: 'opaque' }) },
  { additionalProperties: false },
)

export async function tokenRefresh(app: FastifyInstance) {
  app.route<{ Body: Static<typeof Body> }>({
    method: 'POST',
    url: '/token/refresh',
    schema: {
      operationId: 'refresh',
      summary: 'Stay logged in',
      description:
        'Spends the refresh token and answers with a new pair. The same token shown again within a few seconds ' +
        'yields the same successor; later it ends the session, because it may be stolen.',
      tags: ['session'],
      security: [],
      body: Body,
      response: {
        200: tokenPairResponse('A new pair'),
        ...problems(...BODY_PROBLEMS, 'refresh_token_invalid'),
      },
    },
    handler: refresh,
  })
}

async function refresh(
  this: FastifyInstance,
  request: FastifyRequest<{ Body: Static<typeof Body> }>,
): Promise<TokenPair> {
  const { sessions } = this.database
  const now = this.clock()
  const shown = this.tokens.refresh.parse(request.body.refreshToken)
  if (shown === undefined) throw problem('refresh_token_invalid')

  let session = await sessions.findAlive(shown.sessionId, now)
  if (session?.refreshHash === shown.hash) {
    const [successor] = shown.successors as [ParsedRefreshToken['successors'][number]]
    const expiresAt = sessionExpiry(this.config, session.createdAt, now)
    if (await sessions.rotate(session, successor.hash, expiresAt, now, originOf(request))) {
      return tokenPair(this.tokens, { ...session, expiresAt }, successor.token, now)
    }
    // Another call with the same token was a moment faster: this one is a replay of it.
    session = await sessions.findAlive(shown.sessionId, now)
  }
  if (!session) throw problem('refresh_token_invalid')

  const again = forgiven(session, shown, now, this.config.REFRESH_GRACE)
  if (again) return tokenPair(this.tokens, session, again.token, now)
  if (shown.genuine || shown.hash === session.previousRefreshHash) {
    await sessions.endReused(session, now, originOf(request))
    request.log.warn({ session: session.id }, 'a spent refresh token was shown: its session was ended')
  }
  throw problem('refresh_token_invalid')
}

/** The successor once more, if the token was spent just now and the successor is still the newest. */
function forgiven(session: Session, shown: ParsedRefreshToken, now: Date, graceSeconds: number) {
  if (session.previousRefreshHash !== shown.hash) return undefined
  // A call that came in before the one that rotated, or whose clock is behind, finds it in its future.
  const age = Math.max(0, now.getTime() - session.refreshedAt.getTime())
  if (age >= graceSeconds * 1000) return undefined
  return shown.successors.find(successor => successor.hash === session.refreshHash)
}
