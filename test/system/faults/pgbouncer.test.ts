/** PostgreSQL behind PgBouncer, in transaction and in session mode, with fewer connections than the service has. */
import t, { type Test } from 'tap'
import { migrate } from '../../../src/database/migrations.ts'
import { type Account, confirmedAccount, resetToken, startApp, type TestApp } from '../../harness/app.ts'
import { startSmtpServer } from '../../harness/smtp.ts'
import { startPgBouncer } from './pgbouncer.ts'
import { type PostgresServer, startPostgres } from './private-postgres.ts'

/** Fewer than instances and parallel requests, so that each connection serves both instances. */
const POOL = 2
const PEOPLE = 6
const LIMITS = ['statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout']
const UNLIMITED = /has no time limits/

const warnings = ({ log }: TestApp) => log.filter(({ msg }) => UNLIMITED.test(String(msg)))

const post = ({ app }: TestApp, url: string, payload: object) => app.inject({ method: 'POST', url, payload })

/** Both instances in parallel on the same accounts: every hot statement and every kind of transaction. */
async function twoInstances(t: Test, databaseUrl: string): Promise<readonly [TestApp, TestApp]> {
  await migrate(databaseUrl)
  const smtp = await startSmtpServer(t)
  const one = await startApp(t, { databaseUrl, smtp })
  const other = await startApp(t, { databaseUrl, smtp })
  const accounts: Account[] = []
  for (let i = 0; i < PEOPLE; i++) accounts.push(await confirmedAccount(i % 2 ? one : other))
  const statuses = await Promise.all(
    accounts.flatMap(({ email, password, accessToken, refreshToken }) => [
      one.app.inject({ url: '/me', headers: { authorization: `Bearer ${accessToken}` } }),
      other.app.inject({ url: '/sessions', headers: { authorization: `Bearer ${accessToken}` } }),
      post(other, '/token/refresh', { refreshToken }),
      post(one, '/login', { email, password }),
      post(other, '/login', { email, password }),
    ]),
  )
  t.strictSame([...new Set(statuses.map(({ statusCode }) => statusCode))], [200])
  const newPassword = 'a staple of correct batteries'
  const [first] = accounts as [Account]
  const token = await resetToken(other, first.email)
  const answers = await Promise.all(
    [one, other, one, other].map(service => post(service, '/password-reset/confirm', { token, newPassword })),
  )
  t.strictSame(answers.map(({ statusCode }) => statusCode).sort(), [204, 400, 400, 400], 'one wins')
  const bearer = { authorization: `Bearer ${first.accessToken}` }
  t.equal((await other.app.inject({ url: '/me', headers: bearer })).statusCode, 401, 'sessions are over')
  t.equal((await post(one, '/login', { email: first.email, password: newPassword })).statusCode, 200)
  for (const { app, log } of [one, other]) {
    t.equal((await app.inject('/health/ready')).statusCode, 200)
    t.strictSame(
      log.filter(({ level }) => Number(level) >= 50),
      [],
      'nothing failed',
    )
  }
  return [one, other]
}

const poolMode = (pool_mode: string) => ({ pool_mode, default_pool_size: POOL, max_client_conn: 200 })

async function limit(database: PostgresServer) {
  for (const name of LIMITS) await database.run(`ALTER ROLE postgres SET ${name} = '5s'`)
}

t.test('in transaction mode, with ?pgbouncer=true', async t => {
  const database = await startPostgres(t)
  // A setting of a role applies from its next connection: PgBouncer must not have one yet.
  const pooled = async () =>
    `${await startPgBouncer(t, database.url, poolMode('transaction'))}?pgbouncer=true`
  const services = await twoInstances(t, await pooled())
  for (const service of services) {
    t.match(warnings(service), [{ level: 40, limits: LIMITS }], 'missing timeouts are reported')
    t.equal(warnings(service).length, 1, 'once')
  }
  await limit(database)
  for (const service of await twoInstances(t, await pooled())) t.strictSame(warnings(service), [])
})

t.test('in transaction mode without ?pgbouncer=true, readiness names the missing parameter', async t => {
  const database = await startPostgres(t)
  const { app } = await startApp(t, {
    databaseUrl: await startPgBouncer(t, database.url, poolMode('transaction')),
  })
  const { errors } = (await app.inject('/health/ready')).json()
  t.match(errors, [{ path: '/database', message: /pgbouncer=true/ }])
})

t.test('in session mode, with prepared statements', async t => {
  const database = await startPostgres(t)
  const settings = {
    ...poolMode('session'),
    default_pool_size: 30,
    ignore_startup_parameters: LIMITS.join(','),
  }
  await twoInstances(t, await startPgBouncer(t, database.url, settings))
})
