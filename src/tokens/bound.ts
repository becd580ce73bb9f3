/**
 * Tokens bound to the password. All are one mechanism: a JWT whose `fp` is a fingerprint of the password
 * hash, so that it works exactly once, needs no table, and dies with any change of the password. Those
 * that go out by mail are such, and those that answer a request while its code goes out by mail.
 */
import type { FastifyInstance } from 'fastify'
import Type, { type Static, type TObject, type TProperties } from 'typebox'
import { type Fingerprinted, fingerprint, sameFingerprint } from './fingerprint.ts'
import { type JwtPurposeOptions, jwtPurpose } from './jwt.ts'
import { deriveKey, type Secrets } from './keys.ts'
import { pastedToken } from './pasted.ts'

/** A token of this kind in a request. */
export const BoundToken = Type.String({ minLength: 1, maxLength: 4096, format: 'jwt' })

/** A mailed token in a request. */
export const MailedToken = Type.String({
  minLength: 1,
  maxLength: 4096,
  format: 'jwt',
  description: 'what follows `#token=` in the link of the mail, or the whole link, as it was pasted',
})

/** What a verified token still has to be held against: the row it speaks of. */
export interface VerifiedBoundToken<Claims> {
  /** Id of the account or registration that it was minted for. */
  subject: string
  /** What else it carries. */
  claims: Claims
  expiresAt: Date
  /** Whether the row is still as it was when the token was minted; if not, the token is spent. */
  matches(row: Fingerprinted): boolean
}

/** Mints and verifies the tokens of one purpose. */
export interface BoundTokens<Claims = Record<never, never>> {
  /** Life of a new token in seconds. */
  ttl: number
  mint(subject: Fingerprinted, claims: Claims): { token: string; expiresAt: Date }
  /**
   * @param token as it was pasted
   * @throws {ProblemError} `token_invalid`, `token_expired`
   */
  verify(token: string): VerifiedBoundToken<Claims>
}

/** Sets up one purpose; `claims` are those it has besides. */
export async function boundTokens<Own extends TProperties>(
  app: FastifyInstance,
  secrets: Secrets,
  clock: () => Date,
  options: JwtPurposeOptions<Own>,
): Promise<BoundTokens<Static<TObject<Own>>>> {
  const purpose = options.audience
  const jwt = await jwtPurpose(app, secrets, clock, {
    ...options,
    claims: { ...options.claims, fp: Type.String({ minLength: 22, maxLength: 22 }) },
  })
  const keys = new Map(secrets.map(secret => [secret, deriveKey(secret, purpose, 'fingerprint')]))
  const fingerprintBy = (secret: string, subject: Fingerprinted) =>
    fingerprint(keys.get(secret) as Buffer, purpose, subject)

  return {
    ttl: options.ttl,
    mint: (subject, claims) =>
      jwt.mint({ ...claims, sub: subject.id, fp: fingerprintBy(secrets[0], subject) } as never),
    verify(token) {
      const { claims, secret } = jwt.verify(pastedToken(token))
      const { sub, exp, fp } = claims as unknown as { sub: string; exp: number; fp: string }
      return {
        subject: sub,
        claims: claims as never,
        expiresAt: new Date(exp * 1000),
        matches: row => row.id === sub && sameFingerprint(fp, fingerprintBy(secret, row)),
      }
    },
  }
}
