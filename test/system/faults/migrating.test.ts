/** Processes that start simultaneously on an empty database, and a few kills of a migration. */
import t from 'tap'
import { migrationNames, PRISMA_FOLDER } from '../../../src/database/migrations.ts'
import { emptyDatabase, providers } from '../../harness/database.ts'
import { outcome } from '../../harness/outcome.ts'
import { serviceEnvironment, startProcess } from '../../harness/process.ts'
import { until } from '../../harness/until.ts'
import { openPlain } from './kills/invariants.ts'
import { killMigrations, startMigration } from './migrations.ts'

const HISTORY = `SELECT migration_name AS name FROM _prisma_migrations
  WHERE finished_at IS NOT NULL AND rolled_back_at IS NULL ORDER BY name`

for (const { provider, skip } of providers) {
  const name = `${provider}: instances and migrations that start at once on an empty database all come up`
  t.test(name, { skip, timeout: 0 }, async t => {
    const url = await emptyDatabase(t, provider)
    const env = serviceEnvironment({ DATABASE_URL: url })
    const services = [startProcess(t, { env }), startProcess(t, { env })]
    const migrations = [startMigration(t, url), startMigration(t, url)].map(outcome)
    const outcomes = await Promise.all(migrations)
    for (const { code, stderr } of outcomes) t.strictSame([code, stderr], [0, ''])
    for (const service of services) {
      const at = await service.listening()
      await until('it is ready', async () => (await fetch(`${at}/health/ready`)).ok)
    }
    const names = migrationNames(PRISMA_FOLDER, provider)
    const applied = outcomes.flatMap(({ stdout }) =>
      [...stdout.matchAll(/^Applied (\S+)$/gm)].map(([, name]) => name),
    )
    t.ok(applied.length === new Set(applied).size, 'no migration was applied twice')
    const rows = await openPlain(url, provider)
    try {
      const history = await rows.query(HISTORY)
      t.strictSame(
        history.map(({ name }) => name),
        names,
        'each migration was applied once',
      )
    } finally {
      await rows.close()
    }
    for (const service of services) t.equal(await service.end('SIGINT'), 0)
  })
}

killMigrations({ kills: 4 })
