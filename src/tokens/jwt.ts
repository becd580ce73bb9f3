/**
 * Signs and verifies the JWTs of one purpose. The algorithm is fixed, and each purpose has its own key and audience.
 * The claims are checked here, because JWT libraries accept a missing `exp`, a numeric `sub` or an `exp` of 1e300.
 */
import fastifyJwt, { type FastifyJWTOptions, type JWT } from '@fastify/jwt'
import type { FastifyInstance } from 'fastify'
import Type, { type Static, type TObject, type TProperties } from 'typebox'
import { Compile } from 'typebox/schema'
import { problem } from '../errors.ts'
import { deriveKey, type Secrets } from './keys.ts'

/** `iss` of tokens that only this service verifies. */
const ISSUER = 'latchkey'

/** Seconds that `iat` may lie ahead, because clocks differ. `exp` is exact: a token must not outlive `expiresIn`. */
export const CLOCK_TOLERANCE = 30

/** A verified token. */
export interface Verified<Claims> {
  claims: Claims
  /** The secret that signed it. Other keys for the same token are derived from it too. */
  secret: string
}

/** Signs and verifies tokens of one purpose. */
interface JwtPurpose<Claims> {
  /**
   * @param claims all claims except `iss`, `aud`, `iat` and `exp`
   * @returns the token and its expiry
   */
  mint(claims: Omit<Claims, RegisteredByUs>): { token: string; expiresAt: Date }
  /**
   * @param leeway seconds that an expired token stays valid; 0 by default
   * @throws {ProblemError} `token_invalid` if this service did not sign it for this purpose, otherwise `token_expired`
   */
  verify(token: string, leeway?: number): Verified<Claims>
}

type RegisteredByUs = 'iss' | 'aud' | 'iat' | 'exp'

/** Settings of a purpose. */
export interface JwtPurposeOptions<Own extends TProperties> {
  /** `aud`, and the name that keys are derived with. */
  audience: string
  /** Lifetime in seconds. */
  ttl: number
  /** The claims that are not registered ones. */
  claims: Own
}

/**
 * Sets up one purpose: a @fastify/jwt namespace for each secret, and the checks of claims.
 *
 * @param app receives the namespaces
 * @param secrets the signing secrets, the current one first
 * @param clock the time
 */
export async function jwtPurpose<Own extends TProperties>(
  app: FastifyInstance,
  secrets: Secrets,
  clock: () => Date,
  options: JwtPurposeOptions<Own>,
): Promise<JwtPurpose<Static<TObject<Own>> & RegisteredClaims>> {
  type Claims = Static<TObject<Own>> & RegisteredClaims
  const { audience, ttl } = options
  const form = Compile(
    Type.Object({
      ...options.claims,
      iss: Type.Literal(ISSUER),
      aud: Type.Literal(audience),
      sub: IdClaim,
      iat: Time,
      exp: Time,
    }),
  )

  const keyed: { secret: string; jwt: JWT }[] = []
  for (const [index, secret] of secrets.entries()) {
    const namespace = index === 0 ? audience : `${audience}-previous-${index}`
    const jwt = await jwtNamespace(app, namespace, {
      secret: deriveKey(secret, audience, 'sign'),
      sign: { algorithm: 'HS256' },
      verify: { algorithms: ['HS256'], ignoreExpiration: true, cache: false },
    })
    keyed.push({ secret, jwt })
  }

  function mint(own: Omit<Claims, RegisteredByUs>) {
    const iat = seconds(clock())
    const claims = { ...own, iss: ISSUER, aud: audience, iat, exp: iat + ttl }
    // biome-ignore lint/style/noNonNullAssertion: there is always a current secret
    return { token: keyed[0]!.jwt.sign(claims), expiresAt: new Date((iat + ttl) * 1000) }
  }

  function verify(token: string, leeway = 0): Verified<Claims> {
    for (const { secret, jwt } of keyed) {
      const claims = signedClaims(jwt, token)
      if (claims === undefined) continue
      if (!form.Check(claims)) break
      assertTimely(claims as Claims, { ttl, leeway, now: clock() })
      return { claims: claims as Claims, secret }
    }
    throw problem('token_invalid')
  }

  return { mint, verify }
}

/**
 * Registers @fastify/jwt with a key of its own.
 *
 * @param options `verify` must ignore the expiry, which `assertTimely` checks by the service's clock
 */
export async function jwtNamespace(
  app: FastifyInstance,
  namespace: string,
  options: FastifyJWTOptions,
): Promise<JWT> {
  await app.register(fastifyJwt, { ...options, namespace })
  // The namespace's decorator is made by name at run time; the package's types know only the plain one.
  const jwt = (app.jwt as unknown as Record<string, JWT>)[namespace]
  if (jwt === undefined) throw new Error(`@fastify/jwt made no namespace ${namespace}`)
  return jwt
}

/** An id as a claim. PostgreSQL refuses a NUL in a text, also if the token is validly signed. */
export const IdClaim = Type.String({ pattern: '^[\\w-]+$', maxLength: 64 })

/** An email as a claim. */
export const EmailClaim = Type.String({ minLength: 3, maxLength: 254 })

/** Seconds since 1970. */
export const Time = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER })

/** A time as a claim: whole seconds since 1970. */
export const seconds = (time: Date) => Math.floor(time.getTime() / 1000)

/**
 * Checks the times of a token whose signature was right.
 *
 * @param options `ttl`: the life of such tokens; `leeway`: as for `verify`; both in seconds
 * @throws {ProblemError} `token_invalid`, `token_expired`
 */
export function assertTimely(
  { iat, exp }: { iat: number; exp: number },
  { ttl, leeway, now }: { ttl: number; leeway: number; now: Date },
): void {
  const current = seconds(now)
  // A life longer than that of the purpose was not given by this configuration.
  if (iat > current + CLOCK_TOLERANCE || exp - iat > ttl) throw problem('token_invalid')
  if (exp + leeway <= current) throw problem('token_expired')
}

interface RegisteredClaims {
  iss: string
  aud: string
  sub: string
  /** Seconds since 1970. */
  iat: number
  /** Seconds since 1970. */
  exp: number
}

/** The claims of a token that this key signed, else undefined; the library throws in many ways. */
export function signedClaims(jwt: JWT, token: string): unknown {
  try {
    return jwt.verify(token)
  } catch {
    return undefined
  }
}
