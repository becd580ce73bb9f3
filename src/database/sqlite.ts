/** SQLite: one connection to a file for Prisma and for hot statements. */
import { accessSync, closeSync, constants, mkdirSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { sqliteStatements } from './group-commit.ts'
import type { MigrationConnection, OpenDatabase } from './sql.ts'
import { sqliteAdapter } from './sqlite-adapter.ts'
import { isBusy, type RunNow, type SqliteConnection, sqliteConnection } from './sqlite-connection.ts'

/** How long a statement waits for another process that holds the file, in milliseconds. */
export const BUSY_TIMEOUT = 5000

/**
 * The path in a `file:` URL, as libsql will open it.
 *
 * @throws Error for a database in memory, which each connection would see anew and empty
 */
export function sqlitePath(databaseUrl: string): string {
  const path = decodeURIComponent(
    databaseUrl
      .replace(/^file:/, '')
      .replace(/^\/\/(localhost)?(?=\/)/, '')
      .replace(/[?#].*$/, ''),
  )
  if (path === '' || path.includes(':memory:')) {
    throw new Error(`DATABASE_URL must name a file, such as file:./data/latchkey.db: ${databaseUrl}`)
  }
  return path
}

/**
 * Opens the file, making it (mode 0600) and its folder (mode 0700) where they are missing, and puts it into WAL mode.
 *
 * @param busyTimeout how long a statement waits for another process, in milliseconds; the whole process waits with it
 * @throws Error naming the file or folder that this process may not write to
 */
export async function openConnection(
  databaseUrl: string,
  busyTimeout: number = BUSY_TIMEOUT,
): Promise<SqliteConnection> {
  const path = sqlitePath(databaseUrl)
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  makeFile(path)
  assertWritable(path)
  const connection = sqliteConnection(path, busyTimeout)
  try {
    await whileBusy(BUSY_TIMEOUT, async () => {
      const { rows } = connection.run('PRAGMA journal_mode = WAL')
      if (rows[0]?.[0] !== 'wal') throw new Error(`SQLite cannot use WAL here: journal mode ${rows[0]?.[0]}`)
    })
  } catch (error) {
    connection.close()
    throw error
  }
  return connection
}

/** Opens the file for Prisma and for hot statements. */
export async function openSqlite(
  databaseUrl: string,
  busyTimeout: number = BUSY_TIMEOUT,
): Promise<OpenDatabase> {
  const { PrismaClient } = await import('../generated/sqlite/client.ts')
  const connection = await openConnection(databaseUrl, busyTimeout)
  const client = new PrismaClient({
    adapter: sqliteAdapter(connection),
    errorFormat: 'minimal',
    // Transactions queue for the one connection, so they may wait as long as a statement may.
    transactionOptions: { maxWait: BUSY_TIMEOUT },
  })
  return {
    provider: 'sqlite',
    client,
    statements: sqliteStatements(connection),
    async close() {
      await client.$disconnect()
      connection.close()
    },
  }
}

/**
 * Makes the file for its owner alone. One that is there is not touched: to close any descriptor of it
 * drops the locks of every connection that this process has to it, and another process could then take
 * the WAL away from under them (https://sqlite.org/howtocorrupt.html, section 2.2).
 */
function makeFile(path: string): void {
  try {
    closeSync(openSync(path, 'wx', 0o600))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
}

/**
 * SQLite opens a file that it cannot write to, and fails at the first change; of a folder it says nothing at all.
 * The folder is for the WAL, which comes and goes.
 */
function assertWritable(path: string): void {
  for (const needed of [path, dirname(path)]) {
    try {
      accessSync(needed, constants.W_OK)
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      throw new Error(`the database cannot be written to: ${needed} is read-only for this process (${code})`)
    }
  }
}

/**
 * Runs a step again while another process holds the file. SQLite does not wait by itself where waiting could deadlock,
 * such as in the change to WAL.
 *
 * @param patience milliseconds
 */
export async function whileBusy<T>(patience: number, step: () => Promise<T>): Promise<T> {
  const deadline = performance.now() + patience
  for (;;) {
    try {
      return await step()
    } catch (error) {
      if (!isBusy(error) || performance.now() > deadline) throw error
    }
    await delay(20 + Math.random() * 30)
  }
}

/** Runs queries on a connection of their own, outside any transaction. Makes the file if it is missing. */
export async function withConnection<T>(
  databaseUrl: string,
  work: (connection: MigrationConnection) => Promise<T>,
): Promise<T> {
  const connection = await openConnection(databaseUrl)
  try {
    return await work(migrationConnection(connection.run, connection))
  } finally {
    connection.close()
  }
}

const migrationConnection = (run: RunNow, connection: SqliteConnection): MigrationConnection => ({
  async query(sql) {
    const { columns, rows } = run(sql)
    return rows.map(row => Object.fromEntries(columns.map((column, i) => [column, row[i]])))
  },
  execute: async script => connection.runScript(script),
})

/**
 * Runs `work` in one transaction that keeps every other writing process out from its start to its end. If it throws, or
 * if this process dies, the database is as it was, and the lock is gone.
 *
 * @param patience how long to wait for the lock, in milliseconds
 */
export async function inMigrationTransaction<T>(
  databaseUrl: string,
  patience: number,
  work: (connection: MigrationConnection) => Promise<T>,
): Promise<T> {
  // Waiting blocks the event loop, so it is done in short steps.
  const connection = await openConnection(databaseUrl, 1000)
  try {
    const transaction = await whileBusy(patience, () => {
      // With foreign keys on, the DROP TABLE of a redefined table would delete, by ON DELETE CASCADE, the rows of
      // others that refer to it, and inside a transaction they cannot be turned off. They are checked before the
      // commit instead: https://www.sqlite.org/lang_altertable.html#otheralter
      connection.run('PRAGMA foreign_keys = OFF')
      return connection.begin()
    })
    const result = await work(migrationConnection(transaction.run, connection))
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
