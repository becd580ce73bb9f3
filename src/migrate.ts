/** `npm run migrate`: migrations as a deployment step. */
import { structureOutput } from './process-log.ts'

structureOutput()
// Imported after structureOutput(), so that these modules log JSON lines too.
const [{ loadDatabaseUrl, processEnvironment }, { migrate }, { migrationReport }, { report }] =
  await Promise.all([
    import('./config/config.ts'),
    import('./database/migrations.ts'),
    import('./cli/migrate.ts'),
    import('./process-log.ts'),
  ])

try {
  const migrated = await migrate(loadDatabaseUrl(processEnvironment()))
  for (const [message, fields] of migrationReport(migrated)) report('info', message, fields)
} catch (error) {
  report('fatal', error instanceof Error ? error.message : String(error), { event: 'sys_crash' })
  process.exitCode = 1
}
