import type { PrismaClient } from '../generated/sqlite/client.ts'
import { openPostgresql } from './postgresql.ts'
import type { Provider, Statements } from './sql.ts'
import { BUSY_TIMEOUT, openSqlite } from './sqlite.ts'

export type { Provider }

/** An open database. `client` is typed as SQLite's; PostgreSQL's is alike in all that is used here. */
export interface Database {
  client: PrismaClient
  /** On the same connections, past Prisma. */
  statements: Statements
  provider: Provider
  /** Closes every connection. Nothing of it may be used afterwards. */
  close(): Promise<void>
}

/** @throws Error if the URL is neither `file:` nor `postgresql:` (or `postgres:`) */
export function providerOf(databaseUrl: string): Provider {
  if (databaseUrl.startsWith('file:')) return 'sqlite'
  if (/^postgres(ql)?:\/\//.test(databaseUrl)) return 'postgresql'
  // The rest of the URL may hold a password, and this message goes to the log.
  const scheme = /^[a-z][a-z0-9+.-]*:/i.exec(databaseUrl)?.[0] ?? 'none'
  throw new Error(`DATABASE_URL must start with file: or postgresql:// (its scheme is ${scheme})`)
}

export interface OpenOptions {
  /** How long a statement on SQLite waits for another process, in milliseconds; the whole process waits with it. */
  busyTimeout?: number
  /** Is told once of time limits that the role of a PostgreSQL behind a pooler lacks. */
  onUnlimited?: (names: string[]) => void
}

/**
 * Opens the database. On SQLite the file and its folder are made if they are missing and the file is
 * opened at once; PostgreSQL is connected to by the first query, so this succeeds while the server
 * is away. It does not migrate: see migrate().
 *
 * @param databaseUrl `file:…` or `postgresql://…`
 * @throws Error for another scheme, or a file that cannot be opened
 */
export async function openDatabase(
  databaseUrl: string,
  { busyTimeout = BUSY_TIMEOUT, onUnlimited }: OpenOptions = {},
): Promise<Database> {
  const provider = providerOf(databaseUrl)
  const opened =
    provider === 'sqlite'
      ? await openSqlite(databaseUrl, busyTimeout)
      : await openPostgresql(databaseUrl, onUnlimited)
  return { ...opened, provider }
}

/** A client of Prisma, and statements on the same connections. */
export type Opened = Omit<Database, 'provider'>
