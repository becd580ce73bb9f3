/** PostgreSQL: one pool of `pg` connections for Prisma and for hot statements. */
import { createHash } from 'node:crypto'
import { PrismaPg } from '@prisma/adapter-pg'
import pg, {
  type ClientBase,
  type FieldDef,
  type QueryArrayConfig,
  type QueryArrayResult,
  type QueryConfig,
} from 'pg'
import type { PrismaClient } from '../generated/sqlite/client.ts'
import { clientConfig, isPooled, parsePostgresqlUrl } from '../shared/postgresql-url.ts'
import { outageOf } from './outage.ts'
import {
  joined,
  type MigrationConnection,
  type OpenDatabase,
  type Run,
  type Statements,
  type Value,
} from './sql.ts'

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
 * A connection that ends itself when a query meets an outage. Prisma's adapter gives a connection back to the pool
 * whatever happened on it; the next request would wait behind a statement that is never answered, or find a session
 * that is read-only although the server no longer is. The pool drops a connection that has ended.
 */
class Connection extends pg.Client {
  constructor(config?: pg.ClientConfig) {
    super(config)
    // Cut while nobody listens, between the pool and its next user, a connection would end the process. The query that
    // is under way, or the next one, fails.
    this.on('error', () => {})
  }

  // biome-ignore lint/suspicious/noExplicitAny: one signature for all overloads of the method
  override query(...args: any[]): any {
    const answer: unknown = super.query(...(args as [QueryConfig]))
    // Queries with a callback are the pool's own, which drops the connection after any error.
    if (answer instanceof Promise) {
      answer.catch(error => {
        // Nothing waits for the end: a server that hangs does not say goodbye.
        if (outageOf(error) !== undefined) this.end().catch(() => {})
      })
    }
    return answer
  }
}

/**
 * Opens the pool. It connects by the first query, so this succeeds while the server is away.
 *
 * @param onUnlimited is called once with the names of the limits that the role behind a pooler lacks
 */
export async function openPostgresql(
  databaseUrl: string,
  onUnlimited: (names: string[]) => void = () => {},
): Promise<OpenDatabase> {
  const { PrismaClient: Client } = await import('../generated/postgresql/client.ts')
  const config = postgresqlConfig(databaseUrl)
  const pooled = isPooled(parsePostgresqlUrl(databaseUrl))
  const checkLimits = pooled ? checkLimitsOnce(onUnlimited) : async () => {}
  const pool = new pg.Pool({
    query_timeout: QUERY_TIMEOUT,
    ...config,
    Client: Connection,
    onConnect: async client => {
      await config.onConnect(client)
      await checkLimits(client)
    },
  })
  // A connection that is cut while idle ends nothing; the pool has dropped it already.
  pool.on('error', () => {})
  const client = new Client({
    // Prisma's statements have no names: their texts vary with their lists, and each would be kept for ever.
    adapter: new PrismaPg(pool),
    errorFormat: 'minimal',
    transactionOptions: { maxWait: CONNECT_TIMEOUT },
  })
  return {
    provider: 'postgresql',
    // Two generated clients of one set of models differ in their names alone.
    client: client as unknown as PrismaClient,
    statements: postgresqlStatements(pool, { named: !pooled }),
    async close() {
      await client.$disconnect()
      if (!pool.ending) await pool.end()
    },
  }
}

