/** The connections that migrations run on: their own, outside of any pool, and one transaction each. */
import pg from 'pg'
import type { Provider } from './client.ts'
import { postgresqlConfig } from './postgresql.ts'
import { openConnection, whileBusy } from './sqlite.ts'
import type { RunNow } from './sqlite-connection.ts'

/** How long to wait for another process that is migrating the same database, in seconds. */
const PATIENCE = 600

/** How long a statement of a migration waits for the locks of running queries, in seconds. */
const LOCK_TIMEOUT = 30

/** The lock that Prisma's own engine takes, so that `prisma migrate deploy` keeps out too. */
const ADVISORY_LOCK = 72_707_369

/** A connection that migrations are applied on. */
export interface MigrationConnection {
  /** Runs one statement without parameters and returns its rows. */
  query(sql: string): Promise<Record<string, unknown>[]>
  /** Runs a script of any number of statements. */
  execute(script: string): Promise<void>
}

/** Runs queries on a connection of their own, outside any transaction. On SQLite the file is made if it is missing. */
export async function withQuery<T>(
  databaseUrl: string,
  provider: Provider,
  work: (query: MigrationConnection['query']) => Promise<T>,
): Promise<T> {
  if (provider === 'postgresql') {
    return withPostgresql(databaseUrl, client => work(onPostgresql(client).query))
  }
  const connection = await openConnection(databaseUrl)
  try {
    return await work(queryOf(connection.run))
  } finally {
    connection.close()
  }
}

/**
 * Runs `work` in one transaction that keeps every other migrating process out from its start to its end. If it throws,
 * or if this process dies, the database is as it was, and the lock is gone.
 */
export function inMigrationTransaction<T>(
  databaseUrl: string,
  provider: Provider,
  work: (connection: MigrationConnection) => Promise<T>,
): Promise<T> {
  if (provider === 'sqlite') return inSqliteTransaction(databaseUrl, work)
  return withPostgresql(databaseUrl, async client => {
    const connection = onPostgresql(client)
    try {
      await connection.execute(
        `BEGIN;
         SET LOCAL statement_timeout = 0;
         SET LOCAL idle_in_transaction_session_timeout = 0;
         SET LOCAL lock_timeout = '${PATIENCE}s';
         SELECT pg_advisory_xact_lock(${ADVISORY_LOCK});
         SET LOCAL lock_timeout = '${LOCK_TIMEOUT}s'`,
      )
      const result = await work(connection)
      await connection.execute('COMMIT')
      return result
    } catch (error) {
      await connection.execute('ROLLBACK').catch(() => {})
      throw error
    }
  })
}

async function withPostgresql<T>(databaseUrl: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client(postgresqlConfig(databaseUrl))
  // A connection that is cut fails the query that is under way or the next one.
  client.on('error', () => {})
  try {
    await client.connect()
    return await work(client)
  } finally {
    await client.end().catch(() => {})
  }
}

/** Without parameters `pg` uses the simple protocol, which takes a whole script. */
const onPostgresql = (client: pg.Client): MigrationConnection => ({
  query: async sql => (await client.query(sql)).rows,
  execute: async script => void (await client.query(script)),
})

const queryOf =
  (run: RunNow): MigrationConnection['query'] =>
  async sql => {
    const { columns, rows } = run(sql)
    return rows.map(row => Object.fromEntries(columns.map((column, i) => [column, row[i]])))
  }

async function inSqliteTransaction<T>(
  databaseUrl: string,
  work: (connection: MigrationConnection) => Promise<T>,
): Promise<T> {
  // Waiting blocks the event loop, so it is done in short steps.
  const connection = await openConnection(databaseUrl, 1000)
  try {
    const transaction = await whileBusy(PATIENCE * 1000, () => {
      // With foreign keys on, the DROP TABLE of a redefined table would delete, by ON DELETE CASCADE, the rows of
      // others that refer to it, and inside a transaction they cannot be turned off. They are checked before the
      // commit instead: https://www.sqlite.org/lang_altertable.html#otheralter
      connection.run('PRAGMA foreign_keys = OFF')
      return connection.begin()
    })
    const result = await work({
      query: queryOf(transaction.run),
      execute: async script => connection.runScript(script),
    })
    const [orphan] = transaction.run('PRAGMA foreign_key_check').rows
    if (orphan !== undefined) {
      throw new Error(
        `The migration would leave rows of ${orphan[0]} that refer to rows of ${orphan[2]} that are gone`,
      )
    }
    transaction.commit()
    return result
  } finally {
    // Rolls back what is still open.
    connection.close()
  }
}
