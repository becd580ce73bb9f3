/**
 * PostgreSQL fails under load: shut down, crashed, hung with its connections open, and read-only as after a failover.
 * Meanwhile every response is a 503 problem in bounded time; afterwards the same process serves again, and no
 * acknowledged change is lost.
 */
import t, { type Test } from 'tap'
import { openRows } from '../../harness/rows.ts'
import { until } from '../../harness/until.ts'
import { ask, type Ledger } from './load.ts'
import {
  everyLoginHasASession,
  everyRegistrationExists,
  haveNoErrors,
  isConsistent,
  isOverloaded,
  isSuccess,
  slowest,
} from './outage-invariants.ts'
import { type PostgresServer, startPostgres } from './private-postgres.ts'
import { type Service, startService } from './service.ts'

/** More than the connections of the pool, so that some wait for one. */
const PEOPLE = 14
/** Timeouts for a connection and for a statement: 3 s and 6 s, doubled for a busy machine. */
const LONGEST_ANSWER_MS = 18_000
/** Lease of a row that the mail worker has claimed. */
const LEASE_MS = 60_000

interface Outage extends Service {
  database: PostgresServer
  /** When it was last ready after an outage; milliseconds since the epoch. */
  recoveredAt: number
}

async function startOutage(t: Test): Promise<Outage> {
  const database = await startPostgres(t)
  return {
    ...(await startService(t, { databaseUrl: database.url, people: PEOPLE })),
    database,
    recoveredAt: 0,
  }
}

/** Responses of probes while the database is unreachable. */
async function probesReport(t: Test, url: string, message: string | RegExp) {
  // The state that /health/ready reports may be a second old.
  await until('readiness has noticed', async () => (await ask(url, 'GET', '/health/ready')).status === 503)
  const [ready, live] = await Promise.all([ask(url, 'GET', '/health/ready'), ask(url, 'GET', '/health/live')])
  t.equal(live.status, 200, 'it lives')
  t.ok(live.ms < 5000, 'and says so at once', { ms: live.ms })
  t.match([ready.status, ready.body], [503, { code: 'not_ready', errors: [{ path: '/database', message }] }])
  t.ok(ready.ms < LONGEST_ANSWER_MS, 'readiness is told in time', { ms: ready.ms })
}

async function recovers(service: Outage) {
  const { url, crowd } = service
  await until('it is ready', async () => (await ask(url, 'GET', '/health/ready')).status === 200)
  service.recoveredAt = Date.now()
  await until('people are served again', async () => (await crowd.answers(PEOPLE)).every(isSuccess))
}

/** Asserts that every acknowledged change is there. */
async function losesNoChange(t: Test, { database, smtp, url, recoveredAt }: Outage, ledger: Ledger) {
  const rows = await openRows(t, database.url)
  await everyRegistrationExists(t, rows, ledger)
  await everyLoginHasASession(t, url, ledger)
  // Rows that could not be released wait for their lease, for which the test has no time. Rows claimed since are
  // being sent, and would be sent twice.
  const during = { lt: new Date(recoveredAt + LEASE_MS) }
  await rows.client.outbox.updateMany({
    where: { state: 'queued', leasedUntil: during },
    data: { nextAttemptAt: new Date() },
  })
  await rows.settled()
  const unsent = await rows.client.outbox.findMany({ where: { state: { not: 'sent' } } })
  t.strictSame(unsent, [], 'no mail is lost')
  const mails = (email: string, subject: RegExp) =>
    smtp.mails.filter(mail => mail.to.includes(email) && subject.test(mail.subject)).length
  t.strictSame(
    ledger.registered.filter(email => mails(email, /confirm/i) !== 1),
    [],
    'each registration has one email',
  )
  t.strictSame(
    [...ledger.resetAsked].filter(email => mails(email, /reset/i) === 0),
    [],
    'and each reset one',
  )
}

async function isComplete(t: Test, service: Outage) {
  const ledger = await service.crowd.stop()
  haveNoErrors(t, ledger.replies, 'from beginning to end')
  await losesNoChange(t, service, ledger)
  isConsistent(t, service.service, ledger)
  t.comment(
    `${ledger.replies.length} answers, ${ledger.replies.filter(isOverloaded).length} of them 503, slowest ${Math.round(slowest(ledger.replies))} ms`,
  )
}

t.test('PostgreSQL is stopped, crashes and recovers under load', async t => {
  const service = await startOutage(t)
  const { database, url, crowd } = service
  for (const how of ['fast', 'immediate'] as const) {
    await database.stop(how)
    const without = await crowd.answers(4 * PEOPLE)
    t.ok(without.every(isOverloaded), `${how}: nobody is told yes without a database`)
    t.ok(slowest(without) < LONGEST_ANSWER_MS, `${how}: all in bounded time`, { ms: slowest(without) })
    await probesReport(t, url, 'does not answer')
    await database.start()
    await recovers(service)
  }
  await isComplete(t, service)
})

t.test('PostgreSQL hangs under load with its connections open', async t => {
  const service = await startOutage(t)
  const { database, url, crowd } = service
  database.pause()
  const without = await crowd.answers(3 * PEOPLE)
  t.ok(without.every(isOverloaded), 'nobody is told yes')
  t.ok(slowest(without) < LONGEST_ANSWER_MS, 'and nobody waits for it to come back', { ms: slowest(without) })
  await probesReport(t, url, /^does not answer/)
  database.resume()
  await recovers(service)
  await isComplete(t, service)
})

t.test('PostgreSQL becomes read-only under load, like the old primary after a failover', async t => {
  const service = await startOutage(t)
  const { database, url, crowd } = service
  // Open connections keep the settings they started with: as in a failover, this cuts them, and new ones are read-
  // only. Those stay read-only although the database no longer is: the service has to close them.
  await database.run('ALTER DATABASE accounts SET default_transaction_read_only = on')
  await database.run(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'accounts'`)
  await until('every write is refused', async () =>
    (await crowd.answers(4 * PEOPLE)).every(({ path, status }) => path === '/me' || status === 503),
  )
  const without = await crowd.answers(4 * PEOPLE)
  t.ok(without.filter(({ path }) => path === '/me').every(isSuccess), 'reads are answered')
  t.ok(without.filter(({ path }) => path !== '/me').every(isOverloaded), 'writes are refused')
  t.match(without.find(isOverloaded)?.body, { detail: /cannot be written to/ })
  await probesReport(t, url, 'cannot be written to')
  await database.run('ALTER DATABASE accounts SET default_transaction_read_only = off')
  await recovers(service)
  await isComplete(t, service)
})
