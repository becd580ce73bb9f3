import type { SqlQueryable } from '@prisma/driver-adapter-utils'
import type { Provider } from './client.ts'
import { hasChecksum, type Migration } from './migrate-files.ts'

/** Runs a query without parameters and gives its rows, each an object by column name. */
export type Query = (sql: string) => Promise<Record<string, unknown>[]>

/** A row of `_prisma_migrations` that still counts (it was not rolled back). */
export interface HistoryRow {
  name: string
  checksum: string
  finished: boolean
}

/** Makes a driver adapter's queries plain. */
export const queryOf =
  (queryable: SqlQueryable): Query =>
  async sql => {
    const { columnNames, rows } = await queryable.queryRaw({ sql, args: [], argTypes: [] })
    return rows.map(row => Object.fromEntries(columnNames.map((column, i) => [column, row[i]])))
  }

const TABLE_EXISTS = {
  sqlite: `SELECT 1 AS found FROM sqlite_master WHERE type = 'table' AND name = '_prisma_migrations'`,
  postgresql: `SELECT 1 AS found WHERE to_regclass('_prisma_migrations') IS NOT NULL`,
}

/** What was applied to this database, oldest first; empty if nothing ever was. Two small queries. */
export async function readHistory(query: Query, provider: Provider): Promise<HistoryRow[]> {
  const table = await query(TABLE_EXISTS[provider])
  if (table.length === 0) return []
  const rows = await query(
    `SELECT migration_name, checksum, CASE WHEN finished_at IS NULL THEN 0 ELSE 1 END AS finished
     FROM _prisma_migrations WHERE rolled_back_at IS NULL ORDER BY started_at, migration_name`,
  )
  return rows.map(row => ({
    name: String(row['migration_name']),
    checksum: String(row['checksum']),
    finished: Number(row['finished']) === 1,
  }))
}

/** The names of the migrations that this database still lacks, oldest first. */
export function pendingNames(names: string[], history: HistoryRow[]): string[] {
  const finished = new Set(history.filter(row => row.finished).map(row => row.name))
  return names.filter(name => !finished.has(name))
}

/**
 * The names of finished migrations that only a later release knows, oldest first. Releases migrate additively, so
 * this build works on their schema: a rollback of the service needs none of the database.
 */
export function newerNames(names: string[], history: HistoryRow[]): string[] {
  const last = names.at(-1) ?? ''
  return history.filter(row => row.finished && row.name > last).map(row => row.name)
}

/**
 * Refuses a database whose history is not the beginning of what this build would do to it, unless a later release has
 * gone on from there.
 *
 * @throws Error naming the migration, and what to do about it
 */
export function assertSound(migrations: Migration[], history: HistoryRow[]): void {
  const names = migrations.map(migration => migration.name)
  const isComplete = pendingNames(names, history).length === 0
  const newer = new Set(isComplete ? newerNames(names, history) : [])
  const scripts = new Map(migrations.map(migration => [migration.name, migration.script]))
  for (const { name, checksum, finished } of history) {
    if (!finished) {
      throw new Error(
        `The migration ${name} failed or was cut off on this database. See what it left behind and undo that, ` +
          'then run this on the database and migrate again: ' +
          `UPDATE _prisma_migrations SET rolled_back_at = CURRENT_TIMESTAMP WHERE migration_name = '${name}' AND finished_at IS NULL;`,
      )
    }
    if (newer.has(name)) continue
    const script = scripts.get(name)
    if (script === undefined) {
      throw new Error(
        `This database is ahead: it has the migration ${name}, which this version of latchkey does not know. ` +
          'Run the version that applied it, or one after it, or restore a backup from before it.',
      )
    }
    if (!hasChecksum(script, checksum)) {
      throw new Error(
        `The migration ${name} was edited after it was applied to this database. ` +
          'Restore its migration.sql as it was, and put the change into a new migration (npm run migrate:new NAME).',
      )
    }
  }
}
