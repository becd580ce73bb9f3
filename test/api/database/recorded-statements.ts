/** What this process really asks its database, caught where it leaves for the driver, and its plans. */
import Libsql from 'libsql'
import pg from 'pg'
import { postgresqlConfig } from '../../../src/database/postgresql.ts'
import { openConnection } from '../../../src/database/sqlite.ts'
import { provider, type Teardown } from '../../harness/database.ts'

/** A statement, and what one of its runs was given. */
export interface Caught {
  sql: string
  values: unknown[]
}

/** Rows that PostgreSQL rather sorts than reads in order. */
const FEW = 10

/** How a statement would be run. */
export interface Explained {
  plan: unknown
  /** Tables that are read from one end to the other, by themselves or by an index. */
  scanned: string[]
  /** Indexes that are used. */
  indexes: string[]
  /** Whether rows are sorted that the index did not put in order. Sorting those of equal first columns does not count. */
  isSorted: boolean
}

const EXPLICABLE = /^\s*(SELECT|INSERT|UPDATE|DELETE|WITH)\b/i

/** Starts to catch each statement that is run for the first time. Must begin before the database is opened. */
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

/** Opens a connection of its own that explains. */
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
    // A subquery of one constant row has a name like a table's.
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
  // Where there is an index for it the planner takes it now, however few the rows are.
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
