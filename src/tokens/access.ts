/**
 * Access tokens: short-lived JWTs that name a session. They are good only while that session is.
 */
import type { FastifyInstance } from 'fastify'
import Type from 'typebox'
import { problem } from '../errors.ts'
import { jwtPurpose } from './jwt.ts'
import type { Secrets } from './keys.ts'

/** Mints and verifies access tokens. */
export interface AccessTokens {
  /** Life of a new token in seconds, the `expiresIn` of answers. */
  ttl: number
  mint(session: { id: string; userId: string }): string
  /**
   * @param leeway seconds for which a token is still good after it has expired
   * @throws {ProblemError} `unauthenticated`, for whatever is wrong with it
   */
  verify(token: string, leeway?: number): { sessionId: string; userId: string }
}

/** Sets up access tokens that live `ttl` seconds. */
export async function accessTokens(
  app: FastifyInstance,
  secrets: Secrets,
  clock: () => Date,
  ttl: number,
): Promise<AccessTokens> {
  const jwt = await jwtPurpose(app, secrets, clock, {
    audience: 'access',
    ttl,
    claims: { sid: Type.String({ minLength: 1, maxLength: 64 }) },
  })
  return {
    ttl,
    mint: session => jwt.mint({ sub: session.userId, sid: session.id }).token,
    verify(token, leeway) {
      try {
        const { claims } = jwt.verify(token, leeway)
        return { sessionId: claims.sid, userId: claims.sub }
      } catch (cause) {
        throw problem('unauthenticated', { cause })
      }
    },
  }
}
