/** `npm run migrate`: brings the database that DATABASE_URL names up to date. */
import { loadDatabaseUrl, processEnvironment } from '../config.ts'
import { migrate } from './migrations.ts'

try {
  const { applied, newer } = await migrate(loadDatabaseUrl(processEnvironment()))
  const lines =
    applied.length === 0 ? ['The database is up to date.'] : applied.map(name => `Applied ${name}`)
  if (newer.length > 0) lines.push(`A later release has migrated it further: ${newer.join(', ')}`)
  process.stdout.write(`${lines.join('\n')}\n`)
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`)
  process.exitCode = 1
}
