import { setTimeout as delay } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { v7 as uuidv7 } from 'uuid'
import { confirmedAccount, startApp, testClock } from '../harness/app.ts'
import { openRows } from '../harness/rows.ts'
import { until } from '../harness/until.ts'

const HOUR = 3600
const DAY = 24 * HOUR

async function kept(t: Test, interval: number) {
  const { clock, advance } = testClock()
  const overrides = { clock, housekeeping: { interval }, mail: { timing: { poll: 3600 } } }
  const world = await startApp(t, { overrides })
  return { ...world, clock, advance, rows: await openRows(t, world.databaseUrl) }
}

t.test('what has run out is removed, and nothing that has not', async t => {
  const { app, smtp, rows, clock, advance } = await kept(t, 20)
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
  /** What is there once several sweeps have passed. */
  const settled = async () => {
    await delay(150)
    return counts()
  }
  t.strictSame(await settled(), { users: 1, sessions: 1, registrations: 1, finished: 2 })
  advance(DAY - 60)
  t.strictSame(
    await settled(),
    { users: 1, sessions: 1, registrations: 1, finished: 2 },
    'mails stay for a day',
  )
  advance(120)
  t.strictSame(await settled(), { users: 1, sessions: 1, registrations: 1, finished: 0 }, 'and then go')
  advance(2 * DAY)
  t.strictSame(
    await settled(),
    { users: 1, sessions: 1, registrations: 0, finished: 0 },
    'a registration goes when no mail could be under way any more whose link would confirm it',
  )
  const me = await app.inject({ url: '/me', headers: { authorization: `Bearer ${account.accessToken}` } })
  t.equal(me.statusCode, 401, 'an access token ends long before')
  advance(11 * DAY)
  t.strictSame(
    await settled(),
    { users: 1, sessions: 0, registrations: 0, finished: 0 },
    'a session after two weeks',
  )
  t.strictSame(
    (await rows.client.outbox.findMany({ orderBy: { state: 'asc' } })).map(({ id }) => id),
    [dead, queued],
    'dead letters and waiting mails are kept',
  )
  advance(20 * DAY)
  await settled()
  t.strictSame(
    (await rows.client.outbox.findMany()).map(({ id }) => id),
    [queued],
    'a dead letter goes after a month, a waiting mail never',
  )
})

t.test('tries at codes go with their codes, and the history after a year', async t => {
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

t.test('a database that fails for a while does not end it', async t => {
  const { rows, log, clock } = await kept(t, 10)
  await rows.client.$executeRawUnsafe('ALTER TABLE registrations RENAME TO elsewhere')
  await until('the failure is told of', () =>
    log.some(({ level, msg }) => level === 50 && /could not be removed/.test(String(msg))),
  )
  await rows.client.$executeRawUnsafe('ALTER TABLE elsewhere RENAME TO registrations')
  const past = new Date(clock().getTime() - 1000)
  await rows.client.registration.create({
    data: { id: uuidv7(), email: 'a@example.org', passwordHash: 'x', createdAt: past, expiresAt: past },
  })
  await until('the next sweep works', async () => (await rows.client.registration.count()) === 0)
})

t.test('close() waits for a sweep under way and begins no other', async t => {
  const { app, log } = await kept(t, 1)
  await delay(30)
  await app.close()
  const before = log.length
  await delay(50)
  t.equal(log.length, before, 'no error of a sweep on a closed database')
  t.notOk(log.some(({ level }) => Number(level) >= 50))
})