/** @param named whether statements are kept prepared; not behind a pooler that gives each transaction any connection */
function postgresqlStatements(pool: pg.Pool, { named }: { named: boolean }): Statements {
  const names = new Map<string, string>()
  /**
   * A hash of the text: behind a pooler, processes of different releases share connections, and a counter gave one
   * name to different statements.
   */
  function nameOf(sql: string): string {
    const name = names.get(sql) ?? `latchkey_${createHash('sha256').update(sql).digest('hex').slice(0, 32)}`
    names.set(sql, name)
    return name
  }

  const queryOf = (sql: string, values: readonly Value[]): QueryArrayConfig => ({
    name: named ? nameOf(sql) : undefined,
    text: sql,
    values: values.map(stored),
    rowMode: 'array',
    types: TYPES,
  })

  const read: Run = async <Row>(sql: string, values: readonly Value[]) =>
    rowsOf<Row>(await pool.query(queryOf(sql, values)))

  return {
    provider: 'postgresql',
    read,
    change: read,
    async changeAll(changes) {
      const sql = joined(
        changes.map(([sql]) => sql),
        changes.map(([, values]) => values.length),
      )
      await read(
        sql,
        changes.flatMap(([, values]) => values),
      )
    },
    async transaction(work) {
      const client = await pool.connect()
      let broken: Error | undefined
      try {
        await client.query('BEGIN')
        const result = await work(async <Row>(sql: string, values: readonly Value[]) =>
          rowsOf<Row>(await client.query(queryOf(sql, values))),
        )
        await client.query('COMMIT')
        return result
      } catch (error) {
        broken = outageOf(error) === undefined ? undefined : (error as Error)
        if (broken === undefined) {
          await client.query('ROLLBACK').catch((failure: Error) => {
            broken = failure
          })
        }
        throw error
      } finally {
        client.release(broken)
      }
    },
  }
}

/** Columns are `timestamp` without a zone and hold UTC; `pg` would take both sides for the process's own zone. */
const stored = (value: Value) => (value instanceof Date ? value.toISOString() : value)
const parseTimestamp = (text: string) => new Date(`${text.replace(' ', 'T')}Z`)

/** `pg` makes objects of rows by copying an empty one, which takes longer. */
function rowsOf<Row>({ fields, rows }: QueryArrayResult): Row[] {
  return rows.map(values => {
    const row: Record<string, unknown> = {}
    for (let i = 0; i < fields.length; i++) row[(fields[i] as FieldDef).name] = values[i]
    return row as Row
  })
}

const getTypeParser: typeof pg.types.getTypeParser = (oid: number, format?: unknown) =>
  oid === pg.types.builtins.TIMESTAMP ? parseTimestamp : pg.types.getTypeParser(oid, format as 'text')
const TYPES = { getTypeParser }

/** How long a statement of a migration waits for the locks of running queries, in seconds. */
const MIGRATION_LOCK_TIMEOUT = 30

/** The lock that Prisma's own engine takes, so that `prisma migrate deploy` keeps out too. */
const MIGRATION_LOCK = 72_707_369

/**
 * Runs `work` in one transaction that keeps every other migrating process out from its start to its end. If it throws,
 * or if this process dies, the database is as it was, and the lock is gone.
 *
 * @param patience how long to wait for another process that is migrating, in milliseconds
 */
export function inMigrationTransaction<T>(
  databaseUrl: string,
  patience: number,
  work: (connection: MigrationConnection) => Promise<T>,
): Promise<T> {
  return withConnection(databaseUrl, async connection => {
    try {
      await connection.execute(
        `BEGIN;
         SET LOCAL statement_timeout = 0;
         SET LOCAL idle_in_transaction_session_timeout = 0;
         SET LOCAL lock_timeout = ${patience};
         SELECT pg_advisory_xact_lock(${MIGRATION_LOCK});
         SET LOCAL lock_timeout = '${MIGRATION_LOCK_TIMEOUT}s'`,
      )
      const result = await work(connection)
      await connection.execute('COMMIT')
      return result
    } catch (error) {
      await connection.execute('ROLLBACK').catch(() => {})
      throw error
    }
  })
}

/** Runs statements on a connection of their own, outside the pool. */
export async function withConnection<T>(
  databaseUrl: string,
  work: (connection: MigrationConnection) => Promise<T>,
): Promise<T> {
  const client = new pg.Client(postgresqlConfig(databaseUrl))
  // A connection that is cut fails the query that is under way or the next one.
  client.on('error', () => {})
  try {
    await client.connect()
    // Without parameters `pg` uses the simple protocol, which takes a whole script.
    return await work({
      query: async sql => (await client.query(sql)).rows,
      execute: async script => void (await client.query(script)),
    })
  } finally {
    await client.end().catch(() => {})
  }
}
