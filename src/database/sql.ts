/**
 * Hot statements: SQL that is prepared once, for what is asked most. Prisma's interpreter costs 0.2 to 0.4 ms of the
 * one thread for each query, where the read itself takes 0.01. All other queries are Prisma's.
 */
import type { Prisma, PrismaClient } from '../generated/sqlite/client.ts'

/** Which kind of database a DATABASE_URL names. */
export type Provider = 'sqlite' | 'postgresql'

/** @throws Error if the URL is neither `file:` nor `postgresql:` (or `postgres:`) */
export function providerOf(databaseUrl: string): Provider {
  if (databaseUrl.startsWith('file:')) return 'sqlite'
  if (/^postgres(ql)?:\/\//.test(databaseUrl)) return 'postgresql'
  // The rest of the URL may hold a password, and this message goes to the log.
  const scheme = /^[a-z][a-z0-9+.-]*:/i.exec(databaseUrl)?.[0] ?? 'none'
  throw new Error(`DATABASE_URL must start with file: or postgresql:// (its scheme is ${scheme})`)
}

/** An open database. `client` is typed as SQLite's; PostgreSQL's is alike in all that is used here. */
export interface OpenDatabase {
  provider: Provider
  client: PrismaClient
  /** On the same connections, past Prisma. */
  statements: Statements
  /** Closes every connection. Nothing of it may be used afterwards. */
  close(): Promise<void>
}

/** A connection that migrations are applied on. */
export interface MigrationConnection {
  /** Runs one statement without parameters and returns its rows. */
  query(sql: string): Promise<Record<string, unknown>[]>
  /** Runs a script of any number of statements. */
  execute(script: string): Promise<void>
}

/** What a statement is given for `$1`, `$2` and so on. */
export type Value = string | number | Date | null

/**
 * Runs one statement.
 *
 * @param sql understood by both kinds of database; the same text is prepared once
 * @returns its rows, with times as dates; none for a change without RETURNING
 */
export type Run = <Row>(sql: string, values: readonly Value[]) => Promise<Row[]>

/** A statement and its values. */
export type Change = readonly [sql: string, values: readonly Value[]]

/** Hot statements on one database; what is written is durable once its promise is fulfilled. */
export interface Statements {
  provider: Provider
  /** Reads what is committed. */
  read: Run
  /** Makes one change. */
  change: Run
  /** Makes changes whole or not at all, in one round trip: none of them sees what another one writes. */
  changeAll(changes: readonly Change[]): Promise<void>
  /** Makes changes that happen whole or not at all. `work` waits for nothing but its own statements. */
  transaction<T>(work: (run: Run) => Promise<T>): Promise<T>
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

/**
 * One statement of several, for PostgreSQL: each but the last becomes a WITH query. All share one snapshot, so none sees
 * what another one writes.
 *
 * @param statements each with `$1` and so on for its own values
 * @param counts how many values each of them has
 */
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

/** Runs statements as a part of a transaction of Prisma's, so that a primitive works in either kind. */
export const runIn =
  (tx: Pick<Prisma.TransactionClient, '$queryRawUnsafe'>): Run =>
  (sql, values) =>
    tx.$queryRawUnsafe(sql, ...values)

/** Prisma's code, PostgreSQL's SQLSTATE, and SQLite's CONSTRAINT_UNIQUE and CONSTRAINT_PRIMARYKEY. */
const UNIQUE_VIOLATIONS: unknown[] = ['P2002', '23505', 2067, 1555]

/** Whether a statement failed because a unique value is taken, by Prisma or by hand. */
export function isUniqueViolation(error: unknown): boolean {
  const { code, rawCode } = (error ?? {}) as { code?: unknown; rawCode?: unknown }
  return UNIQUE_VIOLATIONS.includes(code) || UNIQUE_VIOLATIONS.includes(rawCode)
}

/**
 * Waits for a write that inserts a row others may insert too.
 *
 * @returns its result, or undefined where a unique value was taken already
 */
export async function undefinedOnConflict<T>(write: Promise<T>): Promise<T | undefined> {
  try {
    return await write
  } catch (error) {
    if (isUniqueViolation(error)) return undefined
    throw error
  }
}
