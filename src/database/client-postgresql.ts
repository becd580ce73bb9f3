import { PrismaPg } from '@prisma/adapter-pg'
import type { SqlDriverAdapter, Transaction } from '@prisma/driver-adapter-utils'
import type { PrismaClient } from '../generated/sqlite/client.ts'
import type { Opened } from './client.ts'
import { outageOf } from './outage.ts'
import { type Named, postgresqlStatements } from './statements-postgresql.ts'

/** Limits of a PostgreSQL connection, in milliseconds; pg itself has none. */
const POSTGRESQL_LIMITS = {
  connectionTimeoutMillis: 3000,
  statement_timeout: 5000,
  lock_timeout: 2000,
  idle_in_transaction_session_timeout: 10_000,
}
const POOL_SIZE = 10

/**
 * The server's own limit on a statement is no use where the server hangs or the network is cut: this one is
 * ours, for answers that come from nowhere. Milliseconds; the server has a second to say it itself.
 */
const QUERY_TIMEOUT = 6000

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

/** Connects by the first query: this succeeds while the server is away. */
export async function postgresqlClient(databaseUrl: string): Promise<Opened> {
  const { PrismaClient } = await import('../generated/postgresql/client.ts')
  // The adapter listens to the pool's errors, so that a connection cut while idle ends nothing.
  const factory = new PrismaPg({ ...postgresqlConfig(databaseUrl), query_timeout: QUERY_TIMEOUT }, {
    // Prisma's own have no names: their texts vary with their lists, and each would be kept for ever.
    statementNameGenerator: query => (query as Named).name,
  } as PrismaPgOptions)
  const adapter = leaveBroken(await factory.connect())
  const client = new PrismaClient({
    adapter: Object.assign(factory, { connect: async () => adapter }),
    errorFormat: 'minimal',
    transactionOptions: { maxWait: POSTGRESQL_LIMITS.connectionTimeoutMillis },
  })
  return { client: client as unknown as PrismaClient, statements: postgresqlStatements(adapter) }
}

type PrismaPgOptions = NonNullable<ConstructorParameters<typeof PrismaPg>[1]>

/** What the adapter's transactions have, beside what their type says. */
type OnClient = Transaction & { client: { end(): Promise<void> } }

/**
 * Ends a connection on which a transaction met an outage. The adapter gives it back to the pool, where the next
 * would wait behind a statement that is never answered, or find a session that is read-only although the server
 * is no longer. (What fails outside of a transaction, the pool itself ends.)
 */
function leaveBroken(adapter: SqlDriverAdapter): SqlDriverAdapter {
  const { startTransaction } = adapter
  return Object.assign(adapter, {
    async startTransaction(...options: Parameters<typeof startTransaction>) {
      const transaction = (await startTransaction.apply(adapter, options)) as OnClient
      const { queryRaw, executeRaw } = transaction
      const watched = async <T>(answer: Promise<T>): Promise<T> => {
        try {
          return await answer
        } catch (error) {
          // Nothing waits for its end: a server that hangs does not say good-bye.
          if (outageOf(error) !== undefined) transaction.client.end().catch(() => {})
          throw error
        }
      }
      return Object.assign(transaction, {
        queryRaw: (query: Parameters<typeof queryRaw>[0]) => watched(queryRaw.call(transaction, query)),
        executeRaw: (query: Parameters<typeof executeRaw>[0]) => watched(executeRaw.call(transaction, query)),
      })
    },
  })
}
