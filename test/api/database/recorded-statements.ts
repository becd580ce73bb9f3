/** The statements that this process sends to its database, recorded at the driver, and their plans. */
import Libsql from 'libsql'
import pg from 'pg'
import { postgresqlConfig } from '../../../src/database/postgresql.ts'
import { openConnection } from '../../../src/database/sqlite.ts'
import { provider, type Teardown } from '../../harness/database.ts'

/** A statement, and the parameters of one execution. */
export interface Caught {
  sql: string
  values: unknown[]
}

/** Rows that PostgreSQL rather sorts than reads in order. */
const FEW = 10

/** The plan of a statement. */
export interface Explained {
  plan: unknown
  /** Tables that are scanned completely, directly or by an index. */
  scanned: string[]
  /** Indexes that are used. */
  indexes: string[]
  /** Whether rows are sorted that the index did not put in order. Sorting those of equal first columns does not count. */
  isSorted: boolean
}

const EXPLICABLE = /^\s*(SELECT|INSERT|UPDATE|DELETE|WITH)\b/i

/** Starts to record each statement at its first execution. Must be called before the database is opened. */
export function catchStatements(t: Teardown): Map<string, Caught> {
  const caught = new Map<string, Caught>()
  const note = (sql: string, values: unknown[]) => {
    if (EXPLICABLE.test(sql) && !caught.has(sql)) caught.set(sql, { sql, values })
  }
  if (provider === 'sqlite') {
    const { prepare } = Libsql.prototype
    Libsql.prototype.prepare = function (this: Libsql.Database, sql: string) {
      note(sql, [])
      return prepare.call(this, sql)
    } as typeof prepare
    t.teardown(() => Object.assign(Libsql.prototype, { prepare }))
  } else {
    const { query } = pg.Client.prototype
    const spy = function (this: pg.Client, ...args: unknown[]) {
      const [asked] = args as [{ text?: string; values?: unknown[] } | string]
      if (typeof asked === 'object') note(asked.text ?? '', asked.values ?? [])
      return (query as (...args: unknown[]) => unknown).apply(this, args)
    }
    Object.assign(pg.Client.prototype, { query: spy })
    t.teardown(() => Object.assign(pg.Client.prototype, { query }))
  }
  return caught
}

/** Opens a separate connection for EXPLAIN. */
export async function explainer(
  t: Teardown,
  databaseUrl: string,
): Promise<(statement: Caught) => Promise<Explained>> {
  return provider === 'sqlite' ? onSqlite(t, databaseUrl) : onPostgresql(t, databaseUrl)
}

async function onSqlite(t: Teardown, databaseUrl: string) {
  const client = await openConnection(databaseUrl)
  t.teardown(() => client.close())
  return async ({ sql }: Caught) => {
    const { rows } = client.run(`EXPLAIN QUERY PLAN ${sql}`)
    const plan = rows.map(row => String(row[3]))
    // A subquery with one constant row has a name like that of a table.
    const constant = new Set(
      plan.flatMap((step, i) => (plan[i + 1] === 'SCAN CONSTANT ROW' ? (step.split(' ').at(-1) ?? []) : [])),
    )
    const scanned = plan
      .flatMap(step => /^SCAN (?!CONSTANT)(\w+)/.exec(step)?.[1] ?? [])
      .filter(name => !constant.has(name))
    const indexes = plan.flatMap(step => / USING (?:COVERING )?INDEX (\w+)/.exec(step)?.[1] ?? [])
    return { plan, scanned, indexes, isSorted: plan.some(step => /TEMP B-TREE FOR ORDER BY/.test(step)) }
  }
}

interface Node {
  'Node Type': string
  'Plan Rows': number
  'Relation Name'?: string
  'Index Name'?: string
  'Index Cond'?: string
  Plans?: Node[]
}

async function onPostgresql(t: Teardown, databaseUrl: string) {
  const client = new pg.Client(postgresqlConfig(databaseUrl))
  await client.connect()
  t.teardown(() => client.end())
  // Makes the planner use any existing index, although the tables are small.
  await client.query('SET enable_seqscan = off')
  return async ({ sql, values }: Caught) => {
    const { rows } = await client.query(`EXPLAIN (FORMAT JSON) ${sql}`, values)
    const [{ Plan: plan }] = rows[0]['QUERY PLAN'] as [{ Plan: Node }]
    const nodes = within(plan)
    return {
      plan,
      scanned: scansOf(plan),
      indexes: nodes.flatMap(node => node['Index Name'] ?? []),
      isSorted: nodes.some(
        node => node['Node Type'] === 'Sort' && node.Plans?.some(({ 'Plan Rows': rows }) => rows > FEW),
      ),
    }
  }
}

const within = (node: Node): Node[] => [node, ...(node.Plans ?? []).flatMap(within)]

function scansOf(node: Node): string[] {
  const below = (node.Plans ?? []).flatMap(scansOf)
  const table = node['Relation Name']
  const reads = /^(Seq|Index|Index Only) Scan$/.test(node['Node Type'])
  return table !== undefined && reads && node['Index Cond'] === undefined ? [table, ...below] : below
}
