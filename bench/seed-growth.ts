/** Very many accounts, written by the database itself. */
import { openDatabase, type Provider } from '../src/database/index.ts'

/** Of each account. */
export const SESSIONS = 5
const DEAD_MAILS = 100_000
/** Accounts of one statement, so that SQLite can move the WAL into the file now and then. */
const AT_ONCE = 50_000
const DAY_MS = 86_400_000

const id = (kind: number, number: number) =>
  `00000000-0000-700${kind}-8000-${String(number).padStart(12, '0')}`

/** Ids are made in order, as UUID v7 are. */
export const userOf = (number: number) => id(0, number)
export const sessionOf = (number: number) => id(1, number)

/** Fills a migrated database. */
export async function seedGrowth(databaseUrl: string, provider: Provider, accounts: number): Promise<void> {
  const sqlite = provider === 'sqlite'
  // It takes longer than a request may.
  const { client, close } = await openDatabase(sqlite ? databaseUrl : `${databaseUrl}?statement_timeout=0`)
  const run = (sql: string) => client.$executeRawUnsafe(sql)
  const series = (from: number, to: number) =>
    sqlite
      ? `(WITH RECURSIVE n(i) AS (SELECT ${from} UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ${to}) SELECT i FROM n) AS n`
      : `generate_series(${from}, ${to - 1}) AS n(i)`
  const idOf = (kind: number, number: string) =>
    `'00000000-0000-700${kind}-8000-' || ${sqlite ? `printf('%012d', ${number})` : `lpad((${number})::text, 12, '0')`}`
  const time = (milliseconds: number) => {
    const text = new Date(milliseconds).toISOString().replace('Z', '+00:00')
    return sqlite ? `'${text}'` : `CAST('${text}' AS TIMESTAMP(3))`
  }
  const now = time(Date.now())
  const later = time(Date.now() + 30 * DAY_MS)

  // Nothing here must survive a power cut.
  if (sqlite) await run('PRAGMA synchronous = OFF')
  for (let from = 0; from < accounts; from += AT_ONCE) {
    const to = Math.min(from + AT_ONCE, accounts)
    await run(`INSERT INTO users (id, email, password_hash, email_confirmed_at, password_changed_at, created_at)
      SELECT ${idOf(0, 'n.i')}, 'person-' || n.i || '@example.org', 'hash', ${now}, ${now}, ${now}
      FROM ${series(from, to)}`)
    await run(`INSERT INTO sessions (id, user_id, refresh_hash, created_at, refreshed_at, expires_at)
      SELECT ${idOf(1, 'n.i')}, ${idOf(0, `n.i / ${SESSIONS}`)}, 'x', ${now}, ${now}, ${later}
      FROM ${series(from * SESSIONS, to * SESSIONS)}`)
  }
  await run(`INSERT INTO outbox (id, kind, recipient, state, attempts, next_attempt_at, created_at, finished_at)
    SELECT ${idOf(2, 'n.i')}, 'reset_request', 'person-' || n.i || '@example.org', 'dead', 8, ${now}, ${now}, ${now}
    FROM ${series(0, DEAD_MAILS)}`)
  if (sqlite) await client.$queryRawUnsafe('PRAGMA wal_checkpoint(TRUNCATE)')
  else await run('VACUUM ANALYZE')
  await close()
}
