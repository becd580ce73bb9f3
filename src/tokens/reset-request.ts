/**
 * The token that answers a request for a reset. It names the request, so that the code in the mail can be
 * entered on another device. It says nothing of an account: it holds what the caller sent.
 */
import type { FastifyInstance } from 'fastify'
import Type from 'typebox'
import { v7 as uuidv7 } from 'uuid'
import { jwtPurpose } from './jwt.ts'
import type { Secrets } from './keys.ts'

/** How long the mail of a request may wait for its turn, in seconds (see nextTurn in mail/caps.ts). */
export const LONGEST_MAIL_WAIT = 1770

/** Mints and verifies such tokens. */
export interface ResetRequests {
  /** @param email canonical */
  mint(email: string): { token: string; requestId: string; expiresAt: Date }
  /** When the token of a request that was made then expires. */
  expiryOf(requestedAt: Date): Date
  /** @throws {ProblemError} `token_invalid`, `token_expired` */
  verify(token: string): { email: string; requestId: string; expiresAt: Date }
}

/** Sets up tokens that live `ttl` seconds. */
export async function resetRequests(
  app: FastifyInstance,
  secrets: Secrets,
  clock: () => Date,
  ttl: number,
): Promise<ResetRequests> {
  const jwt = await jwtPurpose(app, secrets, clock, {
    audience: 'reset-request',
    ttl,
    claims: { email: Type.String({ minLength: 3, maxLength: 254 }) },
  })
  return {
    mint(email) {
      const requestId = uuidv7()
      return { ...jwt.mint({ sub: requestId, email }), requestId }
    },
    expiryOf: requestedAt => new Date(requestedAt.getTime() + ttl * 1000),
    verify(token) {
      const { claims } = jwt.verify(token)
      return { email: claims.email, requestId: claims.sub, expiresAt: new Date(claims.exp * 1000) }
    },
  }
}
