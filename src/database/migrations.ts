// Applies migrations and maintains `_prisma_migrations` as Prisma's engine does, so that `prisma migrate
// status` and `prisma migrate deploy` agree with it.
import { createHash, randomUUID } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ROOT } from '../shared/root.ts'
import { outageDetail } from './outage.ts'
import { type MigrationConnection, type Provider, providerOf } from './sql.ts'

interface Migration {
  /** Name of the folder, `<UTC timestamp>_<name>`, so that names sort by age. */
  name: string
  script: string
}

/** Result of `migrate`: names of migrations, oldest first. */
export interface Migrated {
  applied: string[]
  /** Applied by a later release and unknown to this one. */
  newer: string[]
}

type Query = (sql: string) => Promise<Record<string, unknown>[]>

/** A row of `_prisma_migrations` that was not rolled back. */
interface HistoryRow {
  name: string
  checksum: string
  finished: boolean
}

/** Milliseconds to wait for another process that migrates the same database. */
const MAX_WAIT_MS = 600_000

export const PRISMA_FOLDER = fileURLToPath(new URL('prisma', ROOT))

export const migrationsFolder = (prismaFolder: string, provider: Provider) =>
  join(prismaFolder, provider, 'migrations')

export const migrationNames = (prismaFolder: string, provider: Provider): string[] =>
  readdirSync(migrationsFolder(prismaFolder, provider), { withFileTypes: true })
    .filter(entry => entry.isDirectory())
    .map(entry => entry.name)
    .sort()

/** Reads the migrations of a provider, oldest first. Throws if a folder has no migration.sql. */
export const readMigrations = (prismaFolder: string, provider: Provider): Migration[] =>
  migrationNames(prismaFolder, provider).map(name => ({
    name,
    script: readFileSync(join(migrationsFolder(prismaFolder, provider), name, 'migration.sql'), 'utf8'),
  }))

/**
 * Applies all pending migrations in one transaction, so that a failure changes nothing; hence no CREATE INDEX
 * CONCURRENTLY. Any number of processes may call it at once: one migrates, the others wait.
 * @throws Error that says what to do, if a migration fails, failed earlier, was edited since, or is unknown
 */
export async function migrate(databaseUrl: string, prismaFolder: string = PRISMA_FOLDER): Promise<Migrated> {
  const provider = providerOf(databaseUrl)
  const migrations = readMigrations(prismaFolder, provider)
  const names = migrations.map(migration => migration.name)
  const driver = await (provider === 'sqlite' ? import('./sqlite.ts') : import('./postgresql.ts'))
  try {
    const before = await driver.withConnection(databaseUrl, ({ query }) => readHistory(query, provider))
    // Only the lock shows whether another process is applying an unfinished migration.
    if (pendingNames(names, before).length === 0 && before.every(row => row.finished)) {
      assertKnownHistory(migrations, before)
      return { applied: [], newer: newerNames(names, before) }
    }
    return await driver.inMigrationTransaction(databaseUrl, MAX_WAIT_MS, async connection => {
      const history = await readHistory(connection.query, provider)
      assertKnownHistory(migrations, history)
      const pending = new Set(pendingNames(names, history))
      if (history.length === 0) await createHistory(connection, provider)
      for (const migration of migrations) {
        if (pending.has(migration.name)) await apply(connection, migration)
      }
      return { applied: [...pending], newer: newerNames(names, history) }
    })
  } catch (error) {
    // Errors without a code are already readable.
    if (!(error instanceof Error && 'code' in error)) throw error
    throw new Error(`The database cannot be migrated: ${reasonOf(error)}`, { cause: error })
  }
}

/**
 * Returns pending migrations, and those that only a later release knows. Cheap enough for a readiness probe.
 */
export async function migrationState(
  query: Query,
  provider: Provider,
  prismaFolder: string = PRISMA_FOLDER,
): Promise<{ pending: string[]; newer: string[] }> {
  const history = await readHistory(query, provider)
  const names = migrationNames(prismaFolder, provider)
  return { pending: pendingNames(names, history), newer: newerNames(names, history) }
}

const HISTORY_EXISTS: Record<Provider, string> = {
  sqlite: `SELECT 1 AS found FROM sqlite_master WHERE type = 'table' AND name = '_prisma_migrations'`,
  postgresql: `SELECT 1 AS found WHERE to_regclass('_prisma_migrations') IS NOT NULL`,
}

const HISTORY = `SELECT migration_name, checksum, CASE WHEN finished_at IS NULL THEN 0 ELSE 1 END AS finished
  FROM _prisma_migrations WHERE rolled_back_at IS NULL ORDER BY started_at, migration_name`

