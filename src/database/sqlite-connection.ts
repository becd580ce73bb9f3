/**
 * One connection to a SQLite file by libsql's own driver, with its statements kept prepared.
 *
 * `@libsql/client` prepares anew at every call and asks for the columns twice: 90 µs a call, of which the
 * work itself is 13. Prisma runs on this connection too, so all its queries gain by it.
 */
import Libsql from 'libsql'

/** What Prisma's adapter reads of an answer. */
export interface ResultSet {
  columns: string[]
  /** As declared, `''` for an expression. */
  columnTypes: string[]
  rows: unknown[][]
  rowsAffected: number
}

/** Everything on it happens at once, in the turn of the event loop that asks for it. */
export interface SqliteConnection {
  /** @param sql one statement, with `?`, or `$1`, `$2` and so on, for what `args` holds */
  run(sql: string, args: unknown[]): ResultSet
  runScript(script: string): void
  /** Opens another connection in place of this one, whose statements are forgotten. */
  reconnect(): void
  close(): void
}

interface Prepared {
  statement: Libsql.Statement<unknown[][]>
  /** Undefined where there is no answer but a count. */
  head: Pick<ResultSet, 'columns' | 'columnTypes'> | undefined
}

/** Far more than the service has; lists of ids make new ones for ever. */
const STATEMENTS = 256

/** What may be kept: what neither changes the schema nor answers differently each time it is prepared. */
const KEPT = /^\s*(SELECT|INSERT|UPDATE|DELETE|WITH|BEGIN|COMMIT|ROLLBACK|SAVEPOINT|RELEASE)\b/i

/**
 * @param path as SQLite takes it
 * @param timeout how long a statement waits for another process, in milliseconds
 */
export function sqliteConnection(path: string, timeout: number): SqliteConnection {
  let connection: Libsql.Database | undefined = open()
  const prepared = new Map<string, Prepared>()

  function open() {
    return new Libsql(path, { timeout } as Libsql.Options)
  }

  function prepare(sql: string): Prepared {
    const found = prepared.get(sql)
    if (found) return found
    if (connection === undefined) throw new Error('The connection is closed')
    // SQLite takes `$1` for a name, and `?1` for what PostgreSQL calls `$1`.
    const statement = connection.prepare<unknown[][]>(sql.replace(/\$(?=\d)/g, '?'))
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

  function run(sql: string, args: unknown[]): ResultSet {
    try {
      const { statement, head } = prepare(sql)
      // all() and never get(), which leaves the statement, and with it a view of the past, open.
      if (head) return { ...head, rows: statement.all(args) as unknown[][], rowsAffected: 0 }
      return { columns: [], columnTypes: [], rows: [], rowsAffected: statement.run(args).changes }
    } catch (error) {
      // One that failed half way is left to the garbage collector, which resets it.
      prepared.delete(sql)
      throw error
    }
  }

  function close() {
    prepared.clear()
    connection?.close()
    connection = undefined
  }

  return {
    run,
    runScript(script) {
      if (connection === undefined) throw new Error('The connection is closed')
      connection.exec(script)
    },
    reconnect() {
      close()
      connection = open()
    },
    close,
  }
}

function headOf(statement: Libsql.Statement<unknown[][]>) {
  const columns = statement.columns()
  return { columns: columns.map(({ name }) => name), columnTypes: columns.map(({ type }) => type ?? '') }
}
