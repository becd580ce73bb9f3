import { PrismaLibSql } from '@prisma/adapter-libsql'
import { PrismaPg } from '@prisma/adapter-pg'
import type { SqlDriverAdapter } from '@prisma/driver-adapter-utils'
import type { Provider } from './client.ts'
import { postgresqlConfig } from './client-postgresql.ts'
import { openSqlite, whileBusy } from './client-sqlite.ts'
import { type Query, queryOf } from './migrate-history.ts'
import type { LibsqlClient } from './sqlite-adapter-client.ts'

/** How long to wait for another process that is migrating the same database, in seconds. */
const PATIENCE = 600

/** How long a statement of a migration waits for the locks of running queries, in seconds. */
const LOCK_TIMEOUT = 30

/** The lock that Prisma's own engine takes, so that `prisma migrate deploy` keeps out too. */
const ADVISORY_LOCK = 72_707_369

/** Runs queries on a connection of their own, outside any transaction. */
export async function withQuery<T>(
  databaseUrl: string,
  provider: Provider,
  run: (query: Query) => Promise<T>,
) {
  const adapter =
    provider === 'sqlite'
      ? await sqliteAdapter(await openSqlite(databaseUrl))
      : await new PrismaPg({ ...postgresqlConfig(databaseUrl), max: 1 }).connect()
  try {
    return await run(queryOf(adapter))
  } finally {
    await adapter.dispose()
  }
}

/**
 * Runs `work` in one transaction that keeps every other migrating process out from its start to its
 * end. If it throws, or if this process dies, the database is as it was, and the lock is gone.
 */
export function inMigrationTransaction<T>(
  databaseUrl: string,
  provider: Provider,
  work: (adapter: SqlDriverAdapter) => Promise<T>,
): Promise<T> {
  return provider === 'sqlite' ? onSqlite(databaseUrl, work) : onPostgresql(databaseUrl, work)
}

const sqliteAdapter = (client: LibsqlClient): Promise<SqlDriverAdapter> =>
  Object.assign(new PrismaLibSql({ url: 'file:' }), { createClient: () => client }).connect()

async function onSqlite<T>(url: string, work: (adapter: SqlDriverAdapter) => Promise<T>): Promise<T> {
  const config = { url, timeout: 1000 }
  const client = new PrismaLibSql(config).createClient(config)
  try {
    const transaction = await whileBusy(client, PATIENCE * 1000, async () => {
      // With foreign keys on, the DROP TABLE of a redefined table would delete, by ON DELETE CASCADE,
      // the rows of others that refer to it; and inside a transaction they cannot be turned off, so the
      // PRAGMA in the script comes too late. They are checked before the commit instead:
      // https://www.sqlite.org/lang_altertable.html#otheralter
      await client.execute('PRAGMA foreign_keys = OFF')
      return client.transaction('write')
    })
    try {
      // The client's own executeMultiple rolls back an open transaction; the transaction's does not.
      const inTransaction = {
        execute: transaction.execute.bind(transaction),
        executeMultiple: transaction.executeMultiple.bind(transaction),
        close: () => {},
      } as unknown as LibsqlClient
      const result = await work(await sqliteAdapter(inTransaction))
      const { rows } = await transaction.execute('PRAGMA foreign_key_check')
      if (rows.length > 0) {
        throw new Error(
          `The migration would leave rows of ${rows[0]?.[0]} that refer to rows of ${rows[0]?.[2]} that are gone`,
        )
      }
      await transaction.commit()
      return result
    } catch (error) {
      transaction.close()
      throw error
    }
  } finally {
    client.close()
  }
}

async function onPostgresql<T>(url: string, work: (adapter: SqlDriverAdapter) => Promise<T>): Promise<T> {
  const pool = await new PrismaPg({ ...postgresqlConfig(url), max: 1 }).connect()
  try {
    const transaction = await pool.startTransaction()
    // Without parameters pg uses the simple protocol, which takes a whole script. The adapter's own
    // executeScript cuts it at every semicolon, those in comments, strings and functions too.
    const executeScript = async (sql: string) => {
      await transaction.executeRaw({ sql, args: [], argTypes: [] })
    }
    try {
      await executeScript(
        `SET LOCAL statement_timeout = 0;
         SET LOCAL idle_in_transaction_session_timeout = 0;
         SET LOCAL lock_timeout = '${PATIENCE}s';
         SELECT pg_advisory_xact_lock(${ADVISORY_LOCK});
         SET LOCAL lock_timeout = '${LOCK_TIMEOUT}s'`,
      )
      const result = await work({
        provider: pool.provider,
        adapterName: pool.adapterName,
        queryRaw: transaction.queryRaw.bind(transaction),
        executeRaw: transaction.executeRaw.bind(transaction),
        executeScript,
        startTransaction: () => Promise.reject(new Error('a migration is one transaction already')),
        getConnectionInfo: () => pool.getConnectionInfo(),
        dispose: async () => {},
      })
      await executeScript('COMMIT')
      await transaction.commit()
      return result
    } catch (error) {
      await executeScript('ROLLBACK').catch(() => {})
      await transaction.rollback()
      throw error
    }
  } finally {
    await pool.dispose()
  }
}
