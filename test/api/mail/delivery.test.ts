// Deliveries that fail: back-off with jitter up to a dead letter, and one log line for each change of state.
import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { MailSendError, type MailTransport } from '../../../src/mail/transport.ts'
import { confirmedAccount, startApp, type TestApp, testClock, tokenIn } from '../../harness/app.ts'
import { provider, providers } from '../../harness/database.ts'
import { openRows, type Rows } from '../../harness/rows.ts'
import { startSmtpServer } from '../../harness/smtp.ts'
import { until } from '../../harness/until.ts'

/** A worker that polls only when it is woken, so that a lost wake is noticed. */
const ONLY_WHEN_WOKEN = { poll: 3600 }

const skip = providers.find(({ provider }) => provider === 'postgresql')?.skip ?? false

/** The errors and warnings of a log. */
const faults = (log: TestApp['log']) => log.filter(({ level }) => Number(level) >= 40)
const count = (log: TestApp['log'], pattern: RegExp) =>
  log.filter(({ msg }) => pattern.test(String(msg))).length

const ask = ({ app }: Pick<TestApp, 'app'>, email: string) =>
  app.inject({ method: 'POST', url: '/password-reset/request', payload: { email } })

const register = ({ app }: Pick<TestApp, 'app'>, email: string) => {
  const payload = { email, password: 'correct horse battery staple' }
  return app.inject({ method: 'POST', url: '/register', payload })
}

const rowOf = ({ client }: Rows, recipient: string) =>
  client.outbox.findFirstOrThrow({ where: { recipient }, orderBy: { id: 'desc' } })

/** The newest row of a recipient, once it is not claimed and has been tried `attempts` times. */
async function rowAfter(rows: Rows, attempts: number, recipient: string) {
  await until(
    `the row was tried ${attempts} times`,
    async () => {
      const now = await rowOf(rows, recipient)
      return now.attempts === attempts && now.leasedUntil === null
    },
    15_000,
  )
  return rowOf(rows, recipient)
}

/** An error of the network, which counts as an outage of the database. */
const unreachable = () => Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' })

const OBSTRUCTIONS = {
  sqlite: { skips: 'SELECT RAISE(IGNORE)', refuses: `SELECT RAISE(ABORT, 'refused here')` },
  postgresql: { skips: 'RETURN NULL', refuses: `RAISE EXCEPTION 'refused here'` },
}

/** Makes a table skip or refuse changes of one kind. Returns how to end it. */
async function obstruct(
  { client }: Rows,
  how: keyof (typeof OBSTRUCTIONS)['sqlite'],
  change: 'INSERT' | 'UPDATE',
  table: string,
) {
  const trigger = `CREATE TRIGGER obstruction BEFORE ${change} ON ${table}`
  const body = `BEGIN ${OBSTRUCTIONS[provider][how]}; END`
  if (provider === 'sqlite') {
    await client.$executeRawUnsafe(`${trigger} ${body}`)
    return () => client.$executeRawUnsafe('DROP TRIGGER obstruction')
  }
  await client.$executeRawUnsafe(
    `CREATE FUNCTION obstruction() RETURNS trigger LANGUAGE plpgsql AS $$ ${body} $$`,
  )
  await client.$executeRawUnsafe(`${trigger} FOR EACH ROW EXECUTE FUNCTION obstruction()`)
  return () => client.$executeRawUnsafe(`DROP TRIGGER obstruction ON ${table}`)
}

interface Failure {
  name: string
  /** Makes deliveries fail. Returns how to end that. */
  begin(world: TestApp & { rows: Rows }): Promise<() => unknown>
  lastError: RegExp
  /** The errors and warnings of eight attempts. */
  lines: RegExp[]
}

const UNPROCESSED = /^emails cannot be processed/
const DEAD = /^email is a dead letter$/
let deferring = false

