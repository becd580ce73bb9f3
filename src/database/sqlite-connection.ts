/**
 * One connection to a SQLite file by libsql's own driver, kept for the life of the process. Prisma and hot statements
 * run on it. It keeps statements prepared, lets one transaction at a time have it, and replaces itself where libsql
 * would go wrong. `@libsql/client` prepares anew at every call: 90 µs, of which the work itself is 13.
 */
import Libsql from 'libsql'

/** What a statement returned. */
export interface ResultSet {
  columns: readonly string[]
  /** As declared, `''` for an expression. */
  columnTypes: readonly string[]
  rows: unknown[][]
  rowsAffected: number
}

/** Runs one statement at once. */
export type RunNow = (
  /** With `?`, or `$1`, `$2` and so on, for what `args` holds. */
  sql: string,
  args?: readonly unknown[],
) => ResultSet

/** Everything but waiting happens at once, in the turn of the event loop that asks for it. */
export interface SqliteConnection {
  /** Runs one statement: as a part of the transaction that is open, if one is. */
  run: RunNow
  runScript(script: string): void
  /** Waits for its turn, and takes the write lock: a reader that turns writer could not wait for it. */
  begin(): Promise<SqliteTransaction>
  /** Takes a step once no transaction is open: what it would see of one may yet be undone. */
  alone<T>(step: () => T): Promise<T>
  close(): void
}

export interface SqliteTransaction {
  /** @throws Error where the transaction is over: the statement would be committed by itself */
  run: RunNow
  commit(): void
  /** Does nothing where the transaction is over. */
  rollback(): void
}

interface OpenTransaction {
  ended: Promise<void>
  end(): void
}

/** Of each connection. */
const PRAGMAS = ['PRAGMA synchronous = FULL', 'PRAGMA foreign_keys = ON']

/** Whether this is SQLite saying that another connection holds the lock. */
export const isBusy = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'SQLITE_BUSY'

/**
 * @param path as SQLite takes it
 * @param timeout how long a statement waits for another process, in milliseconds
 */
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

  /**
   * libsql closes a connection only when its statements have been collected as garbage, and until then a transaction
   * left open in it would keep its lock.
   */
  function abandon() {
    try {
      driver.run('ROLLBACK', [])
    } catch {
      // After some errors SQLite has rolled back by itself, and says that there is nothing to undo.
    }
    end()
  }

  /**
   * libsql leaves a statement that met a lock unfinished, so that later writes on the connection seem to succeed and
   * are never committed (libsql-client-ts#350).
   */
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
          // In this order: what waits to read comes before the next transaction.
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
            // Left open, it would swallow every later write.
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
      // The step is taken in the turn that found none open; the next one may begin right after that.
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
  /** Undefined where there is no answer but a count. */
  head: Pick<ResultSet, 'columns' | 'columnTypes'> | undefined
}

const NONE: readonly unknown[] = []

/** Far more than the service has; lists of ids make new ones for ever. */
const STATEMENTS = 256

/** What may be kept: what neither changes the schema nor answers differently each time it is prepared. */
const KEPT = /^\s*(SELECT|INSERT|UPDATE|DELETE|WITH|BEGIN|COMMIT|ROLLBACK|SAVEPOINT|RELEASE)\b/i

/** The driver with its statements kept prepared. */
function preparingDriver(path: string, timeout: number) {
  const driver = new Libsql(path, { timeout } as Libsql.Options)
  const prepared = new Map<string, Prepared>()

  function prepare(sql: string): Prepared {
    const found = prepared.get(sql)
    if (found) return found
    if (!driver.open) throw new Error('The connection is closed')
    // SQLite takes `$1` for a name, and `?1` for what PostgreSQL calls `$1`.
    const statement = driver.prepare<unknown[][]>(sql.replace(/\$(?=\d)/g, '?'))
    // The driver's raw() throws where a statement answers with no rows.
    const head = statement.reader ? headOf(statement.raw(true)) : undefined
    const made = { statement, head }
    if (KEPT.test(sql)) {
      const [oldest] = prepared.keys()
      if (prepared.size >= STATEMENTS && oldest !== undefined) prepared.delete(oldest)
      prepared.set(sql, made)
    }
    return made
  }

  return {
    run(sql: string, args: readonly unknown[]): ResultSet {
      try {
        const { statement, head } = prepare(sql)
        const values = args as unknown[][]
        // all() and never get(), which leaves the statement, and with it a view of the past, open.
        if (head === undefined) {
          return { columns: [], columnTypes: [], rows: [], rowsAffected: statement.run(values).changes }
        }
        const { columns, columnTypes } = head
        return { columns, columnTypes, rows: statement.all(values) as unknown[][], rowsAffected: 0 }
      } catch (error) {
        // One that failed half way is left to the garbage collector, which resets it.
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
