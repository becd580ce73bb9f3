// Hot statements: prepared SQL for the most frequent queries. Prisma's interpreter costs 0.2 to 0.4 ms of the
// event loop per query, a hot read 0.01 ms.
import type { Prisma, PrismaClient } from '../generated/sqlite/client.ts'

export type Provider = 'sqlite' | 'postgresql'

/** Returns the kind of database of a DATABASE_URL. Throws for another scheme. */
export function providerOf(databaseUrl: string): Provider {
  if (databaseUrl.startsWith('file:')) return 'sqlite'
  if (/^postgres(ql)?:\/\//.test(databaseUrl)) return 'postgresql'
  // Only the scheme is logged: the rest may contain a password.
  const scheme = /^[a-z][a-z0-9+.-]*:/i.exec(databaseUrl)?.[0] ?? 'none'
  throw new Error(`DATABASE_URL must start with file: or postgresql:// (its scheme is ${scheme})`)
}

/** An open database. `client` has SQLite's type; PostgreSQL's is compatible. */
export interface OpenDatabase {
  provider: Provider
  client: PrismaClient
  statements: Statements
  close(): Promise<void>
}

export interface MigrationConnection {
  /** Runs one statement without parameters. */
  query(sql: string): Promise<Record<string, unknown>[]>
  /** Runs any number of statements. */
  execute(script: string): Promise<void>
}

export type Value = string | number | Date | null

/** Runs one statement with `$1`, `$2` and so on. Returns its rows, with times as dates. */
export type Run = <Row>(sql: string, values: readonly Value[]) => Promise<Row[]>

export type Change = readonly [sql: string, values: readonly Value[]]

/** A promise for a write is fulfilled once the write is durable. */
export interface Statements {
  provider: Provider
  /** Reads committed rows. */
  read: Run
  change: Run
  /** All or nothing, in one round trip. No change sees the effect of another. */
  changeAll(changes: readonly Change[]): Promise<void>
  /** All or nothing. `work` must await nothing but its own statements. */
  transaction<T>(work: (run: Run) => Promise<T>): Promise<T>
}

/** Lists the columns of a model, named as its fields. `table` is the name in the statement. */
export function columns(fields: readonly string[], table: string): string {
  return fields.map(field => `${table}.${column(field)} AS "${field}"`).join(', ')
}

/** Column names are the snake_case of field names (prisma/models.prisma). */
export const column = (field: string) => field.replace(/[A-Z]/g, letter => `_${letter.toLowerCase()}`)

// For PostgreSQL: each statement but the last becomes a WITH query. They share one snapshot and do not see
// each other's effects.
export function joined(statements: readonly string[], counts: readonly number[]): string {
  let before = 0
  const parts = statements.map((sql, index) => {
    const offset = before
    before += counts[index] ?? 0
    return sql.replace(/\$(\d+)/g, (_, number) => `$${Number(number) + offset}`)
  })
  const last = parts.pop()
  return parts.length === 0
    ? `${last}`
    : `WITH ${parts.map((sql, i) => `part_${i} AS (${sql})`).join(', ')} ${last}`
}

/** Runs hot statements inside one of Prisma's transactions. */
export const runIn =
  (tx: Pick<Prisma.TransactionClient, '$queryRawUnsafe'>): Run =>
  (sql, values) =>
    tx.$queryRawUnsafe(sql, ...values)

/** Prisma's code, PostgreSQL's SQLSTATE, SQLite's CONSTRAINT_UNIQUE and CONSTRAINT_PRIMARYKEY. */
const UNIQUE_VIOLATIONS: unknown[] = ['P2002', '23505', 2067, 1555]

export function isUniqueViolation(error: unknown): boolean {
  const { code, rawCode } = (error ?? {}) as { code?: unknown; rawCode?: unknown }
  return UNIQUE_VIOLATIONS.includes(code) || UNIQUE_VIOLATIONS.includes(rawCode)
}

/** Awaits a write. Returns undefined if it violates a unique constraint. */
export async function undefinedOnConflict<T>(write: Promise<T>): Promise<T | undefined> {
  try {
    return await write
  } catch (error) {
    if (isUniqueViolation(error)) return undefined
    throw error
  }
}
