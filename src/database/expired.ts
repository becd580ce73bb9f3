/**
 * Removes what has run out, a few rows at a time, by one instance for all of them.
 */
import type { Statements } from './sql.ts'

/** Queries of the housekeeping. */
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
