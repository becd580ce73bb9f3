import t from 'tap'
import { startApp } from '../../harness/app.ts'
import { emptyDatabase, freshDatabase, provider, providers } from '../../harness/database.ts'
import { freePort } from '../../harness/free-port.ts'
import { isProblemOf } from '../../harness/problem.ts'
import { openRows } from '../../harness/rows.ts'

t.test('a ready instance names its database and counters', async t => {
  const { app } = await startApp(t)
  const live = await app.inject('/health/live')
  t.equal(live.statusCode, 200)
  t.strictSame(live.json(), { status: 'live' })
  const ready = await app.inject('/health/ready')
  t.equal(ready.statusCode, 200)
  t.strictSame(ready.json(), { status: 'ready', database: provider, limits: 'memory' })
  t.equal(ready.headers['cache-control'], 'no-store')
})

t.test('a draining instance is alive, not ready, and still serves', async t => {
  const { app } = await startApp(t)
  app.drain()
  const ready = await app.inject('/health/ready')
  t.strictSame(isProblemOf(t, ready, 'not_ready').errors, [{ path: '/process', message: 'is shutting down' }])
  t.ok(Number(ready.headers['retry-after']) > 0)
  t.equal((await app.inject('/health/live')).statusCode, 200)
  const payload = { email: 'nobody@example.org', password: 'x' }
  t.equal((await app.inject({ method: 'POST', url: '/login', payload })).statusCode, 401)
})

t.test('a database migrated by a later release is used, with one log line', async t => {
  const databaseUrl = await freshDatabase(t)
  const { client } = await openRows(t, databaseUrl)
  await client.$executeRawUnsafe(
    `INSERT INTO _prisma_migrations (id, checksum, migration_name, started_at, finished_at, applied_steps_count)
     VALUES ('later', 'x', '99991231235959_later', CURRENT_TIMESTAMP, CURRENT_TIMESTAMP, 1)`,
  )
  const { app, log } = await startApp(t, { databaseUrl })
  for (let probe = 0; probe < 2; probe++) t.equal((await app.inject('/health/ready')).statusCode, 200)
  t.strictSame(
    log.filter(({ level }) => level === 40).map(({ migrations }) => migrations),
    [['99991231235959_later']],
  )
})

const skip = providers.find(({ provider }) => provider === 'postgresql')?.skip ?? false

t.test(
  'a PostgreSQL database without migrations is not ready, and the service does not migrate it',
  { skip },
  async t => {
    const { app } = await startApp(t, { databaseUrl: await emptyDatabase(t, 'postgresql') })
    for (let probe = 0; probe < 2; probe++) {
      const [error] = isProblemOf(t, await app.inject('/health/ready'), 'not_ready').errors ?? []
      t.match(error, { path: '/database', message: /lacks migrations: \d+_init/ })
    }
    t.equal((await app.inject('/health/live')).statusCode, 200)
  },
)

t.test('without its database an instance is alive and not ready, and the reason has no address', async t => {
  const port = await freePort()
  const databaseUrl = `postgresql://ada:geheim@127.0.0.1:${port}/accounts`
  const { app, log } = await startApp(t, { databaseUrl })
  const begun = performance.now()
  const ready = await app.inject('/health/ready')
  t.ok(performance.now() - begun < 4000, 'within the time limits of a probe')
  t.strictSame(isProblemOf(t, ready, 'not_ready').errors, [{ path: '/database', message: 'does not answer' }])
  t.notMatch(ready.body, new RegExp(`geheim|${port}|127\\.0\\.0\\.1`))
  t.equal((await app.inject('/health/live')).statusCode, 200)
  for (const url of ['/login', '/register']) {
    const payload = { email: 'nobody@example.org', password: 'a password for nobody' }
    const answer = await app.inject({ method: 'POST', url, payload })
    isProblemOf(t, answer, 'overloaded', url)
    t.ok(Number(answer.headers['retry-after']) > 0)
  }
  t.notMatch(JSON.stringify(log), /geheim/, 'the log does not contain the password')
})
