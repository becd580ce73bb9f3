/** Prisma's driver adapter for the SQLite connection that hot statements share. */
import {
  type ArgType,
  type ColumnType,
  ColumnTypeEnum,
  DriverAdapterError,
  type MappedError,
  type SqlDriverAdapter,
  type SqlDriverAdapterFactory,
  type SqlQuery,
  type SqlQueryable,
} from '@prisma/driver-adapter-utils'
import { type ResultSet, type RunNow, type SqliteConnection, timeText } from './sqlite-connection.ts'

const NAME = { provider: 'sqlite', adapterName: 'latchkey-sqlite' } as const

/** Prisma does not close the connection; its owner does. */
export function sqliteAdapter(connection: SqliteConnection): SqlDriverAdapterFactory {
  const adapter: SqlDriverAdapter = {
    ...queryable((sql, args) =>
      READING.test(sql) ? connection.alone(() => connection.run(sql, args)) : change(connection, sql, args),
    ),
    executeScript: script => connection.alone(() => connection.runScript(script)).catch(rethrow),
    async startTransaction(level) {
      if (level !== undefined && level !== 'SERIALIZABLE') {
        throw new DriverAdapterError({ kind: 'InvalidIsolationLevel', level })
      }
      const transaction = await connection.begin().catch(rethrow)
      return {
        ...queryable(async (sql, args) => transaction.run(sql, args)),
        // Makes Prisma call commit() and rollback() instead of sending statements.
        options: { usePhantomQuery: true },
        commit: async () => mapErrors(() => transaction.commit()),
        rollback: async () => transaction.rollback(),
      }
    },
    dispose: async () => {},
  }
  return { ...NAME, connect: async () => adapter }
}

const READING = /^\s*(SELECT|PRAGMA|EXPLAIN)\b/i

// Only `begin` waits for the lock. Two statements more cost a hundredth of the commit.
async function change(connection: SqliteConnection, ...statement: Parameters<RunNow>): Promise<ResultSet> {
  const transaction = await connection.begin()
  try {
    const result = transaction.run(...statement)
    transaction.commit()
    return result
  } catch (error) {
    transaction.rollback()
    throw error
  }
}

function queryable(run: (...statement: Parameters<RunNow>) => Promise<ResultSet>): SqlQueryable {
  const perform = ({ sql, args, argTypes }: SqlQuery) =>
    run(
      sql,
      args.map((arg, index) => bindable(arg, argTypes[index])),
    ).catch(rethrow)
  return {
    ...NAME,
    async queryRaw(query) {
      const { columns, columnTypes, rows } = await perform(query)
      return {
        columnNames: [...columns],
        columnTypes: columnTypes.map((declared, index) => TYPES[declared] ?? typeOf(rows, index)),
        rows,
      }
    },
    executeRaw: async query => (await perform(query)).rowsAffected,
  }
}

/** Types that Prisma's migrations declare. https://www.prisma.io/docs/orm/overview/databases/sqlite */
const TYPES: Record<string, ColumnType> = {
  TEXT: ColumnTypeEnum.Text,
  BOOLEAN: ColumnTypeEnum.Boolean,
  INTEGER: ColumnTypeEnum.Int32,
  BIGINT: ColumnTypeEnum.Int64,
  REAL: ColumnTypeEnum.Double,
  DECIMAL: ColumnTypeEnum.Numeric,
  DATETIME: ColumnTypeEnum.DateTime,
  JSONB: ColumnTypeEnum.Json,
  BLOB: ColumnTypeEnum.Bytes,
}

/** Infers the type of an expression from its first value. */
function typeOf(rows: readonly unknown[][], index: number): ColumnType {
  const value = rows.find(row => row[index] !== null)?.[index]
  if (typeof value === 'string') return ColumnTypeEnum.Text
  if (value instanceof Uint8Array) return ColumnTypeEnum.Bytes
  return value === undefined ? ColumnTypeEnum.Int32 : ColumnTypeEnum.UnknownNumber
}

/** SQLite has neither booleans nor times. */
function bindable(arg: unknown, type: ArgType | undefined): unknown {
  if (arg === undefined) throw new TypeError('undefined cannot be bound')
  if (typeof arg === 'boolean') return Number(arg)
  if (typeof arg === 'string') {
    if (type?.scalarType === 'datetime') return timeText(new Date(arg))
    if (type?.scalarType === 'bigint') return BigInt(arg)
    if (type?.scalarType === 'decimal') return Number.parseFloat(arg)
    if (type?.scalarType === 'bytes') return Buffer.from(arg, 'base64')
  }
  return arg instanceof Date ? timeText(arg) : arg
}

function mapErrors<T>(step: () => T): T {
  try {
    return step()
  } catch (error) {
    return rethrow(error)
  }
}

interface LibsqlError {
  code: string
  rawCode?: number
  message: string
}

function rethrow(error: unknown): never {
  const { code, rawCode, message } = error as LibsqlError
  if (typeof code !== 'string') throw error
  throw new DriverAdapterError({
    ...mapped(rawCode ?? 1, message),
    originalCode: String(rawCode),
    originalMessage: message,
  })
}

/** By extended result code. https://sqlite.org/rescode.html */
function mapped(code: number, message: string): MappedError {
  const failed = message.split('constraint failed: ')[1]?.split(', ')
  const fields = failed?.map(column => column.split('.').pop() ?? column)
  const constraint = fields && { constraint: { fields } }
  // UNIQUE and PRIMARYKEY; below NOTNULL, FOREIGNKEY and TRIGGER
  if (code === 2067 || code === 1555) return { kind: 'UniqueConstraintViolation', ...constraint }
  if (code === 1299) return { kind: 'NullConstraintViolation', ...constraint }
  if (code === 787 || code === 1811) {
    return { kind: 'ForeignKeyConstraintViolation', constraint: { foreignKey: {} } }
  }
  if ((code & 0xff) === 5) return { kind: 'SocketTimeout' }
  const table = /^no such table: (.*)/.exec(message)?.[1]
  if (table !== undefined) return { kind: 'TableDoesNotExist', table }
  const column = /(?:no such column: |has no column named )(.*)/.exec(message)?.[1]
  if (column !== undefined) return { kind: 'ColumnNotFound', column }
  return { kind: 'sqlite', extendedCode: code, message }
}