const failures: Failure[] = [
  {
    name: 'is deferred by the mail server',
    async begin() {
      deferring = true
      return () => {
        deferring = false
      }
    },
    lastError: /^SMTP .*451/,
    lines: [...Array.from({ length: 7 }, () => /^SMTP delivery failed/), DEAD],
  },
  {
    name: 'meets a missing table',
    async begin({ rows: { client } }) {
      await client.$executeRawUnsafe('ALTER TABLE mail_turns RENAME TO elsewhere')
      return () => client.$executeRawUnsafe('ALTER TABLE elsewhere RENAME TO mail_turns')
    },
    lastError: /mail_turns/,
    lines: [UNPROCESSED, DEAD],
  },
  {
    name: 'always finds its turn changed by others',
    begin: ({ rows }) => obstruct(rows, 'skips', 'INSERT', 'mail_turns'),
    lastError: /another worker changed the turns/,
    lines: [UNPROCESSED, DEAD],
  },
  {
    name: 'is interrupted by outages that polls do not meet',
    async begin({ app }) {
      const { mailTurns } = app.database
      const { lead } = mailTurns
      mailTurns.lead = () => Promise.reject(unreachable())
      return () => {
        mailTurns.lead = lead
      }
    },
    lastError: /ECONNREFUSED/,
    lines: [UNPROCESSED, DEAD],
  },
]

for (const { name, begin, lastError, lines } of failures) {
  t.test(`an email that ${name} is retried eight times over a day, then a dead letter`, async t => {
    const { clock, advance } = testClock()
    const smtp = await startSmtpServer(t, {
      respond: command =>
        command === 'DATA' && deferring ? { code: 451, text: 'try again later' } : undefined,
    })
    const world = await startApp(t, {
      env: { EMAIL_CONFIRMATION: 'off', RATE_LIMIT: 'on' },
      smtp,
      overrides: { clock, mail: { timing: ONLY_WHEN_WOKEN } },
    })
    const { app, log } = world
    const rows = await openRows(t, world.databaseUrl)
    const email = 'ada@example.org'
    await register(world, email)
    const end = await begin({ ...world, rows })
    t.equal((await ask(world, email)).statusCode, 202)

    let waited = 0
    for (let attempts = 1; attempts < 8; attempts++) {
      const row = await rowAfter(rows, attempts, email)
      const wait = (row.nextAttemptAt.getTime() - clock().getTime()) / 1000
      const expected = 30 * 3.6 ** (attempts - 1)
      t.ok(
        wait >= expected * 0.79 && wait <= expected * 1.21,
        `after try ${attempts} about ${Math.round(expected)} s`,
        { wait },
      )
      t.match(row, { state: 'queued', finishedAt: null, lastError })
      app.mail.wake()
      await delay(20)
      t.equal((await rowOf(rows, email)).attempts, attempts, 'not before its time')
      advance(wait)
      waited += wait
      app.mail.wake()
    }
    t.ok(waited > 16 * 3600 && waited < 36 * 3600, 'about a day in all', { hours: waited / 3600 })
    const dead = await rowAfter(rows, 8, email)
    t.match(dead, { state: 'dead', lastError })
    t.strictSame(dead.finishedAt, clock())
    await until('an alert is logged', () => count(log, DEAD) > 0)
    await end()
    advance(100_000)
    app.mail.wake()
    await delay(50)
    t.equal((await rowOf(rows, email)).attempts, 8, 'a dead letter is not retried')
    t.equal(smtp.mails.length, 0)
    t.match(
      faults(log).map(({ msg }) => msg),
      lines,
    )
    t.equal(faults(log).length, lines.length)
    t.match(faults(log).at(-1), { level: 50, msg: DEAD })
    t.notMatch(JSON.stringify(log), /ada@/)

    await ask(world, email)
    await smtp.waitForMails(1)
    await rows.settled()
    await until('the log has its lines', () => count(log, /^email sent/) > 0)
    t.equal(count(log, /^emails are processed again/), lines.includes(UNPROCESSED) ? 1 : 0)
  })
}

