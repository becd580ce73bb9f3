/**
 * On SQLite a statement by hand goes past Prisma's adapter too, whose locks, promises and guesses at types cost as
 * much again as the statement. The adapter's lock is kept for transactions: its own, Prisma's, and those of
 * group-commit.ts exclude each other, and what is read by hand meanwhile waits for their end.
 */
import type { SqlDriverAdapter } from '@prisma/driver-adapter-utils'
import { groupCommits } from './group-commit.ts'
import type { Run, Statements, Value } from './sql.ts'
import type { SqliteClient } from './sqlite-adapter-client.ts'

/**
 * @param adapter the one that Prisma's client works on
 * @param connection the one that the adapter works on
 */
export function sqliteStatements(adapter: SqlDriverAdapter, connection: SqliteClient): Statements {
  const enter = groupCommits(adapter, connection)

  const runBy =
    (run: SqliteClient['runNow']) =>
    <Row>(sql: string, values: readonly Value[]): Row[] => {
      const { columns, columnTypes, rows } = run(sql, values.map(stored))
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
    read,
    change: <Row>(sql: string, values: readonly Value[]) =>
      enter(() => within<Row>(sql, values), { single: true }),
    changeAll: changes =>
      enter(async () => {
        for (const [sql, values] of changes) runWithin(sql, values)
      }),
    transaction: work => enter(() => work(within)),
  }
}

/** As Prisma writes a time. */
function stored(value: Value): Value {
  return value instanceof Date ? value.toISOString().replace('Z', '+00:00') : value
}

/**
 * Rows as the models have them.
 *
 * @param names of their columns
 * @param isTime whether a column holds times, by its index; the driver has them as text
 */
function rowsOf<Row>(
  names: readonly string[],
  isTime: (index: number) => boolean,
  rows: readonly (readonly unknown[])[],
): Row[] {
  return rows.map(values => {
    const row: Record<string, unknown> = {}
    for (const [index, name] of names.entries()) {
      const value = values[index]
      row[name] = value !== null && isTime(index) ? new Date(value as string) : value
    }
    return row as Row
  })
}
