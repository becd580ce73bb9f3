import { setTimeout as delay } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { v7 as uuidv7 } from 'uuid'
import { housekeeper } from '../../../src/jobs/housekeeping.ts'
import { confirmedAccount, startApp, testClock } from '../../harness/app.ts'
import { freshDatabase } from '../../harness/database.ts'
import { openRows, type Rows } from '../../harness/rows.ts'
import { until } from '../../harness/until.ts'

const HOUR = 3600
const DAY = 24 * HOUR

async function kept(t: Test, interval = 1e8) {
  const { clock, advance } = testClock()
  const overrides = { clock, housekeeping: { interval, rest: 0 }, mail: { timing: { poll: 3600 } } }
  const world = await startApp(t, { overrides })
  return { ...world, clock, advance, rows: await openRows(t, world.databaseUrl) }
}

t.test('deletes expired rows and nothing else', async t => {
  const { app, smtp, rows, clock, advance } = await kept(t)
  const account = await confirmedAccount({ app, smtp })
  const payload = { email: 'pending@example.org', password: 'correct horse battery staple' }
  await app.inject({ method: 'POST', url: '/register', payload })
  await rows.settled()
  const now = clock()
  const mail = {
    kind: 'reset_request',
    recipient: 'nobody@example.org',
    attempts: 8,
    nextAttemptAt: now,
    createdAt: now,
  }
  const dead = uuidv7()
  const queued = uuidv7()
  await rows.client.outbox.createMany({
    data: [
      { ...mail, id: dead, state: 'dead', finishedAt: now },
      { ...mail, id: queued, state: 'queued', nextAttemptAt: new Date(now.getTime() + 100 * DAY * 1000) },
    ],
  })

  const counts = async () => ({
    users: await rows.client.user.count(),
    sessions: await rows.client.session.count(),
    registrations: await rows.client.registration.count(),
    finished: await rows.client.outbox.count({ where: { state: { in: ['sent', 'dropped'] } } }),
  })
  const { sweep } = housekeeper(app)
  /** The rows that remain after a sweep. */
  const settled = async () => {
    t.type(await sweep(), 'number')
    return counts()
  }
  t.strictSame(await settled(), { users: 1, sessions: 1, registrations: 1, finished: 2 })
  advance(DAY)
  t.strictSame(
    await settled(),
    { users: 1, sessions: 1, registrations: 1, finished: 2 },
    'a registration stays while a mail could be under way whose link would confirm it',
  )
  advance(2 * DAY)
  t.strictSame(await settled(), { users: 1, sessions: 1, registrations: 0, finished: 2 }, 'and then goes')
  advance(4 * DAY - 60)
  t.strictSame((await settled()).finished, 2, 'emails are kept for a week')
  advance(120)
  t.strictSame(await settled(), { users: 1, sessions: 1, registrations: 0, finished: 0 }, 'and then go')
  const me = await app.inject({ url: '/me', headers: { authorization: `Bearer ${account.accessToken}` } })
  t.equal(me.statusCode, 401, 'an access token ends long before')
  advance(7 * DAY)
  t.strictSame(
    await settled(),
    { users: 1, sessions: 0, registrations: 0, finished: 0 },
    'a session after two weeks',
  )
  t.strictSame(
    (await rows.client.outbox.findMany({ orderBy: { state: 'asc' } })).map(({ id }) => id),
    [dead, queued],
    'dead letters and queued emails are kept',
  )
  advance(20 * DAY)
  await settled()
  t.strictSame(
    (await rows.client.outbox.findMany()).map(({ id }) => id),
    [queued],
    'a dead letter is deleted after a month, a queued email never',
  )
})

t.test('attempts are deleted with their codes, and events after a year', async t => {
  const { rows, clock } = await kept(t, 10)
  const now = clock().getTime()
  const guess = (id: string, expiresAt: number) => ({ id, count: 1, expiresAt: new Date(expiresAt) })
  await rows.client.guess.createMany({ data: [guess('gone', now - 1000), guess('alive', now + 60_000)] })
  const event = (id: string, at: number) => ({ id, userId: 'somebody', kind: 'logged_in', at: new Date(at) })
  const year = 365 * DAY * 1000
  await rows.client.event.createMany({
    data: [event('old', now - year - 60_000), event('young', now - DAY * 1000)],
  })
  await until('the old event is gone', async () => (await rows.client.event.count()) === 1)
  t.strictSame(
    (await rows.client.event.findMany()).map(({ id }) => id),
    ['young'],
  )
  await until('the old count is gone', async () => (await rows.client.guess.count()) === 1)
  t.strictSame(
    (await rows.client.guess.findMany()).map(({ id }) => id),
    ['alive'],
  )
})

