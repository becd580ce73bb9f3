/** Queries about keys of the operators' API. Only the hash of a key is stored. */
import type { ApiKey, PrismaClient } from '../../generated/sqlite/client.ts'
import { columns, runIn, type Statements } from '../sql.ts'
import { type By, insertEvent } from './events.ts'

export type { ApiKey }

/** Queries about keys. */
export type ApiKeys = ReturnType<typeof apiKeys>

const FIELDS = [
  'id',
  'name',
  'hash',
  'scopes',
  'createdAt',
  'createdBy',
  'expiresAt',
  'lastUsedAt',
  'revokedAt',
] as const satisfies (keyof ApiKey)[]

const FIND = `SELECT ${columns(FIELDS, 'api_keys')} FROM api_keys WHERE id = $1`
const NOTE_USE = 'UPDATE api_keys SET last_used_at = $2 WHERE id = $1'

/**
 * @param client the database
 * @param statements on the same database
 */
export function apiKeys(client: PrismaClient, { read, change }: Statements) {
  return {
    find: async (id: string): Promise<ApiKey | undefined> => (await read<ApiKey>(FIND, [id]))[0],

    /** All keys, newest first; an operator has few. */
    list: () => client.apiKey.findMany({ orderBy: { id: 'desc' } }),

    create: (key: Omit<ApiKey, 'lastUsedAt' | 'revokedAt' | 'createdBy'>, { actor, origin }: By) =>
      client.$transaction(async tx => {
        const created = await tx.apiKey.create({ data: { ...key, createdBy: actor } })
        const event = { userId: null, kind: 'api_key_created' as const, at: key.createdAt, origin, actor }
        await insertEvent(runIn(tx), { ...event, target: key.id })
        return created
      }),

    /** @returns the key, or null if there is none; an already revoked key is not changed */
    revoke: (id: string, now: Date, { actor, origin }: By): Promise<ApiKey | null> =>
      client.$transaction(async tx => {
        const { count } = await tx.apiKey.updateMany({
          where: { id, revokedAt: null },
          data: { revokedAt: now },
        })
        const event = { userId: null, kind: 'api_key_revoked' as const, at: now, origin, actor, target: id }
        if (count > 0) await insertEvent(runIn(tx), event)
        return tx.apiKey.findUnique({ where: { id } })
      }),

    /** @param at rounded to the hour, so that a busy key costs no write per request */
    noteUse: (id: string, at: Date) => change(NOTE_USE, [id, at]),
  }
}
