import { accessSync, closeSync, constants, mkdirSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { isBusy, keepConnection, type SqliteClient, setPragmas } from './sqlite-adapter-client.ts'
import { type SqliteConnection, sqliteConnection } from './sqlite-connection.ts'

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
