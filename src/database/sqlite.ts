/** SQLite: one connection to a file, shared by Prisma and hot statements. */
import { accessSync, closeSync, constants, mkdirSync, openSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { sqlitePath } from '../shared/sqlite-url.ts'
import { sqliteStatements } from './group-commit.ts'
import type { MigrationConnection, OpenDatabase } from './sql.ts'
import { sqliteAdapter } from './sqlite-adapter.ts'
import { type ResultSet, type SqliteConnection, sqliteConnection, whileBusy } from './sqlite-connection.ts'

/** Milliseconds that a write waits for another process. */
const BUSY_TIMEOUT = 5000

/**
 * Opens the file in WAL mode. Creates a missing file (mode 0600) and folder (mode 0700).
 * @param busyTimeout milliseconds that a write waits for another process
 * @throws Error that names the file or folder without write permission
 */
export async function openConnection(
  databaseUrl: string,
  busyTimeout: number = BUSY_TIMEOUT,
): Promise<SqliteConnection> {
  const path = resolve(sqlitePath(databaseUrl))
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  makeFile(path)
  assertWritable(path)
  const connection = sqliteConnection(path, busyTimeout)
  try {
    await whileBusy(performance.now() + BUSY_TIMEOUT, () => {
      const { rows } = connection.run('PRAGMA journal_mode = WAL')
      if (rows[0]?.[0] !== 'wal') throw new Error(`SQLite cannot use WAL here: journal mode ${rows[0]?.[0]}`)
    })
  } catch (error) {
    connection.close()
    throw error
  }
  return connection
}

export async function openSqlite(
  databaseUrl: string,
  busyTimeout: number = BUSY_TIMEOUT,
): Promise<OpenDatabase> {
  const { PrismaClient } = await import('../generated/sqlite/client.ts')
  const connection = await openConnection(databaseUrl, busyTimeout)
  const client = new PrismaClient({
    adapter: sqliteAdapter(connection),
    errorFormat: 'minimal',
    // Transactions queue for the one connection.
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

// An existing file is not opened: closing any descriptor of it drops all locks of this process
// (https://sqlite.org/howtocorrupt.html, section 2.2).
function makeFile(path: string): void {
  try {
    closeSync(openSync(path, 'wx', 0o600))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
}

// SQLite opens a read-only file and fails at the first write. The folder must be writable for the WAL.
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

/** Runs queries on a separate connection, outside any transaction. Creates a missing file. */
export async function withConnection<T>(
  databaseUrl: string,
  work: (connection: MigrationConnection) => Promise<T>,
): Promise<T> {
  const connection = await openConnection(databaseUrl)
  try {
    return await work(migrationConnection(sql => connection.alone(() => connection.run(sql)), connection))
  } finally {
    connection.close()
  }
}

const migrationConnection = (
  run: (sql: string) => ResultSet | Promise<ResultSet>,
  connection: SqliteConnection,
): MigrationConnection => ({
  async query(sql) {
    const { columns, rows } = await run(sql)
    return rows.map(row => Object.fromEntries(columns.map((column, i) => [column, row[i]])))
  },
  execute: async script => connection.runScript(script),
})

/**
 * Runs `work` in one transaction that excludes other writers. An error or crash rolls it back.
 * @param waitMs milliseconds to wait for the lock
 */
export async function inMigrationTransaction<T>(
  databaseUrl: string,
  waitMs: number,
  work: (connection: MigrationConnection) => Promise<T>,
): Promise<T> {
  const connection = await openConnection(databaseUrl, waitMs)
  try {
    // The DROP TABLE of a redefined table would cascade. Foreign keys cannot be turned off inside a
    // transaction; they are checked before the commit.
    // https://www.sqlite.org/lang_altertable.html#otheralter
    connection.run('PRAGMA foreign_keys = OFF')
    const transaction = await connection.begin()
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
    // Also rolls back.
    connection.close()
  }
}
