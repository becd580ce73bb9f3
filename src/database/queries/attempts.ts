/**
 * What is kept for a while and then removed: tries at codes, networks that are familiar to an account, and the removal
 * of all that has expired.
 */
import type { PrismaClient } from '../../generated/sqlite/client.ts'
import { networkOf } from '../../shared/network.ts'
import type { Run, Statements, Value } from '../sql.ts'

/** Queries about tries at codes. */
export type Guesses = ReturnType<typeof guesses>

/** @param client the database */
export function guesses(client: PrismaClient) {
  return {
    /**
     * Counts a try before its outcome is known, so that parallel tries count too.
     *
     * @param id what is guarded
     * @param expiresAt when the count may be forgotten
     * @returns the tries so far, this one included
     */
    async count(id: string, expiresAt: Date): Promise<number> {
      // One statement, INSERT … ON CONFLICT DO UPDATE: a read before the write would lose counts.
      const { count } = await client.guess.upsert({
        where: { id },
        create: { id, count: 1, expiresAt },
        update: { count: { increment: 1 } },
      })
      return count
    },
  }
}

const DAY_MS = 86_400_000
/** How long a network stays familiar after a success: guesses from elsewhere do not slow down logins from it. */
const FAMILIAR_MS = 90 * DAY_MS
/** A network that was recorded more recently is not recorded again, which saves logins a write. */
const RECORD_AGAIN_MS = DAY_MS

/** The id of a row, in SQL for the account that a query finds. */
export const FAMILIAR_ID = (userId: string, network: string) => `${userId} || ' ' || ${network}`
const idOf = (userId: string, network: string) => `${userId} ${network}`

/** Records a network; the values are those of `networkRow`. */
export const RECORD_NETWORK = {
  columns: 'id, user_id, expires_at',
  otherwise: 'ON CONFLICT (id) DO UPDATE SET expires_at = excluded.expires_at',
}

/** The values of the columns of a network that was familiar just now. */
export const networkRow = (userId: string, ip: string, now: Date): Value[] => [
  idOf(userId, networkOf(ip)),
  userId,
  new Date(now.getTime() + FAMILIAR_MS),
]

const RECORD = `INSERT INTO familiar_networks (${RECORD_NETWORK.columns}) VALUES ($1, $2, $3)
  ${RECORD_NETWORK.otherwise}`

/** Records the network of a success, within a transaction of either kind. */
export async function insertFamiliarNetwork(run: Run, userId: string, ip: string | null, now: Date) {
  if (ip !== null) await run(RECORD, networkRow(userId, ip, now))
}

/** Whether a network was recorded so recently that recording it again changes little. */
export function isFreshlyFamiliar(expiresAt: Date | null, now: Date): boolean {
  return expiresAt !== null && expiresAt.getTime() > now.getTime() + FAMILIAR_MS - RECORD_AGAIN_MS
}

const FIND = 'SELECT id FROM familiar_networks WHERE id = $1 AND expires_at > $2'

/** Whether a login, reset or confirmation of the account succeeded from the network of an address. */
export async function isFamiliarNetwork(read: Run, userId: string, ip: string, now: Date): Promise<boolean> {
  return (await read(FIND, [idOf(userId, networkOf(ip)), now])).length > 0
}

/** Queries of the housekeeping: removes what has expired, a few rows at a time, by one instance for all of them. */
export type Expired = ReturnType<typeof expired>

/** What runs out, each found by an index and removed from its oldest row on. */
const KINDS = {
  sessions: { table: 'sessions', by: 'expires_at' },
  registrations: { table: 'pending_registrations', by: 'expires_at' },
  legacy_registrations: { table: 'registrations', by: 'expires_at' },
  guesses: { table: 'guesses', by: 'expires_at' },
  familiar_networks: { table: 'familiar_networks', by: 'expires_at' },
  mail_turns: { table: 'mail_turns', by: 'expires_at' },
  events: { table: 'events', by: 'at' },
  mails_sent: { table: 'outbox', by: 'finished_at', state: 'sent' },
  mails_dropped: { table: 'outbox', by: 'finished_at', state: 'dropped' },
  mails_dead: { table: 'outbox', by: 'finished_at', state: 'dead' },
  mails_cancelled: { table: 'outbox', by: 'finished_at', state: 'cancelled' },
  notices: { table: 'notices', by: 'expires_at' },
} as const

