/** PostgreSQL: one pool of `pg` connections, shared by Prisma and hot statements. */
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
import { isDeadlock, outageOf } from './outage.ts'
import type { MigrationConnection, OpenDatabase, Run, Statements, Value } from './sql.ts'

/** Milliseconds. `pg` has no timeouts by default. */
const CONNECT_TIMEOUT = 3000
const SERVER_LIMITS = {
  statement_timeout: 5000,
  lock_timeout: 2000,
  idle_in_transaction_session_timeout: 10_000,
}
/** The default of `pg`; `connection_limit` of the URL overrides it. */
const POOL_SIZE = 10

// Milliseconds. Applies if the server hangs or the network is cut; the server's own timeout ends a second
// earlier.
const QUERY_TIMEOUT = 6000

/** Dates are parsed in ISO style, whatever the server or role uses. PgBouncer tracks this setting. */
const SET_DATE_STYLE = `SET datestyle = 'ISO'`

const SHOW_LIMITS = Object.keys(SERVER_LIMITS)
  .map(name => `current_setting('${name}') AS ${name}`)
  .join(', ')

/**
 * Builds the options of `pg`. Parameters of the URL override the timeouts. With `?pgbouncer=true` the role
 * must set them, because poolers refuse start-up parameters.
 * @throws Error that names DATABASE_URL and the fault, without any part of the URL
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

/** Calls back once if a role behind a pooler lacks a timeout, since its statements could run for ever. */
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

// Ends itself after an outage. Prisma's adapter returns every connection to the pool, where the next request
// would wait behind a hanging statement or find a session that is still read-only.
class Connection extends pg.Client {
  constructor(config?: pg.ClientConfig) {
    super(config)
    // Otherwise an error between the pool and the next query would end the process. That query fails.
    this.on('error', () => {})
  }

  // biome-ignore lint/suspicious/noExplicitAny: one signature for all overloads of the method
  override query(...args: any[]): any {
    const answer: unknown = super.query(...(args as [QueryConfig]))
    // Queries with a callback come from the pool, which drops the connection after an error.
    if (answer instanceof Promise) {
      answer.catch(error => {
        // Not awaited: a server that hangs never responds.
        if (outageOf(error) !== undefined) this.end().catch(() => {})
      })
    }
    return answer
  }
}

/**
 * Opens the pool, without connecting. `onUnlimited` receives the timeouts that a role behind a pooler lacks.
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
  // The pool has already dropped an idle connection that was cut.
  pool.on('error', () => {})
  const client = new Client({
    // Unnamed statements: their texts vary with the length of lists, and each name would be kept.
    adapter: new PrismaPg(pool),
    errorFormat: 'minimal',
    transactionOptions: { maxWait: CONNECT_TIMEOUT },
  })
  const $transaction = (...args: Parameters<typeof client.$transaction>) =>
    repeatIfDeadlocked(() => client.$transaction(...args))
  return {
    provider: 'postgresql',
    // The two generated clients differ only in their names.
    client: client.$extends({ client: { $transaction } }) as unknown as PrismaClient,
    statements: postgresqlStatements(pool, { named: !pooled }),
    async close() {
      await client.$disconnect()
      if (!pool.ending) await pool.end()
    },
  }
}

// Transactions lock the emails of an account in different orders: the worker its own email and then the requests that
// it serves, a deletion those that a scan finds. The trigger that voids emails of a disabled account cannot sort them
// without a migration. So the transaction that PostgreSQL chose as the victim is repeated, once: the other one goes on.
async function repeatIfDeadlocked<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!isDeadlock(error)) throw error
  }
  return work()
}

// `named` keeps statements prepared, which a pooler in transaction mode may not support.
function postgresqlStatements(pool: pg.Pool, { named }: { named: boolean }): Statements {
  const names = new Map<string, string>()
  // A hash, because processes of different releases share a pooler's connections; a counter gave one name to
  // two statements.
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

  const runStatement: Run = <Row>(sql: string, values: readonly Value[]) =>
    repeatIfDeadlocked(async () => rowsOf<Row>(await pool.query(queryOf(sql, values))))

  async function transaction<T>(work: (run: Run) => Promise<T>): Promise<T> {
    const client = await pool.connect()
    let broken: Error | undefined
    try {
      await client.query('BEGIN')
      const result = await work(async <Row>(sql: string, values: readonly Value[]) =>
        rowsOf<Row>(await client.query(queryOf(sql, values))),
      )
      // A failed statement that `work` ignored has aborted the transaction: COMMIT succeeds, and rolls back.
      const { command } = await client.query('COMMIT')
      if (command !== 'COMMIT')
        throw new Error('A statement of the transaction failed, so that it was rolled back')
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
  }

  return {
    provider: 'postgresql',
    read: runStatement,
    change: runStatement,
    async changeAll(changes) {
      const sql = joined(
        changes.map(([sql]) => sql),
        changes.map(([, values]) => values.length),
      )
      await runStatement(
        sql,
        changes.flatMap(([, values]) => values),
      )
    },
    transaction: work => repeatIfDeadlocked(() => transaction(work)),
  }
}

// Each statement but the last becomes a WITH query. They share one snapshot and do not see
// each other's effects.
function joined(statements: readonly string[], counts: readonly number[]): string {
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

/** Columns hold UTC without a time zone. `pg` would use the time zone of the process. */
const stored = (value: Value) => (value instanceof Date ? value.toISOString() : value)
const parseTimestamp = (text: string) => new Date(`${text.replace(' ', 'T')}Z`)

/** Faster than `pg`, which copies an empty object for each row. */
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

/** Seconds that a migration waits for the locks of running queries. */
const MIGRATION_LOCK_TIMEOUT = 30

/** The lock of Prisma's own engine, so that `prisma migrate deploy` waits too. */
const MIGRATION_LOCK = 72_707_369

/**
 * Runs `work` in one transaction that excludes other migrating processes. An error or crash rolls it back.
 * @param waitMs milliseconds to wait for another migrating process
 */
export function inMigrationTransaction<T>(
  databaseUrl: string,
  waitMs: number,
  work: (connection: MigrationConnection) => Promise<T>,
): Promise<T> {
  return withConnection(databaseUrl, async connection => {
    try {
      await connection.execute(
        `BEGIN;
         SET LOCAL statement_timeout = 0;
         SET LOCAL idle_in_transaction_session_timeout = 0;
         SET LOCAL lock_timeout = ${waitMs};
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

/** Runs statements on a separate connection. */
export async function withConnection<T>(
  databaseUrl: string,
  work: (connection: MigrationConnection) => Promise<T>,
): Promise<T> {
  const client = new pg.Client(postgresqlConfig(databaseUrl))
  // The query on a connection that is cut fails by itself.
  client.on('error', () => {})
  try {
    await client.connect()
    // Without parameters, `pg` uses the simple protocol, which accepts a script.
    return await work({
      query: async sql => (await client.query(sql)).rows,
      execute: async script => void (await client.query(script)),
    })
  } finally {
    await client.end().catch(() => {})
  }
}
