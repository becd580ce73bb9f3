import { createHash } from 'node:crypto'
import type { ArgType, SqlDriverAdapter, SqlQueryable } from '@prisma/driver-adapter-utils'
import { ColumnTypeEnum } from '@prisma/driver-adapter-utils'
import { known, type Run, rowsOf, type Statements, type Value } from './statements.ts'

/** A query and the name under which PostgreSQL keeps it prepared: see client-postgresql.ts. */
export type Named = Parameters<SqlQueryable['queryRaw']>[0] & { name?: string }

/**
 * @param adapter the one that Prisma's client works on
 * @param named whether statements are kept prepared; not behind a pooler that gives each transaction any connection
 */
export function postgresqlStatements(adapter: SqlDriverAdapter, { named }: { named: boolean }): Statements {
  const names = new Map<string, string>()
  /**
   * A hash of the text: behind a pooler, processes of different releases share connections, and a counter gave one
   * name to different statements.
   */
  function nameOf(sql: string): string {
    const name = names.get(sql) ?? `latchkey_${createHash('sha256').update(sql).digest('hex').slice(0, 32)}`
    names.set(sql, name)
    return name
  }

  async function run<Row>(to: SqlQueryable, sql: string, values: readonly Value[]): Promise<Row[]> {
    const query: Named = { sql, args: [...values], argTypes: values.map(typeOf) }
    if (named) query.name = nameOf(sql)
    const { columnNames, columnTypes, rows } = await to.queryRaw(query)
    return rowsOf(columnNames, index => columnTypes[index] === ColumnTypeEnum.DateTime, rows)
  }

  const read: Run = <Row>(sql: string, values: readonly Value[]) =>
    run<Row>(adapter, sql, values).catch(known)

  return {
    provider: 'postgresql',
    read,
    change: read,
    async transaction(work) {
      const tx = await adapter.startTransaction().catch(known)
      try {
        const result = await work((sql, values) => run(tx, sql, values))
        await run(tx, 'COMMIT', [])
        await tx.commit()
        return result
      } catch (error) {
        await run(tx, 'ROLLBACK', []).catch(() => {})
        await tx.rollback()
        return known(error)
      }
    },
  }
}

const TEXT: ArgType = { scalarType: 'string', arity: 'scalar' }
const NUMBER: ArgType = { scalarType: 'int', arity: 'scalar' }
const TIME: ArgType = { scalarType: 'datetime', arity: 'scalar' }

function typeOf(value: Value): ArgType {
  if (typeof value === 'number') return NUMBER
  return value instanceof Date ? TIME : TEXT
}
