/**
 * On SQLite a statement by hand goes past Prisma's adapter too, whose locks, promises and guesses at types cost as
 * much again as the statement. The adapter's lock is kept for transactions: its own, Prisma's, and those of
 * group-commit.ts exclude each other, and what is read by hand meanwhile waits for their end.
 */
import type { SqlDriverAdapter } from '@prisma/driver-adapter-utils'
import { groupCommits } from './group-commit.ts'
import type { SqliteClient } from './sqlite-adapter-client.ts'
import { known, type Run, rowsOf, type Statements, type Value } from './statements.ts'

/**
 * @param adapter the one that Prisma's client works on
 * @param connection the one that the adapter works on
 */
export function sqliteStatements(adapter: SqlDriverAdapter, connection: SqliteClient): Statements {
  const enter = groupCommits(adapter, connection)
  const dialects = new Map<string, string>()
  function inDialect(sql: string): string {
    const found = dialects.get(sql)
    if (found !== undefined) return found
    // SQLite takes `$1` for a name, and `?1` for what PostgreSQL calls `$1`.
    const made = sql.replace(/\$(?=\d)/g, '?')
    dialects.set(sql, made)
    return made
  }

  const runBy =
    (run: SqliteClient['runNow']) =>
    <Row>(sql: string, values: readonly Value[]): Row[] => {
      const { columns, columnTypes, rows } = run(inDialect(sql), values.map(stored))
      return rowsOf(columns, index => columnTypes[index] === 'DATETIME', rows)
    }
  const runNow = runBy(connection.runNow)
  const runWithin = runBy(connection.runWithin)

  async function read<Row>(sql: string, values: readonly Value[]): Promise<Row[]> {
    // What it would see of one may yet be undone.
    while (connection.inTransaction()) await connection.afterTransaction()
    return runNow(sql, values)
  }

  const within: Run = async (sql, values) => runWithin(sql, values)

  return {
    provider: 'sqlite',
    read: <Row>(sql: string, values: readonly Value[]) => read<Row>(sql, values).catch(known),
    change: <Row>(sql: string, values: readonly Value[]) =>
      enter(() => within<Row>(sql, values), { single: true }).catch(known),
    transaction: work => enter(() => work(within)).catch(known),
  }
}

/** As Prisma writes a time. */
function stored(value: Value): Value {
  return value instanceof Date ? value.toISOString().replace('Z', '+00:00') : value
}
