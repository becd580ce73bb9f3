/** An API key, as operators see it. */
import Type, { type Static } from 'typebox'
import type { ApiKey } from '../database/queries/api-keys.ts'
import { Id, orNull, Time } from '../http/schemas.ts'
import { SCOPES, scopesOf } from './keys.ts'

export const Name = Type.String({ minLength: 1, maxLength: 100, pattern: '^[^\\x00-\\x1f\\x7f-\\x9f]+$' })
export const Scopes = Type.Array(Type.Enum([...SCOPES], { type: 'string' }), {
  minItems: 1,
  maxItems: SCOPES.length,
  uniqueItems: true,
})

export const fields = {
  id: Id,
  name: Name,
  scopes: Scopes,
  createdAt: Time,
  createdBy: Type.String({ maxLength: 64, description: '`key:` and an id, or `cli`' }),
  expiresAt: orNull(Time),
  lastUsedAt: orNull(Time, 'to the hour'),
  revokedAt: orNull(Time),
}

export const EXAMPLE = {
  id: '01936f3e-8a77-7c3b-9d0e-4f1f2f0c6a55',
  name: 'support desk',
  scopes: ['users:read', 'users:write' as const],
  createdAt: '2026-01-31T09:30:00.000Z',
  createdBy: 'cli',
  expiresAt: '2027-01-31T00:00:00.000Z',
  lastUsedAt: null,
  revokedAt: null,
}

/** A key as operators see it: never its hash. */
export const PublicKey = Type.Object(fields, {
  title: 'ApiKey',
  additionalProperties: false,
  description: 'An API key, without the key itself',
})

/** Selects the properties that operators may see. */
export const publicKey = (row: ApiKey): Static<typeof PublicKey> => ({
  id: row.id,
  name: row.name,
  scopes: scopesOf(row),
  createdAt: row.createdAt.toISOString(),
  createdBy: row.createdBy,
  expiresAt: row.expiresAt?.toISOString() ?? null,
  lastUsedAt: row.lastUsedAt?.toISOString() ?? null,
  revokedAt: row.revokedAt?.toISOString() ?? null,
})
