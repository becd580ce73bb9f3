import { accessSync, closeSync, constants, mkdirSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { PrismaLibSql } from '@prisma/adapter-libsql'
import { type ResultSet, type SqliteConnection, sqliteConnection } from './sqlite-connection.ts'

/** The libsql client that the adapter works on. */
export type LibsqlClient = ReturnType<PrismaLibSql['createClient']>
type Transaction = Awaited<ReturnType<LibsqlClient['transaction']>>
type Statement = Parameters<Transaction['execute']>[0]

/** That client, which can also be asked at once, past the adapter and its lock. */
export type SqliteClient = LibsqlClient & {
  /** Runs one statement at once: as a part of the transaction that is open, if one is. */
  runNow: SqliteConnection['run']
  inTransaction(): boolean
  /** Fulfilled once the transaction that is open has ended, before the next one begins. */
  afterTransaction(): Promise<void>
}

/** How long a statement waits for another process that holds the file, in milliseconds. */
export const BUSY_TIMEOUT = 5000

const CONNECTION_PRAGMAS = ['PRAGMA synchronous = FULL', 'PRAGMA foreign_keys = ON']

/** Whether this is SQLite saying that another connection holds the lock. */
export const isBusy = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'SQLITE_BUSY'

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
 * Opens the file, making it (mode 0600) and its folder (mode 0700) where they are missing, puts it
 * into WAL mode and sets what belongs to each connection.
 *
 * @returns a client that keeps one connection for its whole life, transactions included
 * @throws Error naming the file or folder that this process may not write to
 */
export async function openSqlite(databaseUrl: string, busyTimeout = BUSY_TIMEOUT): Promise<SqliteClient> {
  const path = sqlitePath(databaseUrl)
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  makeFile(path)
  assertWritable(path)
  const connection = sqliteConnection(path, busyTimeout)
  try {
    setPragmas(connection)
    await switchToWal(connection)
  } catch (error) {
    connection.close()
    throw error
  }
  return keepConnection(connection)
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
 * Runs a step again while another process holds the file. SQLite does not wait by itself where
 * waiting could deadlock, such as in the change to WAL.
 *
 * @param patience milliseconds
 */
export async function whileBusy<T>(
  client: { reconnect(): void | Promise<void> },
  patience: number,
  step: () => Promise<T>,
): Promise<T> {
  const deadline = performance.now() + patience
  for (;;) {
    try {
      return await step()
    } catch (error) {
      if (!isBusy(error) || performance.now() > deadline) throw error
      // The statement that met the lock is never finished otherwise: see keepConnection().
      await client.reconnect()
    }
    await delay(20 + Math.random() * 30)
  }
}

const switchToWal = (connection: SqliteConnection) =>
  whileBusy(connection, BUSY_TIMEOUT, async () => {
    const { rows } = connection.run('PRAGMA journal_mode = WAL', [])
    if (rows[0]?.[0] !== 'wal') throw new Error(`SQLite cannot use WAL here: journal mode ${rows[0]?.[0]}`)
    setPragmas(connection)
  })

function setPragmas(connection: SqliteConnection): void {
  for (const pragma of CONNECTION_PRAGMAS) connection.run(pragma, [])
}

/**
 * libsql leaves a statement that met a lock unfinished, so that later writes on the connection seem to
 * succeed and are never committed (libsql-client-ts#350). Here a connection that met a lock is replaced.
 * Transactions run on the one connection, which is safe because the adapter lets nothing else run
 * beside them, and take the write lock at their start, as a reader that turns writer cannot wait for it.
 */
function keepConnection(connection: SqliteConnection): SqliteClient {
  let open: OpenTransaction | undefined

  function end(): void {
    open?.end()
    open = undefined
  }

  /**
   * libsql closes a connection only when its statements have been collected as garbage, and until then a
   * transaction left open in it would keep its lock.
   */
  function abandon(): void {
    end()
    try {
      connection.run('ROLLBACK', [])
    } catch {
      // After some errors SQLite has rolled back by itself, and says that there is nothing to undo.
    }
  }

  function replace(): void {
    abandon()
    connection.reconnect()
    setPragmas(connection)
  }

  function orReplace<T>(step: () => T): T {
    try {
      return step()
    } catch (error) {
      if (isBusy(error)) replace()
      throw error
    }
  }

  const runNow = (sql: string, args: unknown[]): ResultSet => orReplace(() => connection.run(sql, args))

  async function transaction(): Promise<Transaction> {
    runNow('BEGIN IMMEDIATE', [])
    const own = openTransaction()
    open = own
    function run(sql: string, args: unknown[]): ResultSet {
      if (open !== own) throw new Error('The transaction is over')
      return runNow(sql, args)
    }
    return {
      execute: async (statement: Statement) => run(...partsOf(statement)),
      async commit() {
        try {
          run('COMMIT', [])
        } catch (error) {
          // Left open, it would swallow every later write.
          if (open === own) replace()
          throw error
        }
        end()
      },
      async rollback() {
        if (open === own) abandon()
      },
    } as unknown as Transaction
  }

  return {
    execute: async (statement: Statement) => runNow(...partsOf(statement)),
    executeMultiple: async (script: string) => orReplace(() => connection.runScript(script)),
    transaction,
    runNow,
    inTransaction: () => open !== undefined,
    afterTransaction: () => open?.ended ?? Promise.resolve(),
    reconnect: connection.reconnect,
    close() {
      abandon()
      connection.close()
    },
  } as unknown as SqliteClient
}

interface OpenTransaction {
  ended: Promise<void>
  end(): void
}

function openTransaction(): OpenTransaction {
  let end = () => {}
  const ended = new Promise<void>(resolve => {
    end = resolve
  })
  return { ended, end }
}

/** As the adapter passes them. SQLite has no booleans. */
function partsOf(statement: Statement): [sql: string, args: unknown[]] {
  if (typeof statement === 'string') return [statement, []]
  const args = (statement.args ?? []) as unknown[]
  return [statement.sql, args.map(value => (typeof value === 'boolean' ? Number(value) : value))]
}
