/**
 * Requests for an email with a code. The response contains a token and the email the code, which can be entered on
 * another device. The token contains only the id of the request and what the client sent, so it reveals nothing about
 * an account.
 */
import type { FastifyInstance } from 'fastify'
import type { Static, TObject, TProperties } from 'typebox'
import { v7 as uuidv7 } from 'uuid'
import { type Codes, codes } from './codes.ts'
import { EmailClaim, type JwtPurposeOptions, jwtPurpose } from './jwt.ts'
import type { Secrets } from './keys.ts'
import { pastedToken } from './pasted.ts'

/** Digits of a code. */
export const CODE_DIGITS = 8

/** The contents of a verified request token. */
export interface MailRequest<Claims> {
  /** Canonical email of the recipient. */
  email: string
  requestId: string
  claims: Claims
  expiresAt: Date
}

/** Issues and verifies the tokens and codes of one purpose. */
export interface MailRequests<Claims = Record<never, never>> {
  /** Audience of the tokens, and the name under which attempts at codes are counted. */
  purpose: string
  /** Creates and compares the codes. Parts: the id of the email, then `boundParts` of the account or registration. */
  codes: Codes
  /** Lifetime of a code in seconds, from the time when its email is sent. */
  codeTtl: number
  /** @param email canonical */
  mint(email: string, claims: Claims): { token: string; requestId: string; expiresAt: Date }
  /** Expiry of the token of a request made at this time. */
  expiryOf(requestedAt: Date): Date
  /**
   * @param token as received
   * @throws {ProblemError} `token_invalid`, `token_expired`
   */
  verify(token: string): MailRequest<Claims>
}

/**
 * Sets up the requests of one purpose.
 *
 * @param options `ttl`: lifetime of the codes; `wait`: how long an email may wait before it is sent, by which the
 *   tokens live longer; both in seconds
 */
export async function mailRequests<Own extends TProperties>(
  app: FastifyInstance,
  secrets: Secrets,
  clock: () => Date,
  { audience, claims, ttl, wait }: JwtPurposeOptions<Own> & { wait: number },
): Promise<MailRequests<Static<TObject<Own>>>> {
  const tokenTtl = ttl + wait
  const jwt = await jwtPurpose(app, secrets, clock, {
    audience,
    ttl: tokenTtl,
    claims: { ...claims, email: EmailClaim },
  })
  const claimNames = Object.keys(claims)
  return {
    purpose: audience,
    codes: codes(secrets, audience, CODE_DIGITS),
    codeTtl: ttl,
    mint(email, own) {
      const requestId = uuidv7()
      return { ...jwt.mint({ ...own, sub: requestId, email } as never), requestId }
    },
    expiryOf: requestedAt => new Date(requestedAt.getTime() + tokenTtl * 1000),
    verify(token) {
      const verified = jwt.verify(pastedToken(token)).claims
      const { email, sub, exp } = verified as unknown as { email: string; sub: string; exp: number }
      const own = Object.fromEntries(Object.entries(verified).filter(([name]) => claimNames.includes(name)))
      return { email, requestId: sub, claims: own as never, expiresAt: new Date(exp * 1000) }
    },
  }
}
