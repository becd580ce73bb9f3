import { setTimeout as delay } from 'node:timers/promises'
import type { FastifyBaseLogger } from 'fastify'
import t from 'tap'
import { backoff } from '../../../src/shared/backoff.ts'
import { type OutageFacts, outageLog } from '../../../src/shared/outage-log.ts'
import { startApp } from '../../harness/app.ts'
import { emptyDatabase, freshDatabase, providers } from '../../harness/database.ts'
import { postgresGate } from '../../harness/postgres-gate.ts'
import { recordQueries } from '../../harness/queries.ts'
import { until } from '../../harness/until.ts'

const skip = providers.find(({ provider }) => provider === 'postgresql')?.skip ?? false

/** How long the loops of an instance are observed; milliseconds. */
const OBSERVED_MS = 2500
/** The worker polls at once, after about 1 s and after about 2 s more; each poll is one connection. */
const MOST_ATTEMPTS = 3

const faults = (log: Record<string, unknown>[]) => log.filter(({ level }) => Number(level) >= 40)

t.test('background jobs back off during an outage and log one line', async t => {
  const cases: [string, (gate: Awaited<ReturnType<typeof postgresGate>>) => void, RegExp][] = [
    ['drops connections', gate => gate.drop(), /does not answer|closed the connection/],
    [
      'refuses the password',
      gate => gate.refuse('28P01', 'password authentication failed'),
      /user name or password/,
    ],
  ]
  const watched = await Promise.all(
    cases.map(async ([name, fail, reason]) => {
      const gate = await postgresGate(t)
      fail(gate)
      const { log } = await startApp(t, { databaseUrl: gate.url })
      return { name, reason, gate, log }
    }),
  )
  const before = watched.map(({ gate }) => gate.attempts())
  await delay(OBSERVED_MS)
  for (const [index, { name, reason, gate, log }] of watched.entries()) {
    t.ok(gate.attempts() >= 1, `${name}: it is tried`)
    t.ok(gate.attempts() - (before[index] ?? 0) <= MOST_ATTEMPTS, `${name}: and not in a storm`, {
      attempts: gate.attempts(),
    })
    t.match(faults(log), [{ level: 50, msg: 'the database cannot be used', reason }], `${name}: one line`)
    t.equal(faults(log).length, 1, name)
  }
})

t.test('missing tables are logged once and retried with back-off', { skip }, async t => {
  const { log, app } = await startApp(t, { databaseUrl: await emptyDatabase(t, 'postgresql') })
  const queries: string[] = []
  recordQueries(app, name => void queries.push(name))
  for (let probe = 0; probe < 20; probe++) await app.inject('/health/ready')
  await delay(OBSERVED_MS)
  const polls = queries.filter(name => name.startsWith('outbox.'))
  t.ok(polls.length >= 1 && polls.length <= MOST_ATTEMPTS, 'the outbox is polled, and not in a storm', {
    polls,
  })
  t.match(
    faults(log)
      .map(({ msg }) => msg)
      .sort(),
    ['the instance is not ready', 'the outbox cannot be read'],
  )
})

t.test('requests during an outage log no error, and its end is one line', { skip }, async t => {
  const gate = await postgresGate(t, await freshDatabase(t, 'postgresql'))
  gate.open()
  const { app, log, smtp } = await startApp(t, { databaseUrl: gate.url })
  t.equal((await app.inject('/health/ready')).statusCode, 200)
  t.strictSame(faults(log), [])

  gate.drop()
  const ask = () =>
    app.inject({ method: 'POST', url: '/password-reset/request', payload: { email: 'ada@example.org' } })
  const answers = await Promise.all(Array.from({ length: 30 }, ask))
  t.ok(answers.every(({ statusCode }) => statusCode === 503))
  t.match(faults(log), [{ level: 50, msg: 'the database cannot be used', reason: String }])
  t.equal(faults(log).length, 1, 'one line for all of them')
  const answered = log.filter(({ msg, status }) => msg === 'answered' && status === 503)
  t.equal(answered.length, 30, 'and each its own, with its code')
  t.ok(answered.every(({ code }) => code === 'overloaded'))
  t.notMatch(JSON.stringify(log), /"stack"/, 'and no stack')

  gate.open()
  const lines = faults(log).length
  t.equal((await ask()).statusCode, 202)
  const ends = () => log.filter(({ msg }) => msg === 'the database can be used again')
  await until('the end is told', () => ends().length > 0)
  t.match(ends(), [{ level: 30, seconds: Number }])
  t.equal(ends().length, 1)
  t.equal(faults(log).length, lines)
  t.strictSame(smtp.mails, [], 'no line contains the address')
})

t.test('an outage with alternating reasons logs one line, and one more if its kind changes', async t => {
  const lines: unknown[] = []
  const write = (level: string) => (facts: unknown, msg: unknown) => void lines.push([level, facts, msg])
  const log = { error: write('error'), info: write('info') } as unknown as FastifyBaseLogger
  const outage = outageLog(log, { failed: 'it fails', worked: 'it works' }, facts => facts as OutageFacts)
  const silent = { reason: 'does not answer', kind: 'away' }
  const closed = { reason: 'closed the connection', kind: 'away' }
  const refused = { reason: 'refuses the password', kind: 'refused' }
  for (const round of [1, 2]) {
    lines.length = 0
    outage.worked()
    for (const facts of [silent, closed, silent, refused, closed, refused]) outage.failed(facts)
    outage.worked()
    outage.worked()
    const expected = [
      ['error', { reason: 'does not answer' }, 'it fails'],
      ['error', { reason: 'refuses the password' }, 'it fails'],
      ['info', { seconds: 0 }, 'it works'],
    ]
    t.strictSame(lines, expected, `outage ${round}`)
  }
})

t.test('delays double up to the limit, with 25 % jitter, and are reset by a success', async t => {
  const { next, reset } = backoff(1000, 15_000)
  const expected = [1000, 2000, 4000, 8000, 15_000, 15_000]
  for (const middle of expected) {
    const delayed = next()
    t.ok(delayed >= middle * 0.75 && delayed <= middle * 1.25, `${middle}`, { delayed })
  }
  reset()
  t.ok(next() <= 1250)
  const drawn = new Set(Array.from({ length: 10 }, () => backoff(1000, 15_000).next()))
  t.ok(drawn.size > 5, 'instances do not retry together')
})

t.test('a flapping outage is logged again only after the quiet time', async t => {
  const lines: unknown[] = []
  const write = (_facts: unknown, msg: unknown) => void lines.push(msg)
  const log = { error: write, info: write } as unknown as FastifyBaseLogger
  let time = 0
  const outage = outageLog(log, { failed: 'fails', worked: 'works' }, () => ({ reason: 'refused' }), {
    quiet: 1000,
    now: () => time,
  })
  for (const at of [0, 10, 999]) {
    time = at
    outage.failed('')
    outage.worked()
  }
  t.strictSame(lines, ['fails', 'works'])
  for (const at of [999, 1000, 1500]) {
    time = at
    outage.failed('')
  }
  t.strictSame(lines, ['fails', 'works', 'fails'], 'one that lasts is')
})
