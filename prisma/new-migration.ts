import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ColumnTypeEnum, type SqlDriverAdapter } from '@prisma/driver-adapter-utils'
import type { Provider } from '../src/database/index.ts'
import { migrationNames, migrationsFolder, PRISMA_FOLDER } from '../src/database/migrations.ts'
import { NO_FILTERS, withEngine } from './schema-engine.ts'

const PROVIDERS: Provider[] = ['sqlite', 'postgresql']

/**
 * Writes a migration for each provider, from the models at the last migration (`models.migrated`) to those of
 * `models.prisma`. It compares the two files and needs no database; a test proves that all migrations together lead to
 * the models. The engine takes a renamed column for a new one: edit the files so that the data is kept.
 *
 * @param name lower-case letters, digits and underscores, a letter first
 * @param clock source of the time in the folder's name
 * @returns the folder's name, or undefined if the models have not changed
 * @throws Error for an invalid name or invalid models
 */
export async function newMigration(
  name: string,
  { prismaFolder = PRISMA_FOLDER, clock = () => new Date() } = {},
): Promise<string | undefined> {
  if (!/^[a-z][a-z0-9_]{0,59}$/.test(name)) {
    throw new Error(
      `A migration's name is lower-case letters, digits and underscores, such as add_locale: ${name}`,
    )
  }
  const modelsFile = join(prismaFolder, 'models.prisma')
  const migratedFile = join(prismaFolder, 'models.migrated')
  const models = readFileSync(modelsFile, 'utf8')
  const migrated = existsSync(migratedFile) ? readFileSync(migratedFile, 'utf8') : ''

  const scripts = new Map<Provider, string>()
  let changed = false
  for (const provider of PROVIDERS) {
    const datasource = readFileSync(join(prismaFolder, provider, 'schema.prisma'), 'utf8')
    const result = await diff(provider, datasource, migrated, models)
    scripts.set(provider, result.script)
    changed ||= result.changed
  }
  if (!changed) return undefined

  const folder = `${clock().toISOString().replace(/\D/g, '').slice(0, 14)}_${name}`
  for (const provider of PROVIDERS) {
    const last = migrationNames(prismaFolder, provider).at(-1)
    if (last !== undefined && last >= folder) {
      throw new Error(`${folder} would not sort after the last migration, ${last}. Check the clock.`)
    }
  }
  for (const [provider, script] of scripts) {
    const base = migrationsFolder(prismaFolder, provider)
    mkdirSync(join(base, folder))
    writeFileSync(join(base, folder, 'migration.sql'), script)
    writeFileSync(join(base, 'migration_lock.toml'), `provider = "${provider}"\n`)
  }
  writeFileSync(migratedFile, models)
  return folder
}

/** Returns the SQL that leads from one version of the models to another. */
async function diff(provider: Provider, datasource: string, from: string, to: string) {
  const schema = (models: string) => ({
    tag: 'schemaDatamodel' as const,
    files: [
      { path: 'schema.prisma', content: datasource },
      { path: 'models.prisma', content: models },
    ],
  })
  const { exitCode, stdout } = await withEngine(offline(provider), [['schema.prisma', datasource]], engine =>
    engine.diff({
      from: schema(from),
      to: schema(to),
      script: true,
      exitCode: true,
      filters: NO_FILTERS,
    }),
  )
  // With `exitCode`, 2 means a difference.
  return { changed: exitCode === 2, script: stdout ?? '' }
}

/**
 * An adapter without a database. The engine requires one; on PostgreSQL it queries the existence of the schema and the
 * version of the server when it starts.
 */
function offline(provider: Provider): SqlDriverAdapter {
  const refuse = () => Promise.reject(new Error('models are compared without a database'))
  return {
    provider: provider === 'sqlite' ? 'sqlite' : 'postgres',
    adapterName: 'latchkey-offline',
    queryRaw: async () => ({
      columnNames: ['exists', 'version', 'numeric_version'],
      columnTypes: [ColumnTypeEnum.Boolean, ColumnTypeEnum.Text, ColumnTypeEnum.Int32],
      rows: [[true, 'PostgreSQL 13.0', 130_000]],
    }),
    executeRaw: refuse,
    executeScript: refuse,
    startTransaction: refuse,
    getConnectionInfo: () => ({ schemaName: 'public', supportsRelationJoins: true }),
    dispose: async () => {},
  }
}
