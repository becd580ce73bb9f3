/** Creating, listing and revoking API keys, for the operators' API and the command line. */
import type { ApiKey, ApiKeys } from '../database/queries/api-keys.ts'
import type { By } from '../database/queries/events.ts'
import { problem } from '../errors.ts'
import { makeKey } from './api-key.ts'

/** Permissions of a key. */
export const SCOPES = [
  'users:read',
  'users:write',
  'users:claims',
  'sessions:write',
  'events:read',
  'mails:read',
  'mails:write',
  'keys:write',
  'tokens:introspect',
] as const
export type Scope = (typeof SCOPES)[number]

/** Dependencies of keys. */
interface KeyNeeds {
  database: { apiKeys: ApiKeys }
  clock: () => Date
}

interface NewApiKey {
  name: string
  scopes: readonly Scope[]
  /** Undefined: valid until it is revoked. */
  expiresAt?: Date | undefined
}

/** The scopes of a key, in the order of `SCOPES`. */
export const scopesOf = ({ scopes }: Pick<ApiKey, 'scopes'>): Scope[] => {
  const names = scopes.split(' ')
  return SCOPES.filter(scope => names.includes(scope))
}

/**
 * Creates a key.
 *
 * @param creator the creating key: the new one has a subset of its scopes and does not outlive it; undefined for the
 * command line, which may create any
 * @returns the key itself, which is not stored, and its row
 * @throws {ProblemError} `insufficient_scope` for a scope that the creator lacks, `validation_failed` for an expiry
 * in the past or after the creator's
 */
export async function createKey(
  { database, clock }: KeyNeeds,
  { name, scopes, expiresAt }: NewApiKey,
  by: By,
  creator?: ApiKey,
): Promise<{ key: string; row: ApiKey }> {
  const now = clock()
  if (creator !== undefined) {
    const missing = scopes.filter(scope => !scopesOf(creator).includes(scope))
    if (missing.length > 0) {
      const detail = `A key creates only keys with scopes of its own; it lacks ${missing.join(', ')}.`
      throw problem('insufficient_scope', { detail })
    }
  }
  const latest = creator?.expiresAt ?? null
  const message =
    expiresAt !== undefined && expiresAt <= now
      ? 'must lie in the future'
      : latest !== null && (expiresAt === undefined || expiresAt > latest)
        ? `must not be after ${latest.toISOString()}, when the key that creates it expires`
        : undefined
  if (message !== undefined) throw problem('validation_failed', { errors: [{ path: '/expiresAt', message }] })
  const { id, key, hash } = makeKey()
  const ordered = SCOPES.filter(scope => scopes.includes(scope)).join(' ')
  const row = await database.apiKeys.create(
    { id, name, hash, scopes: ordered, createdAt: now, expiresAt: expiresAt ?? null },
    by,
  )
  return { key, row }
}

/** All keys, newest first. */
export const listKeys = ({ database }: KeyNeeds): Promise<ApiKey[]> => database.apiKeys.list()

/**
 * Revokes a key; an already revoked key is not changed.
 *
 * @throws {ProblemError} `not_found`
 */
export async function revokeKey({ database, clock }: KeyNeeds, id: string, by: By): Promise<ApiKey> {
  const revoked = await database.apiKeys.revoke(id, clock(), by)
  if (revoked === null) throw problem('not_found', { detail: 'There is no such key.' })
  return revoked
}
