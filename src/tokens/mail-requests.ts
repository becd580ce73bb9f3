/**
 * Requests for a mail with a code. The request is answered with a token, and its mail brings the code, which
 * can then be entered on another device. The token names the request and what the caller sent, so it tells
 * nothing of an account.
 */
import type { FastifyInstance } from 'fastify'
import Type, { type Static, type TObject, type TProperties } from 'typebox'
import { v7 as uuidv7 } from 'uuid'
import { type Codes, codes } from './codes.ts'
import { type JwtPurposeOptions, jwtPurpose } from './jwt.ts'
import type { Secrets } from './keys.ts'
import { pastedToken } from './pasted.ts'

/** Digits of a code. */
export const CODE_DIGITS = 8

/** A request as its token has it. */
export interface MailRequest<Claims> {
  /** Canonical address that the mail goes to. */
  email: string
  requestId: string
  claims: Claims
  expiresAt: Date
}

/** Tokens and codes of the requests of one purpose. */
export interface MailRequests<Claims = Record<never, never>> {
  /** The tokens' audience, and the name that tries are counted by. */
  purpose: string
  /** Makes and compares the codes. Their parts: the id of the mail, then `boundParts` of what it speaks of. */
  codes: Codes
  /** Life of a code from when its mail is sent, in seconds. */
  codeTtl: number
  /** @param email canonical */
  mint(email: string, claims: Claims): { token: string; requestId: string; expiresAt: Date }
  /** When the token of a request that was made then expires. */
  expiryOf(requestedAt: Date): Date
  /**
   * @param token as it was pasted
   * @throws {ProblemError} `token_invalid`, `token_expired`
   */
  verify(token: string): MailRequest<Claims>
}

/**
 * Sets up the requests of one purpose.
 *
 * @param options `ttl`: life of the codes; `wait`: how long a mail may wait before it is sent, for which the
 *   tokens live longer; both in seconds
 */
export async function mailRequests<Own extends TProperties>(
  app: FastifyInstance,
  secrets: Secrets,
  clock: () => Date,
  { audience, claims, ttl, wait }: JwtPurposeOptions<Own> & { wait: number },
): Promise<MailRequests<Static<TObject<Own>>>> {
  const life = ttl + wait
  const jwt = await jwtPurpose(app, secrets, clock, {
    audience,
    ttl: life,
    claims: { ...claims, email: Type.String({ minLength: 3, maxLength: 254 }) },
  })
  const names = Object.keys(claims)
  return {
    purpose: audience,
    codes: codes(secrets, audience, CODE_DIGITS),
    codeTtl: ttl,
    mint(email, own) {
      const requestId = uuidv7()
      return { ...jwt.mint({ ...own, sub: requestId, email } as never), requestId }
    },
    expiryOf: requestedAt => new Date(requestedAt.getTime() + life * 1000),
    verify(token) {
      const verified = jwt.verify(pastedToken(token)).claims
      const { email, sub, exp } = verified as unknown as { email: string; sub: string; exp: number }
      const own = Object.fromEntries(Object.entries(verified).filter(([name]) => names.includes(name)))
      return { email, requestId: sub, claims: own as never, expiresAt: new Date(exp * 1000) }
    },
  }
}
