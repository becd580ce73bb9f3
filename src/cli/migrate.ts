/** `latchkey migrate`: applies migrations. */
import { loadDatabaseUrl } from '../config/config.ts'
import { type Migrated, migrate } from '../database/migrations.ts'
import type { Command } from './command.ts'

export const migrateCommand: Command = {
  name: 'migrate',
  summary: 'apply the migrations that the database lacks',
  description:
    'Running instances of the previous release keep working on the new schema. It may run in several places at once.\n' +
    'A SQLite file needs no such step: the service migrates it when it starts.',
  async run({ environment }) {
    const migrated = await migrate(loadDatabaseUrl(await environment()))
    return {
      json: migrated,
      text: migrationReport(migrated)
        .map(([message]) => message)
        .join('\n'),
    }
  },
}

/** The applied migrations, one line each, with fields for the log. */
export function migrationReport({
  applied,
  newer,
}: Migrated): [message: string, fields?: Record<string, unknown>][] {
  const report: ReturnType<typeof migrationReport> = applied.map(name => [
    `Applied ${name}`,
    { migration: name },
  ])
  if (applied.length === 0) report.push(['The database is up to date.'])
  if (newer.length > 0) {
    report.push([`A later release has migrated it further: ${newer.join(', ')}`, { migrations: newer }])
  }
  return report
}
