/**
 * Access tokens: short-lived JWTs of a session (RFC 9068). This service reads the session at every call. Other back
 * ends verify them with the published keys.
 */
import { hash, randomUUID } from 'node:crypto'
import type { FastifyInstance } from 'fastify'
import { LruMap } from 'toad-cache'
import Type, { type Static } from 'typebox'
import { Compile } from 'typebox/compile'
import { problem } from '../errors.ts'
import type { AccessKeys, PublicJwk } from './access-keys.ts'
import { assertTimely, IdClaim, jwtNamespace, jwtPurpose, seconds, signedClaims, Time } from './jwt.ts'
import type { Secrets } from './keys.ts'

/** Claims about the account, such as `email` or `roles` (RFC 9068, 2.2.3.1). */
export type AccountClaims = Readonly<Record<string, unknown>>

/** Signs and verifies access tokens. */
export interface AccessTokens {
  /** Lifetime of a new token in seconds, the `expiresIn` of responses. */
  ttl: number
  /** `iss` of ES256 tokens. */
  issuer: string
  /** The published keys, the current one first. */
  publicKeys: PublicJwk[]
  /**
   * @param session its `createdAt` is the time of the login
   * @param claims claims of the account; they never replace a claim of the token
   */
  mint(session: { id: string; userId: string; createdAt: Date }, claims?: AccountClaims): string
  /**
   * @param leeway seconds that an expired token stays valid
   * @throws {ProblemError} `unauthenticated`, whatever the fault
   */
  verify(token: string, leeway?: number): VerifiedAccessToken
}

/** Claims of both algorithms, and those of ES256. Times are seconds since 1970. */
interface AccessTokenClaims {
  iss: string
  aud: string
  sub: string
  sid: string
  iat: number
  exp: number
  client_id?: string
  jti?: string
  auth_time?: number
}

export interface VerifiedAccessToken {
  sessionId: string
  userId: string
  /** All claims. The cache holds the same object; do not change it. */
  claims: Readonly<AccessTokenClaims>
}

/** Settings of access tokens. */
interface AccessTokenOptions {
  /** Lifetime of a new token in seconds. */
  ttl: number
  /** Algorithm of new tokens; both are verified. */
  algorithm: 'ES256' | 'HS256'
  issuer: string
  audience: string
  clientId: string
}

/** Verified tokens in the cache: 0.6 KiB each, up to 14 KiB with claims that operators set. */
const CACHED_TOKENS = 4096

/**
 * Sets up access tokens.
 *
 * @param keys of ES256
 * @param secrets for HS256, which the previous release signs with
 */
export async function accessTokens(
  app: FastifyInstance,
  keys: AccessKeys,
  secrets: Secrets,
  clock: () => Date,
  options: AccessTokenOptions,
): Promise<AccessTokens> {
  const { ttl, algorithm, issuer, audience, clientId } = options
  const shared = await jwtPurpose(app, secrets, clock, { audience: 'access', ttl, claims: { sid: IdClaim } })
  const claimsForm = Type.Object({
    iss: Type.Literal(issuer),
    aud: Type.Literal(audience),
    sub: IdClaim,
    client_id: Type.String({ pattern: '^[^\\x00]+$', maxLength: 128 }),
    iat: Time,
    exp: Time,
    jti: IdClaim,
    sid: IdClaim,
    auth_time: Time,
  })
  const form = Compile(claimsForm)

  const [current] = keys
  const signer = await jwtNamespace(app, 'access-es256', {
    secret: { private: current.privateKey, public: current.publicKey },
    sign: { algorithm: 'ES256', kid: current.jwk.kid, header: { alg: 'ES256', typ: 'at+jwt' } },
    verify: VERIFY,
  })
  /** By the encoded header: an exact match selects the key, and nothing else of a header is read. */
  const verifiers = new Map([[headerOf(current.jwk), signer]])
  for (const [index, { jwk, publicKey }] of keys.entries()) {
    if (index === 0) continue
    const options = { secret: { public: publicKey }, verify: VERIFY } as never
    verifiers.set(headerOf(jwk), await jwtNamespace(app, `access-es256-previous-${index}`, options))
  }

  type Claims = Static<typeof claimsForm>
  const verified = new LruMap<Claims>(CACHED_TOKENS)

  /** Returns the claims of a token that one of the published keys signed, expired or not. */
  function publishedClaims(token: string): Claims | undefined {
    // Of the whole token, so that no two tokens share an entry. The cache holds no token that could leak.
    const key = hash('sha256', token, 'base64')
    const cached = verified.get(key)
    if (cached !== undefined) return cached
    const jwt = verifiers.get(token.slice(0, token.indexOf('.')))
    if (jwt === undefined) return undefined
    const claims = signedClaims(jwt, token)
    if (!form.Check(claims)) throw problem('token_invalid')
    verified.set(key, claims)
    return claims
  }

  function verifyPublished(token: string, leeway: number): Claims | undefined {
    const claims = publishedClaims(token)
    if (claims !== undefined) assertTimely(claims, { ttl, leeway, now: clock() })
    return claims
  }

  return {
    ttl,
    issuer,
    publicKeys: keys.map(key => key.jwk),
    mint({ id, userId, createdAt }, claims) {
      if (algorithm === 'HS256') return shared.mint({ sub: userId, sid: id }).token
      const iat = seconds(clock())
      return signer.sign({
        ...claims,
        iss: issuer,
        aud: audience,
        sub: userId,
        client_id: clientId,
        iat,
        exp: iat + ttl,
        jti: randomUUID(),
        sid: id,
        auth_time: seconds(createdAt),
      })
    },
    verify(token, leeway = 0) {
      try {
        const claims = verifyPublished(token, leeway) ?? shared.verify(token, leeway).claims
        return { sessionId: claims.sid, userId: claims.sub, claims }
      } catch (cause) {
        throw problem('unauthenticated', { cause })
      }
    },
  }
}

const VERIFY = { algorithms: ['ES256' as const], ignoreExpiration: true, cache: false }

/** The encoded header of all tokens of a key. */
function headerOf({ kid }: PublicJwk): string {
  return Buffer.from(JSON.stringify({ alg: 'ES256', typ: 'at+jwt', kid })).toString('base64url')
}
