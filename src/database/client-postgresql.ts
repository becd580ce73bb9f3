import { PrismaPg } from '@prisma/adapter-pg'
import type { SqlDriverAdapter, Transaction } from '@prisma/driver-adapter-utils'
import type { ClientBase, PoolConfig } from 'pg'
import type { PrismaClient } from '../generated/sqlite/client.ts'
import type { Opened } from './client.ts'
import { outageOf } from './outage.ts'
import { clientConfig, isPooled, parsePostgresqlUrl } from './postgresql-url.ts'
import { type Named, postgresqlStatements } from './statements-postgresql.ts'

/** Limits of a connection in milliseconds; `pg` itself has none. */
const CONNECT_TIMEOUT = 3000
const SERVER_LIMITS = {
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

/** Dates are read in the ISO style, whatever style the server or the role is set to. PgBouncer keeps track of it. */
const SET_DATE_STYLE = `SET datestyle = 'ISO'`

const SHOW_LIMITS = Object.keys(SERVER_LIMITS)
  .map(name => `current_setting('${name}') AS ${name}`)
  .join(', ')

/**
 * What `pg` is given for a `postgresql:` URL. Parameters of the URL win over the limits here
 * (`?statement_timeout=0`); the size of the pool is `?connection_limit=`. With `?pgbouncer=true` the server's limits
 * are left to the role, since poolers refuse them as start-up parameters.
 *
 * @throws Error naming DATABASE_URL and what is wrong with it, without a piece of it
 */
export function postgresqlConfig(databaseUrl: string) {
  try {
    const url = parsePostgresqlUrl(databaseUrl)
    return {
      application_name: 'latchkey',
      keepAlive: true,
      max: poolSize(url.parameters.get('connection_limit')),
      connectionTimeoutMillis: CONNECT_TIMEOUT,
      ...(isPooled(url) ? {} : SERVER_LIMITS),
      ...clientConfig(url),
      onConnect: async (client: ClientBase) => void (await client.query(SET_DATE_STYLE)),
    }
  } catch (error) {
    throw new Error(`DATABASE_URL: ${(error as Error).message}`)
  }
}

function poolSize(limit: string | undefined): number {
  if (limit === undefined) return POOL_SIZE
  if (!/^[1-9]\d{0,3}$/.test(limit)) throw new Error('connection_limit must be a whole number from 1 to 9999')
  return Number(limit)
}

/**
 * Calls back once when a role behind a pooler lacks a limit: nothing then bounds its statements.
 *
 * @param onUnlimited is given the names of the limits
 */
function checkLimitsOnce(onUnlimited: (names: string[]) => void) {
  let checked = false
  return async (client: ClientBase) => {
    if (checked) return
    checked = true
    const { rows } = await client.query<Record<string, string>>(`SELECT ${SHOW_LIMITS}`)
    const missing = Object.keys(SERVER_LIMITS).filter(name => rows[0]?.[name] === '0')
    if (missing.length > 0) onUnlimited(missing)
  }
}

/**
 * Connects by the first query: this succeeds while the server is away.
 *
 * @param onUnlimited is told once of limits that the role behind a pooler lacks
 */
export async function postgresqlClient(
  databaseUrl: string,
  onUnlimited: (names: string[]) => void = () => {},
): Promise<Opened> {
  const { PrismaClient } = await import('../generated/postgresql/client.ts')
  const config = postgresqlConfig(databaseUrl)
  const pooled = isPooled(parsePostgresqlUrl(databaseUrl))
  const checkLimits = pooled ? checkLimitsOnce(onUnlimited) : async () => {}
  const onConnect = async (client: ClientBase) => {
    await config.onConnect(client)
    await checkLimits(client)
  }
  // The adapter listens to the pool's errors, so that a connection cut while idle ends nothing.
  const factory = new PrismaPg(
    { query_timeout: QUERY_TIMEOUT, ...config, onConnect } as PoolConfig,
    {
      // Prisma's own have no names: their texts vary with their lists, and each would be kept for ever.
      statementNameGenerator: query => (query as Named).name,
    } as PrismaPgOptions,
  )
  const adapter = leaveBroken(await factory.connect())
  const client = new PrismaClient({
    adapter: Object.assign(factory, { connect: async () => adapter }),
    errorFormat: 'minimal',
    transactionOptions: { maxWait: CONNECT_TIMEOUT },
  })
  return {
    client: client as unknown as PrismaClient,
    statements: postgresqlStatements(adapter, { named: !pooled }),
  }
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