t.test('continues after an outage of the database', async t => {
  const { rows, log, clock } = await kept(t, 10)
  await rows.client.$executeRawUnsafe('ALTER TABLE pending_registrations RENAME TO elsewhere')
  await until('the failure is told of', () =>
    log.some(({ level, msg }) => level === 50 && /could not be deleted/.test(String(msg))),
  )
  await rows.client.$executeRawUnsafe('ALTER TABLE elsewhere RENAME TO pending_registrations')
  const past = new Date(clock().getTime() - 1000)
  await rows.client.registration.create({
    data: { id: uuidv7(), email: 'a@example.org', createdAt: past, expiresAt: past },
  })
  await until('the next sweep works', async () => (await rows.client.registration.count()) === 0)
})

t.test('close() waits for the current sweep and starts no other', async t => {
  const { app, log } = await kept(t, 1)
  await delay(30)
  await app.close()
  const before = log.length
  await delay(50)
  t.equal(log.length, before, 'no error of a sweep on a closed database')
  t.notOk(log.some(({ level }) => Number(level) >= 50))
})

/** No automatic sweep and no mail worker. */
const BY_HAND = { housekeeping: { interval: 1e8 }, mail: { timing: { poll: 3600 } } }

/** An hour of heavy use: rows of each kind, expiring when those of the service would. */
async function busyHour({ client }: Rows, now: Date, count: number) {
  const after = (seconds: number) => new Date(now.getTime() + seconds * 1000)
  const some = <Row>(make: () => Row): Row[] => Array.from({ length: count }, make)
  const owner = { email: `${uuidv7()}@example.org`, passwordHash: 'x', createdAt: now }
  const user = await client.user.create({ data: { ...owner, id: uuidv7(), passwordChangedAt: now } })
  const mail = {
    kind: 'reset_request',
    recipient: owner.email,
    attempts: 1,
    nextAttemptAt: now,
    createdAt: now,
  }
  await client.session.createMany({
    data: some(() => ({
      id: uuidv7(),
      userId: user.id,
      refreshHash: 'x',
      createdAt: now,
      refreshedAt: now,
      expiresAt: after(14 * DAY),
    })),
  })
  await client.registration.createMany({
    data: some(() => ({ id: uuidv7(), email: uuidv7(), createdAt: now, expiresAt: after(3 * DAY) })),
  })
  await client.guess.createMany({ data: some(() => ({ id: uuidv7(), count: 1, expiresAt: after(HOUR) })) })
  await client.event.createMany({
    data: some(() => ({ id: uuidv7(), userId: user.id, kind: 'logged_in', at: now })),
  })
  await client.outbox.createMany({
    data: (['sent', 'dropped', 'dead'] as const).flatMap(state =>
      some(() => ({ ...mail, id: uuidv7(), state, finishedAt: now })),
    ),
  })
}

t.test('no table grows beyond its retention in five months of heavy use', async t => {
  const { clock, advance } = testClock()
  const env = { EVENT_RETENTION: String(90 * DAY), DEAD_MAIL_RETENTION: String(30 * DAY) }
  const { app, databaseUrl, log } = await startApp(t, { env, overrides: { ...BY_HAND, clock } })
  const rows = await openRows(t, databaseUrl)
  const { sweep } = housekeeper(app, { rest: 0 })
  const A_STEP = 20
  const most = { sessions: 0, registrations: 0, guesses: 0, events: 0, sent: 0, dead: 0 }
  for (let day = 0; day < 150; day += 10) {
    await busyHour(rows, clock(), A_STEP)
    advance(10 * DAY)
    t.type(await sweep(), 'number')
    const { client } = rows
    const counts = {
      sessions: await client.session.count(),
      registrations: await client.registration.count(),
      guesses: await client.guess.count(),
      events: await client.event.count(),
      sent: await client.outbox.count({ where: { state: { not: 'dead' } } }),
      dead: await client.outbox.count({ where: { state: 'dead' } }),
    }
    for (const kind of Object.keys(most) as (keyof typeof most)[])
      most[kind] = Math.max(most[kind], counts[kind])
  }
  const steps = (count: number) => count * A_STEP
  t.strictSame(most, {
    sessions: steps(1),
    registrations: 0,
    guesses: 0,
    events: steps(8),
    sent: 0,
    dead: steps(2),
  })
  t.equal(await rows.client.user.count(), 15, 'accounts stay')
  t.notOk(log.some(({ level }) => Number(level) >= 50))
})

t.test('an email is kept for the lifetime of its code', async t => {
  const { clock, advance } = testClock()
  const env = { CONFIRM_TOKEN_TTL: String(9 * DAY) }
  const { app, databaseUrl } = await startApp(t, { env, overrides: { ...BY_HAND, clock } })
  const rows = await openRows(t, databaseUrl)
  const { sweep } = housekeeper(app, { rest: 0 })
  await app.inject({ method: 'POST', url: '/register', payload: { email: 'ada@example.org' } })
  await rows.settled()
  advance(9 * DAY - 1)
  await sweep()
  t.equal(await rows.client.outbox.count({ where: { state: 'sent' } }), 1, 'longer than MAIL_RETENTION')
  advance(2)
  await sweep()
  t.equal(await rows.client.outbox.count(), 0)
})

