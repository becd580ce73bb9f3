/** SQLite: one connection to a file for Prisma and for hot statements. */
import { accessSync, closeSync, constants, mkdirSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Opened } from './client.ts'
import { groupCommits } from './group-commit.ts'
import type { Run, Statements, Value } from './sql.ts'
import { sqliteAdapter, timeText } from './sqlite-adapter.ts'
import {
  isBusy,
  type ResultSet,
  type RunNow,
  type SqliteConnection,
  sqliteConnection,
} from './sqlite-connection.ts'

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
export async function openSqlite(databaseUrl: string, busyTimeout: number): Promise<Opened> {
  const { PrismaClient } = await import('../generated/sqlite/client.ts')
  const connection = await openConnection(databaseUrl, busyTimeout)
  const client = new PrismaClient({
    adapter: sqliteAdapter(connection),
    errorFormat: 'minimal',
    // Transactions queue for the one connection, so they may wait as long as a statement may.
    transactionOptions: { maxWait: BUSY_TIMEOUT },
  })
  return {
    client,
    statements: sqliteStatements(connection),
    async close() {
      await client.$disconnect()
      connection.close()
    },
  }
}

/**
 * Hot statements go past Prisma's adapter, whose promises and guesses at types cost as much as the statement. A read
 * waits for the end of the transaction that is open, if one is: what it would see of it may yet be undone.
 */
export function sqliteStatements(connection: SqliteConnection): Statements {
  const enter = groupCommits(connection)
  const runBy =
    (run: RunNow): Run =>
    async <Row>(sql: string, values: readonly Value[]) =>
      rowsOf<Row>(run(sql, values.map(stored)))
  const runNow = runBy(connection.run)
  return {
    provider: 'sqlite',
    async read(sql, values) {
      await connection.idle()
      return runNow(sql, values)
    },
    change: (sql, values) => enter(run => runBy(run)(sql, values), { single: true }),
    changeAll: changes =>
      enter(async run => {
        for (const [sql, values] of changes) run(sql, values.map(stored))
      }),
    transaction: work => enter(run => work(runBy(run))),
  }
}

const stored = (value: Value) => (value instanceof Date ? timeText(value) : value)

/** Rows as the models have them; the driver has times as text. */
function rowsOf<Row>({ columns, columnTypes, rows }: ResultSet): Row[] {
  return rows.map(values => {
    const row: Record<string, unknown> = {}
    for (let i = 0; i < columns.length; i++) {
      const value = values[i]
      const isTime = value !== null && columnTypes[i] === 'DATETIME'
      row[columns[i] as string] = isTime ? new Date(value as string) : value
    }
    return row as Row
  })
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