t.test('a permanently refused email is a dead letter at once, without secrets in row and log', async t => {
  let quoted = ''
  const smtp = await startSmtpServer(t, {
    respond: (command, address) =>
      command === 'RCPT' && address.startsWith('refused')
        ? { code: 550, text: `no such user; see https://example.org/#token=${quoted}` }
        : undefined,
  })
  const world = await startApp(t, { smtp, env: { EMAIL_CONFIRMATION: 'off' } })
  const rows = await openRows(t, world.databaseUrl)
  const payload = { email: 'refused@example.org', password: 'correct horse battery staple' }
  await world.app.inject({ method: 'POST', url: '/register', payload })
  quoted = world.app.tokens.reset.mint(await rows.client.user.findFirstOrThrow(), {}).token
  await ask(world, payload.email)
  const row = await rowAfter(rows, 1, payload.email)
  t.match(row, { state: 'dead', attempts: 1, lastError: /550/, finishedAt: Date })
  const { user } = rows.client
  const { id: userId } = await user.findFirstOrThrow()
  const notice = { kind: 'password_changed' as const, recipient: payload.email, userId }
  await world.app.database.outbox.enqueue(notice, world.app.clock())
  world.app.mail.wake()
  await until('both are logged', () => count(world.log, DEAD) === 2)
  t.match(
    world.log.filter(({ msg }) => DEAD.test(String(msg))),
    [
      { level: 40, kind: 'reset_request' },
      { level: 50, kind: 'password_changed' },
    ],
    'a request of a stranger pages nobody',
  )
  t.notMatch(row.lastError, quoted)
  t.notMatch(JSON.stringify(world.log), quoted)

  await world.app.inject({
    method: 'POST',
    url: '/register',
    payload: { ...payload, email: 'bob@example.org' },
  })
  await ask(world, 'bob@example.org')
  t.strictSame(
    (await smtp.waitForMails(1)).map(({ to }) => to),
    [['bob@example.org']],
    'others are not delayed',
  )
})

t.test('emails that fail together are retried at different times', async t => {
  const { clock } = testClock()
  const smtp = await startSmtpServer(t, { respond: () => ({ code: 451, text: 'try again later' }) })
  const world = await startApp(t, { smtp, overrides: { clock, mail: { timing: ONLY_WHEN_WOKEN } } })
  const { client } = await openRows(t, world.databaseUrl)
  for (let person = 0; person < 12; person++) await register(world, `person-${person}@example.org`)
  const failed = { state: 'queued', attempts: 1, leasedUntil: null }
  await until('each was tried', async () => (await client.outbox.count({ where: failed })) === 12)
  const waits = (await client.outbox.findMany()).map(
    ({ nextAttemptAt }) => (nextAttemptAt.getTime() - clock().getTime()) / 1000,
  )
  t.ok(
    waits.every(wait => wait >= 24 && wait <= 36),
    '30 s, a fifth more or less',
    { waits },
  )
  t.ok(new Set(waits).size > 6, 'not together', { waits })
})

// The lease used to be the retry: an outage of a millisecond delayed an email by a minute.
t.test('a result that cannot be recorded is recorded soon, and the email is sent once', async t => {
  const OUTAGE = /^the database cannot be used/
  const cases: [name: string, query: 'defer' | 'finish', Error, RegExp][] = [
    ['a failure, in an outage', 'defer', unreachable(), OUTAGE],
    ['a failure by an outage, during that outage', 'defer', unreachable(), OUTAGE],
    ['a sent email, in an outage', 'finish', unreachable(), OUTAGE],
    ['a failure, with a bug', 'defer', new Error('a bug'), UNPROCESSED],
    ['a sent email, with a bug', 'finish', new Error('a bug'), UNPROCESSED],
  ]
  await Promise.all(
    cases.map(async ([name, query, error, line]) => {
      const smtp = await startSmtpServer(t, {
        respond: () => (query === 'defer' ? { code: 451, text: 'try again later' } : undefined),
      })
      const world = await startApp(t, { smtp, overrides: { mail: { timing: ONLY_WHEN_WOKEN } } })
      const rows = await openRows(t, world.databaseUrl)
      const { outbox, mailTurns } = world.app.database
      if (name.includes('by an outage')) mailTurns.lead = () => Promise.reject(error)
      const real = outbox[query]
      outbox[query] = async () => {
        outbox[query] = real as typeof outbox.finish & typeof outbox.defer
        throw error
      }
      await register(world, 'ada@example.org')
      const row = await rowAfter(rows, 1, 'ada@example.org')
      t.equal(row.state, query === 'defer' ? 'queued' : 'sent', name)
      t.equal(smtp.mails.length, query === 'defer' ? 0 : 1)
      const told = faults(world.log).filter(({ level }) => Number(level) >= 50)
      t.match(told, [{ msg: line }], `${name}: one line`)
      t.equal(told.length, 1, name)
    }),
  )
})

