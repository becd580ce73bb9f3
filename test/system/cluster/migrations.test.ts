import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import t from 'tap'
import { migrationNames, PRISMA_FOLDER } from '../../../src/database/migrate-files.ts'
import { emptyFolder, serviceEnvironment } from '../../harness/process.ts'
import { noCluster, ready, startCluster } from './cluster.ts'
import { newAccount, newPerson } from './person.ts'

const MIGRATE = fileURLToPath(new URL('../../../src/database/migrate-cli.js', import.meta.url))

t.test('three instances and two migrations that start at once all come up', { skip: noCluster }, async t => {
  const cluster = await startCluster(t, { database: 'empty' })
  const { databaseUrl, instances, rows } = cluster
  const migrate = () =>
    promisify(execFile)(process.execPath, [MIGRATE], {
      cwd: emptyFolder(t),
      env: { PATH: process.env['PATH'], ...serviceEnvironment({ DATABASE_URL: databaseUrl }) },
    })
  const [outputs] = await Promise.all([
    Promise.all([migrate(), migrate()]),
    // Each says 503 until the tables are there, and 200 then, without a restart.
    ...instances.map(ready),
  ])
  const names = migrationNames(PRISMA_FOLDER, 'postgresql')
  const applied = outputs.flatMap(({ stdout }) =>
    [...stdout.matchAll(/^Applied (\S+)$/gm)].map(([, name]) => name),
  )
  t.strictSame(applied, names, 'each migration was applied once')
  const history = await rows.client.$queryRawUnsafe<{ name: string }[]>(
    'SELECT migration_name AS name FROM _prisma_migrations WHERE finished_at IS NOT NULL ORDER BY name',
  )
  t.strictSame(
    history.map(({ name }) => name),
    names,
  )
  for (const { service } of instances) t.equal(service.child.exitCode, null, 'nobody gave up')

  const person = newPerson(t, cluster)
  const { accessToken } = await newAccount(person, cluster, 'ada@example.org')
  t.equal((await person.get('/me', { bearer: accessToken })).status, 200)
})
