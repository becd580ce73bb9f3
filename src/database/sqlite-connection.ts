// One connection of libsql's driver, shared by Prisma and hot statements. It keeps statements prepared,
// because `@libsql/client` prepares each call anew (90 µs, against 13 µs for the work).
import { setTimeout as delay } from 'node:timers/promises'
import Libsql from 'libsql'

export interface ResultSet {
  columns: readonly string[]
  /** Declared types; `''` for an expression. */
  columnTypes: readonly string[]
  rows: unknown[][]
  rowsAffected: number
}

/** Runs one statement synchronously. */
export type RunNow = (
  /** `$1`, `$2` and so on, or `?`, stand for `args`. */
  sql: string,
  args?: readonly unknown[],
) => ResultSet

/** Everything but waiting for a turn or a lock is synchronous. */
export interface SqliteConnection {
  /** Runs as part of the open transaction, if there is one. */
  run: RunNow
  runScript(script: string): void
  /** When a caller that starts to wait now gives up, by `performance.now()`. */
  deadline(): number
  /**
   * Takes the write lock (BEGIN IMMEDIATE): a transaction that began as a reader cannot wait for it (BUSY_SNAPSHOT).
   * @param deadline until when to wait for another process; by default `deadline()`
   */
  begin(deadline?: number): Promise<SqliteTransaction>
  /** Runs a read-only step when no transaction is open: an open one may still roll back what the step would read. */
  alone<T>(step: () => T): Promise<T>
  close(): void
}

interface SqliteTransaction {
  /** Throws after the end of the transaction, because the statement would commit by itself. */
  run: RunNow
  commit(): void
  /** Has no effect after the end of the transaction. */
  rollback(): void
}

/** A time as Prisma stores it on SQLite, where it is text. */
export const timeText = (time: Date) => `${time.toISOString().slice(0, -1)}+00:00`

interface OpenTransaction {
  ended: Promise<void>
  end(): void
}

const PRAGMAS = ['PRAGMA synchronous = FULL', 'PRAGMA foreign_keys = ON']

/** Whether another connection holds a lock: BUSY, BUSY_RECOVERY or BUSY_SNAPSHOT. */
export const isBusy = (error: unknown): boolean =>
  error instanceof Error && 'rawCode' in error && (Number(error.rawCode) & 0xff) === 5

/** Longest pause between two attempts to get a lock, in milliseconds. An attempt takes 0.015 ms. */
const MAX_PAUSE = 50

/** Repeats a step that meets a lock of another process, without blocking the event loop. */
export async function whileBusy<T>(deadline: number, step: () => T): Promise<Awaited<T>> {
  for (let pause = 1; ; pause = Math.min(2 * pause, MAX_PAUSE)) {
    try {
      return await step()
    } catch (error) {
      if (!isBusy(error) || performance.now() >= deadline) throw error
    }
    await delay(pause * (0.5 + Math.random() / 2))
  }
}

/**
 * Opens the file at the first use.
 * @param path absolute, because libsql takes some relative paths for URLs
 * @param maxWait milliseconds that a caller waits for another process
 */
export function sqliteConnection(path: string, maxWait: number): SqliteConnection {
  let driver: Driver | undefined
  let isClosed = false
  let open: OpenTransaction | undefined
  let turn = Promise.resolve()

  function current(): Driver {
    if (isClosed) throw new Error('The connection is closed')
    if (driver === undefined) {
      const opened = preparingDriver(path)
      try {
        for (const pragma of PRAGMAS) opened.run(pragma, [])
      } catch (error) {
        opened.close()
        throw error
      }
      driver = opened
    }
    return driver
  }

  const deadline = () => performance.now() + maxWait

  function end() {
    const ended = open
    open = undefined
    ended?.end()
  }

  // libsql closes a connection only when its statements are garbage collected. Until then an open transaction
  // keeps its lock.
  function abandon() {
    try {
      driver?.run('ROLLBACK', [])
    } catch {
      // SQLite has already rolled back.
    }
    end()
  }

  // libsql leaves a prepared statement unfinished that met a lock: later writes seem to succeed and are never
  // committed (libsql-client-ts#350). `takeLock` cannot do that, so that only reads come here: they meet the lock of a
  // process that recovers the WAL after a crash.
  function replaceIfBusy(error: unknown): never {
    if (isBusy(error)) replace()
    throw error
  }

  // The next use opens the file again, so that a failure to do so lasts no longer than its cause.
  function replace() {
    abandon()
    const replaced = driver
    driver = undefined
    replaced?.close()
  }

  const run: RunNow = (sql, args = NONE) => {
    try {
      return current().run(sql, args)
    } catch (error) {
      return replaceIfBusy(error)
    }
  }

  return {
    run,
    runScript(script) {
      try {
        current().runScript(script)
      } catch (error) {
        replaceIfBusy(error)
      }
    },
    deadline,
    async begin(until = deadline()) {
      const before = turn
      const { promise, resolve } = deferred()
      turn = promise
      const ended = deferred()
      const own: OpenTransaction = {
        ended: ended.promise,
        end() {
          // In this order, so that waiting reads run before the next transaction.
          ended.resolve()
          resolve()
        },
      }
      await before
      try {
        // A caller whose deadline passed while it waited for its turn makes one attempt and fails.
        await whileBusy(until, () => {
          current().takeLock()
          open = own
        })
      } catch (error) {
        resolve()
        throw error
      }
      const within: RunNow = (sql, args) => {
        if (open !== own) throw new Error('The transaction is over')
        return run(sql, args)
      }
      return {
        run: within,
        commit() {
          try {
            within('COMMIT')
          } catch (error) {
            // An open transaction would swallow later writes.
            if (open === own) replace()
            throw error
          }
          end()
        },
        rollback() {
          if (open === own) abandon()
        },
      }
    },
    alone: step =>
      whileBusy(deadline(), async () => {
        // The step must run in the same turn, because the next transaction may begin right after.
        while (open !== undefined) await open.ended
        return step()
      }),
    close() {
      replace()
      isClosed = true
    },
  }
}