t.test('emails wait while the server refuses the service, with one alert', async t => {
  let refusing = true
  const smtp = await startSmtpServer(t, {
    respond: (command, address) =>
      command === 'RCPT' && refusing ? { code: 554, text: `5.7.1 <${address}>: Access denied` } : undefined,
  })
  const timing = { firstRetry: 0.05, poll: 0.05 }
  const world = await startApp(t, {
    smtp,
    env: { EMAIL_CONFIRMATION: 'off' },
    overrides: { mail: { timing } },
  })
  const rows = await openRows(t, world.databaseUrl)
  const emails = ['ada@example.org', 'bob@example.org']
  for (const email of emails) {
    const payload = { email, password: 'correct horse battery staple' }
    await world.app.inject({ method: 'POST', url: '/register', payload })
    await ask(world, email)
  }
  await until('every mail was tried', async () => {
    const found = await rows.client.outbox.findMany()
    return found.length === 2 && found.every(row => row.attempts > 0 && row.lastError !== null)
  })
  refusing = false
  await rows.settled()
  t.strictSame(smtp.mails.flatMap(({ to }) => to).sort(), emails)
  t.equal(await rows.client.outbox.count({ where: { state: 'sent' } }), 2, 'none is a dead letter')
  const alerts = world.log.filter(({ msg }) => /^ALERT: the mail server refuses/.test(String(msg)))
  t.equal(alerts.length, 1, 'one alert for all emails')
  t.match(alerts[0], { level: 50, reason: /5\.7\.1/ })
  t.notMatch(JSON.stringify(alerts), /@example/)
  t.ok(world.log.some(({ msg }) => msg === 'the mail server accepts emails again'))
})

t.test(
  "a mail server's outage is one line at its start and one at its end, and links live from then on",
  async t => {
    const { clock, advance } = testClock(new Date('2026-03-01T12:00:00.000Z'))
    const smtp = await startSmtpServer(t)
    const world = await startApp(t, { smtp, overrides: { clock, mail: { timing: ONLY_WHEN_WOKEN } } })
    const rows = await openRows(t, world.databaseUrl)
    const { email } = await confirmedAccount(world)
    await smtp.stop()
    await ask(world, email)
    for (const address of ['b@example.org', 'c@example.org']) {
      await world.app.inject({ method: 'POST', url: '/register', payload: { email: address } })
    }
    const failed = { state: 'queued', attempts: 1, leasedUntil: null }
    await until('every mail was tried', async () => (await rows.client.outbox.count({ where: failed })) === 3)
    await smtp.start()
    advance(3 * 3600)
    world.app.mail.wake()
    const reset = await smtp.waitForMail(email, /reset/i, 1)
    await rows.settled()
    const told = (pattern: RegExp) =>
      world.log.filter(({ msg, level }) => Number(level) >= 30 && pattern.test(String(msg)))
    await until('the end is told', () => told(/can be reached again/).length > 0)
    t.match(told(/mail server/), [
      { level: 40, msg: /^the mail server cannot be reached/, reason: /ECONNREFUSED/ },
      { level: 30, msg: 'the mail server can be reached again', seconds: Number },
    ])
    t.equal(told(/mail server/).length, 2)
    t.strictSame(told(/SMTP delivery failed/), [], 'and none for each mail')
    const [, payload = ''] = tokenIn(reset).split('.')
    const { iat, exp } = JSON.parse(Buffer.from(payload, 'base64url').toString())
    t.equal(iat, clock().getTime() / 1000)
    t.equal(exp - iat, 1800)
  },
)

