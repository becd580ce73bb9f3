/**
 * What Prisma's adapter for libsql takes for a client: one connection that is kept for its whole life, and replaced
 * where libsql would go wrong. Statements by hand are run on it too, past the adapter.
 */
import type { PrismaLibSql } from '@prisma/adapter-libsql'
import type { ResultSet, SqliteConnection } from './sqlite-connection.ts'

/** The libsql client that the adapter works on. */
export type LibsqlClient = ReturnType<PrismaLibSql['createClient']>
type Transaction = Awaited<ReturnType<LibsqlClient['transaction']>>
type Statement = Parameters<Transaction['execute']>[0]

/** That client, which can also be asked at once, past the adapter and its lock. */
export type SqliteClient = LibsqlClient & {
  /** Runs one statement at once: as a part of the transaction that is open, if one is. */
  runNow: SqliteConnection['run']
  /** The same, but only as a part of a transaction: after its end it would be committed by itself. */
  runWithin: SqliteConnection['run']
  inTransaction(): boolean
  /** Fulfilled once the transaction that is open has ended, before the next one begins. */
  afterTransaction(): Promise<void>
}

const CONNECTION_PRAGMAS = ['PRAGMA synchronous = FULL', 'PRAGMA foreign_keys = ON']

/** Sets what belongs to each connection. */
export function setPragmas(connection: SqliteConnection): void {
  for (const pragma of CONNECTION_PRAGMAS) connection.run(pragma, [])
}

/** Whether this is SQLite saying that another connection holds the lock. */
export const isBusy = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'SQLITE_BUSY'

/**
 * libsql leaves a statement that met a lock unfinished, so that later writes on the connection seem to
 * succeed and are never committed (libsql-client-ts#350). Here a connection that met a lock is replaced.
 * Transactions run on the one connection, which is safe because the adapter lets nothing else run
 * beside them, and take the write lock at their start, as a reader that turns writer cannot wait for it.
 */
export function keepConnection(connection: SqliteConnection): SqliteClient {
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

  function runWithin(sql: string, args: unknown[]): ResultSet {
    if (open === undefined) throw new Error('The transaction is over')
    return runNow(sql, args)
  }

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
    runWithin,
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

/** As the adapter passes them. */
function partsOf(statement: Statement): [sql: string, args: unknown[]] {
  if (typeof statement === 'string') return [statement, []]
  const args = (statement.args ?? []) as unknown[]
  return [statement.sql, args.map(bindable)]
}

/** SQLite has no booleans. */
function bindable(value: unknown): unknown {
  if (value === undefined) throw new TypeError('undefined cannot be bound')
  return typeof value === 'boolean' ? Number(value) : value
}
