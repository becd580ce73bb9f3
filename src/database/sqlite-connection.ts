// One connection of libsql's driver, shared by Prisma and hot statements. It keeps statements prepared,
// because `@libsql/client` prepares each call anew (90 µs, against 13 µs for the work).
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

/** Everything but waiting for a turn is synchronous. */
export interface SqliteConnection {
  /** Runs as part of the open transaction, if there is one. */
  run: RunNow
  runScript(script: string): void
  /** Takes the write lock: SQLite does not let a reader wait for it. */
  begin(): Promise<SqliteTransaction>
  /** Runs a step while no transaction is open, because its changes might roll back. */
  alone<T>(step: () => T): Promise<T>
  close(): void
}

export interface SqliteTransaction {
  /** Throws after the end of the transaction, because the statement would commit by itself. */
  run: RunNow
  commit(): void
  /** Has no effect after the end of the transaction. */
  rollback(): void
}

interface OpenTransaction {
  ended: Promise<void>
  end(): void
}

const PRAGMAS = ['PRAGMA synchronous = FULL', 'PRAGMA foreign_keys = ON']

/** Whether another connection holds the lock. */
export const isBusy = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'SQLITE_BUSY'

// `timeout`: milliseconds that a statement waits for another process.
export function sqliteConnection(path: string, timeout: number): SqliteConnection {
  let driver = preparingDriver(path, timeout)
  let open: OpenTransaction | undefined
  let turn = Promise.resolve()
  setPragmas()

  function setPragmas() {
    for (const pragma of PRAGMAS) driver.run(pragma, [])
  }

  function end() {
    const ended = open
    open = undefined
    ended?.end()
  }

  // libsql closes a connection only when its statements are garbage collected. Until then an open transaction
  // keeps its lock.
  function abandon() {
    try {
      driver.run('ROLLBACK', [])
    } catch {
      // SQLite has already rolled back.
    }
    end()
  }

  // libsql leaves a statement unfinished that met a lock: later writes seem to succeed and are never
  // committed (libsql-client-ts#350).
  function replaceIfBusy(error: unknown): never {
    if (isBusy(error)) replace()
    throw error
  }

  function replace() {
    abandon()
    driver.close()
    driver = preparingDriver(path, timeout)
    setPragmas()
  }

  const run: RunNow = (sql, args = NONE) => {
    try {
      return driver.run(sql, args)
    } catch (error) {
      return replaceIfBusy(error)
    }
  }

  return {
    run,
    runScript(script) {
      try {
        driver.runScript(script)
      } catch (error) {
        replaceIfBusy(error)
      }
    },
    async begin() {
      const before = turn
      const { promise, resolve } = deferred()
      turn = promise
      await before
      try {
        run('BEGIN IMMEDIATE')
      } catch (error) {
        resolve()
        throw error
      }
      const ended = deferred()
      const own: OpenTransaction = {
        ended: ended.promise,
        end() {
          // In this order, so that waiting reads run before the next transaction.
          ended.resolve()
          resolve()
        },
      }
      open = own
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
    async alone(step) {
      // The step must run in the same turn, because the next transaction may begin right after.
      while (open !== undefined) await open.ended
      return step()
    },
    close() {
      abandon()
      driver.close()
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

function preparingDriver(path: string, timeout: number) {
  const driver = new Libsql(path, { timeout } as Libsql.Options)
  const prepared = new Map<string, Prepared>()

  function prepare(sql: string): Prepared {
    const found = prepared.get(sql)
    if (found) return found
    if (!driver.open) throw new Error('The connection is closed')
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
    runScript(script: string) {
      if (!driver.open) throw new Error('The connection is closed')
      driver.exec(script)
    },
    close() {
      prepared.clear()
      if (driver.open) driver.close()
    },
  }
}

function headOf(statement: Libsql.Statement<unknown[][]>) {
  const columns = statement.columns()
  return { columns: columns.map(({ name }) => name), columnTypes: columns.map(({ type }) => type ?? '') }
}
