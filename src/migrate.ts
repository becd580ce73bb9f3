import { structureOutput } from './process-log.ts'

structureOutput()
// Imported after structureOutput(), so that these modules log JSON lines too.
const [{ loadDatabaseUrl, processEnvironment }, { migrate }, { report }] = await Promise.all([
  import('./config/config.ts'),
  import('./database/migrations.ts'),
  import('./process-log.ts'),
])

try {
  const { applied, newer } = await migrate(loadDatabaseUrl(processEnvironment()))
  if (applied.length === 0) report('info', 'The database is up to date.')
  for (const name of applied) report('info', `Applied ${name}`, { migration: name })
  if (newer.length > 0) {
    report('info', `A later release has migrated it further: ${newer.join(', ')}`, { migrations: newer })
  }
} catch (error) {
  report('fatal', error instanceof Error ? error.message : String(error), { event: 'sys_crash' })
  process.exitCode = 1
}
