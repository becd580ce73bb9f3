/** Deletes expired rows in batches. A lease lets one instance work at a time. */
import type { Statements } from '../sql.ts'

/** Expiring tables, each with an index on `by`. */
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

/** Removed once a deletion cannot be undone. The row of the deleted account waits for these. */
const DELETED = {
  deleted_histories: {
    table: 'events',
    how: 'UPDATE events SET user_id = NULL, ip = NULL, device = NULL, request_id = NULL',
  },
  deleted_mails: { table: 'outbox', how: 'DELETE FROM outbox' },
} as const
/** Subqueries with a limit, because PostgreSQL may otherwise scan all events. */
const REMAINDERS_GONE = `(SELECT events.id FROM events WHERE events.user_id = deleted_accounts.id LIMIT 1) IS NULL
  AND (SELECT outbox.id FROM outbox WHERE outbox.user_id = deleted_accounts.id LIMIT 1) IS NULL`

const DELETED_ACCOUNTS = { table: 'deleted_accounts', by: 'expires_at', only: REMAINDERS_GONE }

export type ExpiredKind = keyof typeof KINDS | keyof typeof DELETED | 'deleted_accounts'

/** One statement, so that only one of two instances gets the lease. */
const HOLD = `INSERT INTO leases (id, holder, expires_at) VALUES ('housekeeping', $1, $2)
  ON CONFLICT (id) DO UPDATE SET holder = excluded.holder, expires_at = excluded.expires_at
  WHERE leases.holder = $1 OR leases.expires_at <= $3
  RETURNING id`
const RELEASE = `DELETE FROM leases WHERE id = 'housekeeping' AND holder = $1`

export function expired({ provider, change }: Statements) {
  const removals = Object.fromEntries([
    ...Object.entries(KINDS).map(([kind, table]) => [kind, removalOf(table, provider)]),
    ...Object.entries(DELETED).map(([kind, table]) => [kind, removalOfDeleted(table, provider)]),
    ['deleted_accounts', removalOf(DELETED_ACCOUNTS, provider)],
  ]) as Record<ExpiredKind, string>

  return {
    /** Takes or renews the lease. `holder` names this instance. Returns whether it holds the lease. */
    hold: async (holder: string, now: Date, until: Date) =>
      (await change(HOLD, [holder, until, now])).length === 1,

    release: (holder: string) => change(RELEASE, [holder]),

    /**
     * Deletes rows that expired before a time, or makes them anonymous (`deleted_histories`). Returns their number.
     * @param limit most rows; on SQLite, other writes wait meanwhile
     */
    remove: async (kind: ExpiredKind, before: Date, limit: number): Promise<number> =>
      (await change(removals[kind], [before, limit])).length,
  }
}

// A hundred accounts at once, so that the list of ids stays short; a sweep repeats the statement.
function removalOfDeleted({ table, how }: { table: string; how: string }, provider: string) {
  const over = 'SELECT id FROM deleted_accounts WHERE expires_at <= $1 ORDER BY expires_at LIMIT 100'
  if (provider === 'sqlite') {
    return `${how} WHERE id IN (SELECT id FROM ${table} WHERE user_id IN (${over}) LIMIT $2) RETURNING id`
  }
  // Arrays, because PostgreSQL may otherwise join by scanning the table.
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
  // Locked rows are left for the next sweep.
  const among = provider === 'postgresql' ? `= ANY(ARRAY(${some} FOR UPDATE SKIP LOCKED))` : `IN (${some})`
  return `DELETE FROM ${table} WHERE id ${among} RETURNING id`
}