function deferred() {
  let resolve = () => {}
  const promise = new Promise<void>(resolver => {
    resolve = resolver
  })
  return { promise, resolve }
}

interface Prepared {
  statement: Libsql.Statement<unknown[][]>
  /** Undefined for a statement that returns no rows. */
  head: Pick<ResultSet, 'columns' | 'columnTypes'> | undefined
}

const NONE: readonly unknown[] = []

/** Many more than the service has; lists of ids create new ones without end. */
const STATEMENTS = 256

/** Statements that neither change the schema nor depend on when they are prepared. */
const PREPARABLE = /^\s*(SELECT|INSERT|UPDATE|DELETE|WITH|BEGIN|COMMIT|ROLLBACK|SAVEPOINT|RELEASE)\b/i

type Driver = ReturnType<typeof preparingDriver>

// SQLite itself does not wait for a lock (no busy timeout), because that blocks the event loop.
function preparingDriver(path: string) {
  const driver = openDriver(path)
  const prepared = new Map<string, Prepared>()

  function prepare(sql: string): Prepared {
    const found = prepared.get(sql)
    if (found) return found
    // SQLite reads `$1` as a name; `?1` is its numbered form.
    const statement = driver.prepare<unknown[][]>(sql.replace(/\$(?=\d)/g, '?'))
    // The driver's raw() throws for statements without rows.
    const head = statement.reader ? headOf(statement.raw(true)) : undefined
    const entry = { statement, head }
    if (PREPARABLE.test(sql)) {
      const [oldest] = prepared.keys()
      if (prepared.size >= STATEMENTS && oldest !== undefined) prepared.delete(oldest)
      prepared.set(sql, entry)
    }
    return entry
  }

  return {
    run(sql: string, args: readonly unknown[]): ResultSet {
      try {
        const { statement, head } = prepare(sql)
        const values = args as unknown[][]
        // all() and never get(), which keeps the statement and its old snapshot open.
        if (head === undefined) {
          return { columns: [], columnTypes: [], rows: [], rowsAffected: statement.run(values).changes }
        }
        const { columns, columnTypes } = head
        return { columns, columnTypes, rows: statement.all(values) as unknown[][], rowsAffected: 0 }
      } catch (error) {
        // The garbage collector resets a statement that failed.
        prepared.delete(sql)
        throw error
      }
    },
    // Unlike a prepared statement, exec() finishes a statement that failed. It is as fast.
    takeLock: () => void driver.exec('BEGIN IMMEDIATE'),
    runScript: (script: string) => void driver.exec(script),
    close() {
      prepared.clear()
      if (driver.open) driver.close()
    },
  }
}

/** libsql names the result code of a failed opening only in the message. */
function openDriver(path: string) {
  try {
    return new Libsql(path)
  } catch (error) {
    throw Object.assign(error as Error, { code: 'SQLITE_CANTOPEN', rawCode: 14 })
  }
}

function headOf(statement: Libsql.Statement<unknown[][]>) {
  const columns = statement.columns()
  return { columns: columns.map(({ name }) => name), columnTypes: columns.map(({ type }) => type ?? '') }
}