// Regression: without an account there was nothing to send, so that only rows with one failed and were retried. The
// worker's load, seen in other responses, told them apart.
t.test(
  'while the mail server is down, known and unknown addresses are deferred and retried alike',
  async t => {
    const { clock, advance } = testClock(new Date('2026-03-01T12:00:00.000Z'))
    const smtp = await startSmtpServer(t)
    const overrides = { clock, mail: { timing: ONLY_WHEN_WOKEN } }
    const world = await startApp(t, { smtp, env: { RATE_LIMIT: 'on' }, overrides })
    const rows = await openRows(t, world.databaseUrl)
    const known: string[] = []
    for (let i = 0; i < 3; i++) known.push((await confirmedAccount(world)).email)
    await rows.settled()
    const before = smtp.mails.length
    await smtp.stop()
    // The first failure, of any recipient.
    await register(world, 'first@example.org')
    t.match(await rowAfter(rows, 1, 'first@example.org'), { state: 'queued', lastError: /ECONNREFUSED/ })

    const { users } = world.app.database
    const { findByEmail } = users
    const lookedUp: string[] = []
    users.findByEmail = email => {
      lookedUp.push(email)
      return findByEmail(email)
    }
    const unknown = known.map((_, i) => `unknown-${i}@example.org`)
    const remote = (i: number) => `10.1.0.${i}`
    const askAll = () =>
      Promise.all(
        [...known, ...unknown].map((email, i) =>
          world.app.inject({
            ...{ method: 'POST', url: '/password-reset/request', payload: { email } },
            remoteAddress: remote(i),
          }),
        ),
      )
    const both = async (attempts: number) =>
      Promise.all(
        [known, unknown].map(emails =>
          Promise.all(
            emails.map(async email => {
              const { state, lastError, mailId, nextAttemptAt } = await rowAfter(rows, attempts, email)
              const wait = (nextAttemptAt.getTime() - clock().getTime()) / 1000
              const inTime = Math.abs(wait / (30 * 3.6 ** (attempts - 1)) - 1) < 0.21
              return { state, lastError, mailId, inTime }
            }),
          ),
        ),
      )
    await askAll()
    for (let attempts = 1; attempts <= 3; attempts++) {
      const [ofKnown, ofUnknown] = await both(attempts)
      t.strictSame(ofKnown, ofUnknown, `after attempt ${attempts}`)
      t.match(ofKnown, [
        { state: 'queued', lastError: /^not tried: .*ECONNREFUSED/, mailId: null, inTime: true },
      ])
      advance(40 * 3.6 ** (attempts - 1))
      if (attempts < 3) world.app.mail.wake()
    }
    t.strictSame(lookedUp, [], 'no account is looked up')
    await smtp.start()
    advance(3600)
    world.app.mail.wake()
    await rows.settled()
    const sent = smtp.mails.slice(before).flatMap(({ to }) => to)
    t.strictSame(sent.sort(), [...known, 'first@example.org'].sort(), 'one email each')
    const states = await rows.client.outbox.groupBy({
      by: ['state', 'attempts'],
      where: { recipient: { in: unknown } },
      _count: true,
    })
    t.match(states, [{ state: 'dropped', attempts: 4, _count: 3 }])
    t.equal(
      await rows.client.event.count({ where: { kind: 'reset_requested' } }),
      3,
      'each in its history, once',
    )
    t.strictSame(
      world.log.filter(({ level }) => Number(level) >= 50),
      [],
    )
  },
)

t.test('a server that is down gets one probe at a time, and one when it is back', async t => {
  const { clock, advance } = testClock()
  const down = () =>
    new MailSendError('SMTP ESOCKET at CONN: closed', {
      ...{ permanent: false, untaken: true, refusesService: false, unreachable: true, code: 'ESOCKET' },
    })
  let running = 0
  let most = 0
  let probes = 0
  const sent: string[] = []
  let isDown = true
  const transport: MailTransport = {
    name: 'smtp',
    describe: () => 'a transport that is down',
    send: async ({ to }) => void sent.push(to),
    probe: async () => {
      probes++
      most = Math.max(most, ++running)
      await delay(20)
      running--
      if (isDown) throw down()
    },
    close() {},
  }
  const world = await startApp(t, { overrides: { clock, mail: { transport, timing: ONLY_WHEN_WOKEN } } })
  const rows = await openRows(t, world.databaseUrl)
  const people = Array.from({ length: 20 }, (_, i) => `person-${i}@example.org`)
  for (const email of people) await register(world, email)
  for (const email of people) t.equal((await rowAfter(rows, 1, email)).state, 'queued')
  t.ok(probes <= people.length / 2, `${probes} probes: emails in progress share one`)
  const before = probes
  t.strictSame(sent, [])
  isDown = false
  advance(3600)
  world.app.mail.wake()
  await rows.settled()
  t.strictSame(sent.sort(), people.sort(), 'each is sent once')
  t.strictSame([probes - before, most], [1, 1])
})

