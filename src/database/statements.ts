/**
 * Statements written by hand, for what is asked most. They go to the driver adapter that Prisma itself
 * goes to, so connection, locks and errors are the same, and past Prisma's interpreter, which costs 0.2 to
 * 0.4 ms of the one thread for each query where the read itself takes 0.01. All else is Prisma's.
 */
import type { ArgType, SqlDriverAdapter, SqlQueryable, SqlResultSet } from '@prisma/driver-adapter-utils'
import { ColumnTypeEnum } from '@prisma/driver-adapter-utils'
import type { Provider } from './client.ts'
import { groupCommits } from './group-commit.ts'

/** What a statement is given for `$1`, `$2` and so on. */
export type Value = string | number | Date | null

/**
 * Runs one statement.
 *
 * @param sql understood by both kinds of database; the same text is prepared once
 * @returns its rows, with times as dates; none for a change without RETURNING
 */
export type Run = <Row>(sql: string, values: readonly Value[]) => Promise<Row[]>

/** Statements by hand; what is written is durable once its promise is fulfilled. */
export interface Statements {
  provider: Provider
  /** Reads what is committed. */
  read: Run
  /** Makes one change. */
  change: Run
  /** Makes changes that happen whole or not at all. `work` waits for nothing but its own statements. */
  transaction<T>(work: (run: Run) => Promise<T>): Promise<T>
}

/** @param adapter the one that Prisma's client works on */
export function statements(adapter: SqlDriverAdapter, provider: Provider): Statements {
  const run = runner(provider)
  const read: Run = <Row>(sql: string, values: readonly Value[]) =>
    run<Row>(adapter, sql, values).catch(known)
  if (provider === 'sqlite') {
    const enter = groupCommits(adapter)
    return {
      provider,
      read,
      change: <Row>(sql: string, values: readonly Value[]) =>
        enter(tx => run<Row>(tx, sql, values), { single: true }).catch(known),
      transaction: work => enter(tx => work((sql, values) => run(tx, sql, values))).catch(known),
    }
  }
  return {
    provider,
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

/**
 * The columns of a model as its rows have them in TypeScript.
 *
 * @param fields names of the model
 * @param table what the statement calls the table
 */
export function columns(fields: readonly string[], table: string): string {
  return fields.map(field => `${table}.${column(field)} AS "${field}"`).join(', ')
}

/** The column of a field: prisma/models.prisma maps all of them alike. */
export const column = (field: string) => field.replace(/[A-Z]/g, letter => `_${letter.toLowerCase()}`)

function runner(provider: Provider) {
  // SQLite takes `$1` for a name, and `?1` for what PostgreSQL calls `$1`.
  const dialect = (sql: string) => (provider === 'sqlite' ? sql.replace(/\$(?=\d)/g, '?') : sql)
  const texts = new Map<string, { sql: string; name: string }>()
  function textOf(sql: string) {
    const found = texts.get(sql)
    if (found) return found
    const text = { sql: dialect(sql), name: `latchkey ${texts.size}` }
    texts.set(sql, text)
    return text
  }
  return async <Row>(to: SqlQueryable, sql: string, values: readonly Value[]): Promise<Row[]> => {
    const query: Named = { ...textOf(sql), args: [...values], argTypes: values.map(typeOf) }
    return rowsOf<Row>(await to.queryRaw(query))
  }
}

/** The name under which PostgreSQL keeps the statement prepared: see client.ts. */
export type Named = Parameters<SqlQueryable['queryRaw']>[0] & { name?: string }

const TEXT: ArgType = { scalarType: 'string', arity: 'scalar' }
const NUMBER: ArgType = { scalarType: 'int', arity: 'scalar' }
const TIME: ArgType = { scalarType: 'datetime', arity: 'scalar' }

function typeOf(value: Value): ArgType {
  if (typeof value === 'number') return NUMBER
  return value instanceof Date ? TIME : TEXT
}

function rowsOf<Row>({ columnNames, columnTypes, rows }: SqlResultSet): Row[] {
  return rows.map(values => {
    const row: Record<string, unknown> = {}
    for (const [index, name] of columnNames.entries()) {
      const value = values[index]
      const isTime = columnTypes[index] === ColumnTypeEnum.DateTime && value !== null
      row[name] = isTime ? new Date(value as string) : value
    }
    return row as Row
  })
}

/** As Prisma's client says it, for those who tell errors apart by code. */
const CODES: Record<string, string> = {
  DatabaseNotReachable: 'P1001',
  SocketTimeout: 'P1008',
  ConnectionClosed: 'P1017',
  UniqueConstraintViolation: 'P2002',
  TransactionWriteConflict: 'P2034',
  TooManyConnections: 'P2037',
}

/** @throws what was thrown, always, with the code that Prisma's client would have given it */
function known(error: unknown): never {
  const code = CODES[(error as { cause?: { kind?: string } }).cause?.kind ?? '']
  if (code !== undefined) Object.assign(error as object, { code })
  throw error
}
