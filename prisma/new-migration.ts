import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ColumnTypeEnum, type SqlDriverAdapter } from '@prisma/driver-adapter-utils'
import type { Provider } from '../src/database/index.ts'
import { migrationNames, migrationsFolder, PRISMA_FOLDER } from '../src/database/migrations.ts'
import { NO_FILTERS, withEngine } from './schema-engine.ts'

const PROVIDERS: Provider[] = ['sqlite', 'postgresql']

/**
 * Writes a migration for each provider, under one name, that leads from the models as they were at
 * the last migration (kept in `models.migrated`) to `models.prisma`. It compares the two texts, so
 * it needs no database; that the migrations really lead to the models is for a test to prove. What
 * the engine cannot know (where the data of a renamed column goes) is to be edited into the files.
 *
 * @param name lower-case letters, digits and underscores, a letter first
 * @param clock gives the time in the folder's name
 * @returns the folder's name, or undefined if the models ask for no change
 * @throws Error for a bad name, or models that are not valid
 */
export async function newMigration(
  name: string,
  { prismaFolder = PRISMA_FOLDER, clock = () => new Date() } = {},
): Promise<string | undefined> {
  if (!/^[a-z][a-z0-9_]{0,59}$/.test(name)) {
    throw new Error(
      `A migration's name is lower-case letters, digits and underscores, as in add_locale: ${name}`,
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
      throw new Error(`${folder} would not come after the last migration, ${last}: is the clock right?`)
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

/** The script from one text of the models to another. */
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
  // With exitCode asked for, 2 says that there is a difference.
  return { changed: exitCode === 2, script: stdout ?? '' }
}

/**
 * An adapter to compare models with. The engine wants one although it has nothing to look up: of PostgreSQL it asks, as
 * it starts, whether the schema is there and which version the server has.
 */
function offline(provider: Provider): SqlDriverAdapter {
  const refuse = () => Promise.reject(new Error('no database is at hand to compare models'))
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
