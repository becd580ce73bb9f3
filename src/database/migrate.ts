import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { isDriverAdapterError, type SqlDriverAdapter } from '@prisma/driver-adapter-utils'
import { type Database, type Provider, providerOf } from './client.ts'
import { NO_FILTERS, withEngine } from './migrate-engine.ts'
import {
  type Migration,
  migrationNames,
  migrationsFolder,
  PRISMA_FOLDER,
  readMigrations,
} from './migrate-files.ts'
import { assertSound, newerNames, pendingNames, queryOf, readHistory } from './migrate-history.ts'
import { inMigrationTransaction, withQuery } from './migrate-transaction.ts'

export interface Migrated {
  applied: string[]
  newer: string[]
}

/**
 * Brings a database up to date. Any number of processes may do so at once: one applies, the others
 * wait and find nothing left to do. All pending migrations are one transaction, on PostgreSQL too,
 * so a failure, or the death of the process, changes nothing (and a migration cannot hold what
 * PostgreSQL refuses in a transaction, such as CREATE INDEX CONCURRENTLY). A database that is up to
 * date costs two queries.
 *
 * @param prismaFolder where `<provider>/migrations` lies
 * @returns the names of the migrations that this call applied, and of those that only a later release knows, oldest
 *   first
 * @throws Error that says what to do, if a migration fails, or if the database has one that failed
 *   earlier, was edited since, or is unknown to this build and older than its last
 */
export async function migrate(databaseUrl: string, prismaFolder: string = PRISMA_FOLDER): Promise<Migrated> {
  try {
    return await bringUpToDate(databaseUrl, prismaFolder)
  } catch (error) {
    if (!isDriverAdapterError(error)) throw error
    throw new Error(`The database cannot be migrated: ${reason(error)}`, { cause: error })
  }
}

async function bringUpToDate(databaseUrl: string, prismaFolder: string): Promise<Migrated> {
  const provider = providerOf(databaseUrl)
  const migrations = readMigrations(prismaFolder, provider)
  const names = migrations.map(migration => migration.name)
  const before = await withQuery(databaseUrl, provider, query => readHistory(query, provider))
  // An unfinished migration may be in the hands of another process, so only the lock can tell.
  if (pendingNames(names, before).length === 0 && before.every(row => row.finished)) {
    assertSound(migrations, before)
    return { applied: [], newer: newerNames(names, before) }
  }
  return inMigrationTransaction(databaseUrl, provider, async adapter => {
    const history = await readHistory(queryOf(adapter), provider)
    assertSound(migrations, history)
    const applied = pendingNames(names, history)
    if (applied.length > 0) await apply(adapter, provider, migrations, prismaFolder)
    return { applied, newer: newerNames(names, history) }
  })
}

/**
 * The names of the migrations that an open database still lacks, and of those that only a later release knows, oldest
 * first. Cheap enough for a readiness probe.
 *
 * @param prismaFolder where `<provider>/migrations` lies
 */
export async function migrationState(
  client: Database['client'],
  provider: Provider,
  prismaFolder: string = PRISMA_FOLDER,
): Promise<{ pending: string[]; newer: string[] }> {
  const history = await readHistory(sql => client.$queryRawUnsafe(sql), provider)
  const names = migrationNames(prismaFolder, provider)
  return { pending: pendingNames(names, history), newer: newerNames(names, history) }
}

/** Lets the engine apply what is pending and write its rows into `_prisma_migrations`. */
async function apply(
  adapter: SqlDriverAdapter,
  provider: Provider,
  migrations: Migration[],
  prismaFolder: string,
): Promise<void> {
  const baseDir = migrationsFolder(prismaFolder, provider)
  const lockfile = join(baseDir, 'migration_lock.toml')
  const migrationsList = {
    baseDir,
    lockfile: {
      path: 'migration_lock.toml',
      content: existsSync(lockfile) ? readFileSync(lockfile, 'utf8') : null,
    },
    shadowDbInitScript: '',
    migrationDirectories: migrations.map(({ name, script }) => ({
      path: name,
      migrationFile: { path: 'migration.sql', content: { tag: 'ok' as const, value: script } },
    })),
  }
  // The engine tells of a failure with a stack of its own; what the database said is clearer.
  let failure: Error | undefined
  const run = adapter.executeScript.bind(adapter)
  adapter.executeScript = async script => {
    try {
      await run(script)
    } catch (error) {
      const name = migrations.find(migration => migration.script === script)?.name
      failure = new Error(
        `The migration ${name} failed, and the database is as it was before: ${reason(error)}`,
        { cause: error },
      )
      throw error
    }
  }
  const schema = `datasource db {\n  provider = "${provider}"\n}\n`
  try {
    await withEngine(adapter, [['schema.prisma', schema]], engine =>
      engine.applyMigrations({ migrationsList, filters: NO_FILTERS }),
    )
  } catch (error) {
    throw failure ?? error
  }
}

function reason(error: unknown): string {
  if (isDriverAdapterError(error)) {
    const { cause } = error
    if (cause.kind === 'DatabaseNotReachable') return `no server answers at ${cause.host}:${cause.port}`
    return cause.originalMessage || error.message
  }
  return error instanceof Error ? error.message : String(error)
}
