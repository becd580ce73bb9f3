import { PrismaLibSql } from '@prisma/adapter-libsql'
import type { PrismaClient } from '../generated/sqlite/client.ts'
import { BUSY_TIMEOUT, openSqlite } from './client-sqlite.ts'
import { openPostgresql } from './postgresql.ts'
import type { Provider, Statements } from './sql.ts'
import { sqliteStatements } from './statements-sqlite.ts'

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
      ? await sqliteClient(databaseUrl, busyTimeout)
      : await openPostgresql(databaseUrl, onUnlimited)
  return { ...opened, provider }
}

/** A client of Prisma, and statements on the same connections. */
export type Opened = Omit<Database, 'provider'>

async function sqliteClient(databaseUrl: string, busyTimeout: number): Promise<Opened> {
  const { PrismaClient } = await import('../generated/sqlite/client.ts')
  const connection = await openSqlite(databaseUrl, busyTimeout)
  const factory = Object.assign(new PrismaLibSql({ url: databaseUrl }), { createClient: () => connection })
  const adapter = await factory.connect()
  // Transactions queue for the one connection, so they may wait as long as a statement may.
  const client = new PrismaClient({
    adapter: Object.assign(factory, { connect: async () => adapter }),
    errorFormat: 'minimal',
    transactionOptions: { maxWait: BUSY_TIMEOUT },
  })
  await client.$connect()
  return { client, statements: sqliteStatements(adapter, connection), close: () => client.$disconnect() }
}