/** What of an account goes when its deletion can no longer be undone. Its own row waits for these. */
const DELETED = {
  deleted_histories: {
    table: 'events',
    how: 'UPDATE events SET user_id = NULL, ip = NULL, device = NULL, request_id = NULL',
  },
  deleted_mails: { table: 'outbox', how: 'DELETE FROM outbox' },
} as const
/** Subqueries with a limit, or PostgreSQL may join by reading all events. */
const REMAINDERS_GONE = `(SELECT events.id FROM events WHERE events.user_id = deleted_accounts.id LIMIT 1) IS NULL
  AND (SELECT outbox.id FROM outbox WHERE outbox.user_id = deleted_accounts.id LIMIT 1) IS NULL`

const DELETED_ACCOUNTS = { table: 'deleted_accounts', by: 'expires_at', only: REMAINDERS_GONE }

export type ExpiredKind = keyof typeof KINDS | keyof typeof DELETED | 'deleted_accounts'

/** One statement, so of two instances that ask at the same moment one gets it. */
const HOLD = `INSERT INTO leases (id, holder, expires_at) VALUES ('housekeeping', $1, $2)
  ON CONFLICT (id) DO UPDATE SET holder = excluded.holder, expires_at = excluded.expires_at
  WHERE leases.holder = $1 OR leases.expires_at <= $3
  RETURNING id`
const RELEASE = `DELETE FROM leases WHERE id = 'housekeeping' AND holder = $1`

/** @param statements on the database */
export function expired({ provider, change }: Statements) {
  const removals = Object.fromEntries([
    ...Object.entries(KINDS).map(([kind, what]) => [kind, removalOf(what, provider)]),
    ...Object.entries(DELETED).map(([kind, what]) => [kind, removalOfDeleted(what, provider)]),
    ['deleted_accounts', removalOf(DELETED_ACCOUNTS, provider)],
  ]) as Record<ExpiredKind, string>

  return {
    /**
     * Takes the lease, or keeps it.
     *
     * @param holder names this instance
     * @param until when another may take it, should this one die
     * @returns whether it is this instance's now
     */
    hold: async (holder: string, now: Date, until: Date) =>
      (await change(HOLD, [holder, until, now])).length === 1,

    release: (holder: string) => change(RELEASE, [holder]),

    /**
     * Removes some of what ran out before a moment.
     *
     * @param limit how many rows at most: as long as it takes, nobody else writes on SQLite
     * @returns how many were removed
     */
    remove: async (kind: ExpiredKind, before: Date, limit: number): Promise<number> =>
      (await change(removals[kind], [before, limit])).length,
  }
}

function removalOfDeleted({ table, how }: { table: string; how: string }, provider: string) {
  const over = 'SELECT id FROM deleted_accounts WHERE expires_at <= $1 ORDER BY expires_at LIMIT 100'
  if (provider === 'sqlite') {
    return `${how} WHERE id IN (SELECT id FROM ${table} WHERE user_id IN (${over}) LIMIT $2) RETURNING id`
  }
  // As arrays, or PostgreSQL may join by reading the whole table.
  return `${how} WHERE id = ANY(ARRAY(SELECT id FROM ${table} WHERE user_id = ANY(ARRAY(${over}))
    LIMIT $2 FOR UPDATE SKIP LOCKED)) RETURNING id`
}

function removalOf(
  { table, by, state, only }: { table: string; by: string; state?: string; only?: string },
  provider: string,
) {
  const condition = state === undefined ? only : `state = '${state}'`
  const which = condition === undefined ? '' : `${condition} AND `
  const some = `SELECT id FROM ${table} WHERE ${which}${by} <= $1 ORDER BY ${by} LIMIT $2`
  // A row that somebody has in hand is left for the next time.
  const among = provider === 'postgresql' ? `= ANY(ARRAY(${some} FOR UPDATE SKIP LOCKED))` : `IN (${some})`
  return `DELETE FROM ${table} WHERE id ${among} RETURNING id`
}