t.test('one instance sweeps; another takes over when the lease expires', async t => {
  const { clock, advance } = testClock()
  const databaseUrl = await freshDatabase(t)
  const overrides = { ...BY_HAND, clock }
  const apps = [await startApp(t, { databaseUrl, overrides }), await startApp(t, { databaseUrl, overrides })]
  const [first, second] = apps.map(({ app }) => housekeeper(app, { rest: 5 }))
  const rows = await openRows(t, databaseUrl)
  await busyHour(rows, clock(), 600)
  advance(14 * DAY)
  const results = await Promise.all([first?.sweep(), second?.sweep()])
  t.equal(results.filter(result => result === undefined).length, 1, 'the other instance does not sweep')
  t.ok(results.includes(600 * 5), 'sessions, registrations, tries, sent and dropped mails are gone', {
    results,
  })
  t.equal(await second?.sweep(), 0, 'afterwards any instance may')

  // The state that a crashed instance leaves.
  const expiresAt = new Date(clock().getTime() + 60_000)
  await rows.client.lease.create({ data: { id: 'housekeeping', holder: 'dead', expiresAt } })
  t.equal(await first?.sweep(), undefined)
  advance(59)
  t.equal(await second?.sweep(), undefined)
  advance(1)
  t.equal(await first?.sweep(), 0)
  t.equal(await rows.client.lease.count(), 0)
})

t.test('deletes in small batches, and skips rows that cannot be deleted', async t => {
  const { clock, advance } = testClock()
  const { app, databaseUrl, log } = await startApp(t, { overrides: { ...BY_HAND, clock } })
  const rows = await openRows(t, databaseUrl)
  await busyHour(rows, clock(), 600)
  advance(14 * DAY)
  const { remove } = app.database.expired
  const batches: string[] = []
  app.database.expired.remove = async (kind, before, limit) => {
    const count = await remove(kind, before, limit)
    batches.push(`${kind} ${count}`)
    return count
  }
  await rows.client.$executeRawUnsafe('ALTER TABLE sessions RENAME TO elsewhere')
  t.equal(await housekeeper(app, { rest: 0 }).sweep(), 600 * 4)
  t.strictSame(batches, [
    ...['registrations 500', 'registrations 100'],
    'legacy_registrations 0',
    ...['guesses 500', 'guesses 100'],
    'familiar_networks 0',
    'mail_turns 0',
    'events 0',
    ...['mails_sent 500', 'mails_sent 100'],
    ...['mails_dropped 500', 'mails_dropped 100'],
    'mails_dead 0',
    'mails_cancelled 0',
    'notices 0',
    'deleted_histories 0',
    'deleted_mails 0',
    'deleted_accounts 0',
  ])
  t.match(
    log.filter(({ level }) => level === 50),
    [{ kind: 'sessions', msg: /could not be deleted/, reason: /sessions/ }],
  )
  await rows.client.$executeRawUnsafe('ALTER TABLE elsewhere RENAME TO sessions')
  t.equal(await housekeeper(app, { rest: 0 }).sweep(), 600, 'the next sweep deletes them')
})

t.test('rows that cannot be deleted are one line at the start and one at the end', async t => {
  const { app, databaseUrl, log } = await startApp(t, { overrides: BY_HAND })
  const { client } = await openRows(t, databaseUrl)
  const { sweep } = housekeeper(app, { rest: 0 })
  const sweeps = async () => {
    for (let times = 0; times < 3; times++) await sweep()
  }
  const rename = (from: string, to: string) => client.$executeRawUnsafe(`ALTER TABLE ${from} RENAME TO ${to}`)
  const failed = (kind?: string) => ({ level: 50, kind, msg: 'expired rows could not be deleted' })
  const works = (kind?: string) => ({ level: 30, kind, msg: 'expired rows are deleted again' })
  /** The lines so far, without the fields that are not compared. */
  const lines = () =>
    log
      .filter(({ msg }) => /^expired rows/.test(String(msg)))
      .map(({ level, kind, msg }) => ({ level, kind, msg }))

  await sweeps()
  t.strictSame(lines(), [])
  await rename('sessions', 'sessions_elsewhere')
  await sweeps()
  await rename('guesses', 'guesses_elsewhere')
  await sweeps()
  await rename('sessions_elsewhere', 'sessions')
  await sweeps()
  const expected = [failed('sessions'), failed('guesses'), works('sessions')]
  t.strictSame(lines(), expected, 'for each kind of rows')
  await rename('guesses_elsewhere', 'guesses')
  await rename('leases', 'leases_elsewhere')
  await sweeps()
  t.strictSame(lines(), [...expected, failed()], 'and for the lease')
  await rename('leases_elsewhere', 'leases')
  await sweeps()
  t.strictSame(lines(), [...expected, failed(), works('guesses'), works()])
})
