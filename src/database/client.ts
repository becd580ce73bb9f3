import { PrismaLibSql } from '@prisma/adapter-libsql'
import { PrismaPg } from '@prisma/adapter-pg'
import type { SqlDriverAdapter } from '@prisma/driver-adapter-utils'
import type { PrismaClient } from '../generated/sqlite/client.ts'
import { BUSY_TIMEOUT, openSqlite } from './client-sqlite.ts'
import { type Named, type Statements, statements } from './statements.ts'

/** Which kind of database a DATABASE_URL names. */
export type Provider = 'sqlite' | 'postgresql'

/** An open database. `client` is typed as SQLite's; PostgreSQL's is alike in all that is used here. */
export interface Database {
  client: PrismaClient
  /** On the same connections, past Prisma. */
  statements: Statements
  provider: Provider
  /** Closes every connection. Nothing of it may be used afterwards. */
  close(): Promise<void>
}

/** Limits of a PostgreSQL connection, in milliseconds; pg itself has none. */
const POSTGRESQL_LIMITS = {
  connectionTimeoutMillis: 3000,
  statement_timeout: 5000,
  lock_timeout: 2000,
  idle_in_transaction_session_timeout: 10_000,
}
const POOL_SIZE = 10

/** @throws Error if the URL is neither `file:` nor `postgresql:` (or `postgres:`) */
export function providerOf(databaseUrl: string): Provider {
  if (databaseUrl.startsWith('file:')) return 'sqlite'
  if (/^postgres(ql)?:\/\//.test(databaseUrl)) return 'postgresql'
  // The rest of the URL may hold a password, and this message goes to the log.
  const scheme = /^[a-z][a-z0-9+.-]*:/i.exec(databaseUrl)?.[0] ?? 'none'
  throw new Error(`DATABASE_URL must start with file: or postgresql:// (its scheme is ${scheme})`)
}

/**
 * What pg is given for a `postgresql:` URL. Parameters of the URL win over the limits here
 * (`?statement_timeout=0`); the size of the pool is `?connection_limit=`.
 */
export function postgresqlConfig(databaseUrl: string) {
  const parameters = new URL(databaseUrl).searchParams
  const limit = parameters.get('connection_limit')
  if (limit !== null && !/^[1-9]\d{0,3}$/.test(limit)) {
    throw new Error(`connection_limit in DATABASE_URL must be a whole number from 1 to 9999: ${limit}`)
  }
  const schema = parameters.get('schema')
  if (schema !== null && schema !== 'public') {
    throw new Error(`DATABASE_URL names the schema ${schema}; only public is supported`)
  }
  return {
    connectionString: databaseUrl,
    application_name: 'latchkey',
    keepAlive: true,
    max: limit === null ? POOL_SIZE : Number(limit),
    ...POSTGRESQL_LIMITS,
  }
}

/**
 * Opens the database. On SQLite the file and its folder are made if they are missing and the file is
 * opened at once; PostgreSQL is connected to by the first query, so this succeeds while the server
 * is away. It does not migrate: see migrate().
 *
 * @param databaseUrl `file:…` or `postgresql://…`
 * @param busyTimeout how long a statement on SQLite waits for another process, in milliseconds; the
 *   whole process waits with it
 * @throws Error for another scheme, or a file that cannot be opened
 */
export async function openDatabase(
  databaseUrl: string,
  { busyTimeout = BUSY_TIMEOUT }: { busyTimeout?: number } = {},
): Promise<Database> {
  const provider = providerOf(databaseUrl)
  const { client, adapter } =
    provider === 'sqlite' ? await sqliteClient(databaseUrl, busyTimeout) : await postgresqlClient(databaseUrl)
  return {
    client,
    statements: statements(adapter, provider),
    provider,
    close: () => client.$disconnect(),
  }
}

interface Opened {
  client: PrismaClient
  /** The one that the client works on. */
  adapter: SqlDriverAdapter
}

async function sqliteClient(databaseUrl: string, busyTimeout: number): Promise<Opened> {
  const { PrismaClient } = await import('../generated/sqlite/client.ts')
  const libsql = await openSqlite(databaseUrl, busyTimeout)
  const factory = Object.assign(new PrismaLibSql({ url: databaseUrl }), { createClient: () => libsql })
  const adapter = await factory.connect()
  // Transactions queue for the one connection, so they may wait as long as a statement may.
  const client = new PrismaClient({
    adapter: Object.assign(factory, { connect: async () => adapter }),
    errorFormat: 'minimal',
    transactionOptions: { maxWait: BUSY_TIMEOUT },
  })
  await client.$connect()
  return { client, adapter }
}

async function postgresqlClient(databaseUrl: string): Promise<Opened> {
  const { PrismaClient } = await import('../generated/postgresql/client.ts')
  // The adapter listens to the pool's errors, so that a connection cut while idle ends nothing.
  const factory = new PrismaPg(postgresqlConfig(databaseUrl), {
    // Prisma's own have no names: their texts vary with their lists, and each would be kept for ever.
    statementNameGenerator: query => (query as Named).name,
  } as PrismaPgOptions)
  const adapter = await factory.connect()
  const client = new PrismaClient({
    adapter: Object.assign(factory, { connect: async () => adapter }),
    errorFormat: 'minimal',
    transactionOptions: { maxWait: POSTGRESQL_LIMITS.connectionTimeoutMillis },
  })
  return { client: client as unknown as PrismaClient, adapter }
}

type PrismaPgOptions = NonNullable<ConstructorParameters<typeof PrismaPg>[1]>