/** The table as Prisma creates it, so that its tools can read it. */
const CREATE_HISTORY: Record<Provider, string> = {
  sqlite: `CREATE TABLE IF NOT EXISTS "_prisma_migrations" (
    "id"                    TEXT PRIMARY KEY NOT NULL,
    "checksum"              TEXT NOT NULL,
    "finished_at"           DATETIME,
    "migration_name"        TEXT NOT NULL,
    "logs"                  TEXT,
    "rolled_back_at"        DATETIME,
    "started_at"            DATETIME NOT NULL DEFAULT current_timestamp,
    "applied_steps_count"   INTEGER UNSIGNED NOT NULL DEFAULT 0
)`,
  postgresql: `CREATE TABLE IF NOT EXISTS _prisma_migrations (
    id                      VARCHAR(36) PRIMARY KEY NOT NULL,
    checksum                VARCHAR(64) NOT NULL,
    finished_at             TIMESTAMPTZ,
    migration_name          VARCHAR(255) NOT NULL,
    logs                    TEXT,
    rolled_back_at          TIMESTAMPTZ,
    started_at              TIMESTAMPTZ NOT NULL DEFAULT now(),
    applied_steps_count     INTEGER NOT NULL DEFAULT 0
)`,
}

const TABLES: Record<Provider, string> = {
  sqlite: `SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite_%' LIMIT 1`,
  postgresql: `SELECT relname AS name FROM pg_class WHERE relnamespace = 'public'::regnamespace
    AND relkind IN ('r', 'p', 'v', 'm', 'f') LIMIT 1`,
}

async function readHistory(query: Query, provider: Provider): Promise<HistoryRow[]> {
  if ((await query(HISTORY_EXISTS[provider])).length === 0) return []
  return (await query(HISTORY)).map(row => ({
    name: String(row['migration_name']),
    checksum: String(row['checksum']),
    finished: Number(row['finished']) === 1,
  }))
}

async function createHistory({ query, execute }: MigrationConnection, provider: Provider): Promise<void> {
  if ((await query(HISTORY_EXISTS[provider])).length > 0) return
  const [table] = await query(TABLES[provider])
  if (table !== undefined) {
    throw new Error(
      `The database is not empty: it has ${table['name']}, and no migration of latchkey was applied to it. ` +
        'Name an empty database in DATABASE_URL.',
    )
  }
  await execute(CREATE_HISTORY[provider])
}

async function apply({ query, execute }: MigrationConnection, { name, script }: Migration): Promise<void> {
  const startedAt = timestamp()
  try {
    await execute(script)
  } catch (error) {
    const message = `The migration ${name} failed, and the database is as it was before: ${reasonOf(error)}`
    throw new Error(message, { cause: error })
  }
  // None of these values contains a quote.
  await query(`INSERT INTO _prisma_migrations
    (id, checksum, finished_at, migration_name, started_at, applied_steps_count)
    VALUES ('${randomUUID()}', '${checksumOf(script)}', '${timestamp()}', '${name}', '${startedAt}', 1)`)
}

/** The format in which Prisma writes times on SQLite; PostgreSQL parses it too. */
const timestamp = () => new Date().toISOString().replace('Z', '+00:00')

const checksumOf = (script: string) => createHash('sha256').update(script).digest('hex')

/** Like Prisma, ignores changed line ends (git's autocrlf). */
function hasChecksum(script: string, checksum: string): boolean {
  const unix = script.replaceAll('\r\n', '\n')
  return [script, unix, unix.replaceAll('\n', '\r\n')].some(text => checksumOf(text) === checksum)
}

function pendingNames(names: string[], history: HistoryRow[]): string[] {
  const finished = new Set(history.filter(row => row.finished).map(row => row.name))
  return names.filter(name => !finished.has(name))
}

/** Migrations are additive, so this build works on a later schema and a rollback needs no migration. */
function newerNames(names: string[], history: HistoryRow[]): string[] {
  const last = names.at(-1) ?? ''
  return history.filter(row => row.finished && row.name > last).map(row => row.name)
}

/** The history must be a prefix of this build's migrations, or continue them. */
function assertKnownHistory(migrations: Migration[], history: HistoryRow[]): void {
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

function reasonOf(error: unknown): string {
  const { code, address, port, errors } = error as NodeJS.ErrnoException & {
    address?: string
    port?: number
    errors?: { address?: string; port?: number }[]
  }
  // A host name with several addresses fails with one error for each.
  const at = errors?.[0] ?? { address, port }
  if (code === 'ECONNREFUSED') return `no server answers at ${at.address}:${at.port}`
  return outageDetail(error) || String(error)
}
