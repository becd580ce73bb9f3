/**
 * Bound tokens: JWTs whose `fp` is a fingerprint of the account or registration. A token becomes invalid with any
 * change of the fingerprint's input, such as the password hash, and needs no table of tokens. Emailed tokens are bound
 * (`secure` not to the password, see `securable`), and so is `changeToken`.
 */
import type { FastifyInstance } from 'fastify'
import Type, { type Static, type TObject, type TProperties } from 'typebox'
import { equalInConstantTime } from '../shared/constant-time.ts'
import { type Fingerprinted, fingerprint } from './fingerprint.ts'
import { type JwtPurposeOptions, jwtPurpose } from './jwt.ts'
import { deriveKey, type Secrets } from './keys.ts'
import { pastedToken } from './pasted.ts'

/** A verified token, which still has to be compared with its row. */
interface VerifiedBoundToken<Claims> {
  /** Id of the account or registration. */
  subject: string
  /** The claims of this purpose. */
  claims: Claims
  expiresAt: Date
  /** Whether the row is unchanged since the token was signed; otherwise the token is spent. */
  matches(row: Fingerprinted): boolean
}

/** Signs and verifies the tokens of one purpose. */
export interface BoundTokens<Claims = Record<never, never>> {
  /** Lifetime of a new token in seconds. */
  ttl: number
  mint(subject: Fingerprinted, claims: Claims): { token: string; expiresAt: Date }
  /**
   * @param token as received
   * @throws {ProblemError} `token_invalid`, `token_expired`
   */
  verify(token: string): VerifiedBoundToken<Claims>
}

/** Sets up one purpose with further `claims`. */
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
        matches: row => row.id === sub && equalInConstantTime(fp, fingerprintBy(secret, row)),
      }
    },
  }
}
