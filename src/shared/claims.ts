/** Roles and other claims of an account: how they are stored, shown and put into access tokens. */

import Type from 'typebox'

export const Roles = Type.Array(
  Type.String({ minLength: 1, maxLength: 64, pattern: '^[A-Za-z0-9_.:/-]+$' }),
  {
    maxItems: 32,
    uniqueItems: true,
    description: 'set by operators',
  },
)

export const OtherClaims = Type.Unsafe<Record<string, unknown>>({
  type: 'object',
  maxProperties: 32,
  patternProperties: { '^[A-Za-z][A-Za-z0-9_]{0,63}$': {} },
  additionalProperties: false,
  description: 'set by operators; any JSON',
})

/** Bytes of the stored text; each access token contains the claims. */
export const MAX_CLAIMS_BYTES = 1024

/** The claim of an access token that holds all claims except the roles. */
export const CLAIMS_NAME = 'urn:latchkey:claims'

/** Claims that operators set. */
export interface Claims {
  roles: string[]
  claims: Record<string, unknown>
}

/**
 * Claim names of RFC 7519, RFC 9068 and OpenID Connect Core. A client that merges all claims into one object would take
 * an operator's claim for the token's.
 */
export const REGISTERED_CLAIMS: ReadonlySet<string> = new Set([
  ...['iss', 'sub', 'aud', 'exp', 'nbf', 'iat', 'jti', 'sid', 'fp', 'cnf', 'act', 'may_act', 'azp', 'nonce'],
  ...[
    'client_id',
    'scope',
    'scp',
    'auth_time',
    'acr',
    'amr',
    'roles',
    'groups',
    'entitlements',
    'events',
    'txn',
  ],
  ...['name', 'email', 'email_verified', 'username', 'preferred_username', 'active', 'token_type', 'at_hash'],
])

/** Reads the stored text. */
export function readClaims(stored: string | null): Claims {
  if (stored === null) return { roles: [], claims: {} }
  const { roles = [], ...claims } = JSON.parse(stored) as { roles?: string[] }
  return { roles, claims }
}

/** Returns the text to store, or null. */
export function storedClaims({ roles, claims }: Claims): string | null {
  if (roles.length === 0 && Object.keys(claims).length === 0) return null
  return JSON.stringify({ ...(roles.length > 0 && { roles }), ...claims })
}

/** The claims of an access token: `roles` by RFC 9068 section 2.2.3.1, all others under one name. */
export function tokenClaims(stored: string | null): Record<string, unknown> {
  const { roles, claims } = readClaims(stored)
  return {
    ...(roles.length > 0 && { roles }),
    ...(Object.keys(claims).length > 0 && { [CLAIMS_NAME]: claims }),
  }
}
