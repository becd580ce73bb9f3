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
  /** Writes, with one statement. PostgreSQL runs it again after a deadlock. */
  change: Run
  /** All or nothing, in one round trip. No change sees the effect of another. */
  changeAll(changes: readonly Change[]): Promise<void>
  /**
   * All or nothing. `work` must await nothing but its own statements, and change nothing but the database: PostgreSQL
   * runs it again after a deadlock.
   */
  transaction<T>(work: (run: Run) => Promise<T>): Promise<T>
}

/** Lists the columns of a model, named as its fields. `table` is the name in the statement. */
export function columns(fields: readonly string[], table: string): string {
  return fields.map(field => `${table}.${column(field)} AS "${field}"`).join(', ')
}

/** Column names are the snake_case of field names (prisma/models.prisma). */
export const column = (field: string) => field.replace(/[A-Z]/g, letter => `_${letter.toLowerCase()}`)

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