t.test('a server that disconnects at single recipients is logged once, not with each email', async t => {
  const smtp = await startSmtpServer(t, {
    respond: (command, address) =>
      command === 'RCPT' && address.startsWith('slow') ? { code: 421, text: 'not now' } : undefined,
  })
  const world = await startApp(t, { smtp, overrides: { mail: { timing: ONLY_WHEN_WOKEN } } })
  const rows = await openRows(t, world.databaseUrl)
  for (let round = 0; round < 4; round++) {
    await register(world, `slow-${round}@example.org`)
    const { state } = await rowAfter(rows, 1, `slow-${round}@example.org`)
    t.equal(state, 'queued')
    await register(world, `ada-${round}@example.org`)
    t.equal((await rowAfter(rows, 1, `ada-${round}@example.org`)).state, 'sent')
  }
  await until('each email is logged', () => count(world.log, /^email sent/) === 4)
  t.equal(count(world.log, /^the mail server cannot be reached/), 1)
  t.equal(count(world.log, /^the mail server can be reached again/), 1)
})

t.test('requests do not shorten the back-off of a worker that cannot claim', async t => {
  const world = await startApp(t, { overrides: { mail: { timing: ONLY_WHEN_WOKEN } } })
  const rows = await openRows(t, world.databaseUrl)
  const { outbox } = world.app.database
  const { claim } = outbox
  let refused = 0
  outbox.claim = (...args) =>
    claim(...args).catch(error => {
      refused++
      throw error
    })
  const end = await obstruct(rows, 'refuses', 'UPDATE', 'outbox')
  const begun = performance.now()
  for (let person = 0; person < 50; person++) {
    t.equal((await ask(world, `person-${person}@example.org`)).statusCode, 202)
  }
  // The n-th retry follows after 750 ms × (2^n − 1) at the earliest.
  const most = 1 + Math.floor(Math.log2(1 + (performance.now() - begun) / 750))
  t.ok(refused >= 1 && refused <= most, `at most ${most}, not one for each request`, { refused })
  t.match(
    faults(world.log).map(({ msg }) => msg),
    ['the outbox cannot be read'],
  )
  await end()
  await rows.settled()
})

t.test('a poll that fails at full concurrency is followed by another one', async t => {
  const held: (() => void)[] = []
  const transport: MailTransport = {
    name: 'smtp',
    describe: () => 'a transport that waits',
    send: () => new Promise(resolve => held.push(resolve)),
    close() {},
  }
  const world = await startApp(t, { overrides: { mail: { transport, timing: ONLY_WHEN_WOKEN } } })
  const rows = await openRows(t, world.databaseUrl)
  const { outbox } = world.app.database
  const { claim, nextDue } = outbox
  let claimed = 0
  outbox.claim = async (...args) => {
    const found = await claim(...args)
    claimed += found.length
    return found
  }
  let failures = 0
  outbox.nextDue = async () => {
    if (claimed < 5 || failures > 0) return nextDue()
    failures++
    throw new Error('a bug')
  }
  for (let person = 0; person < 6; person++) await register(world, `person-${person}@example.org`)
  for (let person = 0; person < 6; person++) {
    await until(`email ${person} is sent`, () => held.length > person, 15_000)
    held[person]?.()
  }
  await rows.settled()
})

t.test('a due email that another transaction holds is polled for with back-off', { skip }, async t => {
  const world = await startApp(t)
  const rows = await openRows(t, world.databaseUrl)
  await rows.settled()
  const { outbox } = world.app.database
  const hold = async (tx: Pick<Rows['client'], '$executeRawUnsafe'>) => {
    await outbox.enqueue({ kind: 'farewell', recipient: 'ada@example.org' }, new Date(Date.now() + 200))
    await tx.$executeRawUnsafe(`SELECT id FROM outbox WHERE state = 'queued' FOR UPDATE`)
    const { claim } = outbox
    const times: number[] = []
    outbox.claim = (...args) => {
      times.push(performance.now())
      return claim(...args)
    }
    world.app.mail.wake()
    await until('it was polled for', () => times.length > 3)
    outbox.claim = claim
    const [, , before = 0, last = 0] = times
    t.ok(last - before >= 700, 'the last two polls are a second apart', { times })
  }
  await rows.client.$transaction(hold, { timeout: 60_000 })
  await rows.settled()
  t.equal(world.smtp.mails.length, 1)
})
