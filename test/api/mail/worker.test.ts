import { setTimeout as delay } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { v7 as uuidv7 } from 'uuid'
import { loadConfig } from '../../../src/config/config.ts'
import type { MailTransport } from '../../../src/mail/transport.ts'
import { createMailTransport } from '../../../src/mail/transports.ts'
import { confirmedAccount, startApp, testClock, testEnvironment, tokenIn } from '../../harness/app.ts'
import { freshDatabase } from '../../harness/database.ts'
import { openRows, type Rows } from '../../harness/rows.ts'
import { type SmtpServer, startSmtpServer } from '../../harness/smtp.ts'
import { until } from '../../harness/until.ts'

/** A worker that polls only when it is woken, so that a lost wake is noticed. */
const ONLY_WHEN_WOKEN = { poll: 3600 }

const ask = (world: Pick<Awaited<ReturnType<typeof startApp>>, 'app'>, email: string) =>
  world.app.inject({ method: 'POST', url: '/password-reset/request', payload: { email } })

/** The only row of a kind, once it is not claimed and has been tried `attempts` times. */
async function rowAfter(rows: Rows, attempts: number, kind = 'reset_request') {
  const row = () => rows.client.outbox.findFirstOrThrow({ where: { kind } })
  await until(`the row was tried ${attempts} times`, async () => {
    const now = await row()
    return now.attempts === attempts && now.leasedUntil === null
  })
  return row()
}

/** An app whose emails go to a real server, but only when the test lets them pass. */
async function gated(t: Test, smtp: SmtpServer, databaseUrl: string, clock = () => new Date()) {
  const env = { ...testEnvironment, MAIL_SERVER: smtp.host, MAIL_PORT: String(smtp.port) }
  const real = createMailTransport(loadConfig(env))
  const held: (() => void)[] = []
  const transport: MailTransport = {
    ...real,
    async send(mail) {
      await new Promise<void>(resolve => held.push(resolve))
      await real.send(mail)
    },
  }
  const world = await startApp(t, {
    smtp,
    databaseUrl,
    overrides: { clock, mail: { transport, timing: ONLY_WHEN_WOKEN } },
  })
  return {
    ...world,
    held,
    /** Waits until `count` emails are being sent. */
    async inHand(count: number) {
      await until(`${count} mails are in hand`, () => held.length === count)
    },
  }
}

/** An account whose email went through the gate. */
async function accountThrough(world: Pick<Awaited<ReturnType<typeof gated>>, 'app' | 'smtp' | 'held'>) {
  const account = confirmedAccount(world)
  await until('its mail is in hand', () => world.held.length === 1)
  world.held.shift()?.()
  return account
}

t.test('a failed email is retried eight times over about a day, then becomes a dead letter', async t => {
  const { clock, advance } = testClock()
  const refusals: string[] = []
  const smtp = await startSmtpServer(t, {
    respond: command => {
      if (command !== 'DATA' || refusals.length >= 8) return undefined
      refusals.push(command)
      return { code: 451, text: 'try again later' }
    },
  })
  const off = await startApp(t, {
    env: { EMAIL_CONFIRMATION: 'off' },
    smtp,
    overrides: { clock, mail: { timing: ONLY_WHEN_WOKEN } },
  })
  const { app, databaseUrl, log } = off
  const rows = await openRows(t, databaseUrl)
  const email = 'ada@example.org'
  await app.inject({
    method: 'POST',
    url: '/register',
    payload: { email, password: 'correct horse battery staple' },
  })
  t.equal((await ask(off, email)).statusCode, 202)

  let waited = 0
  for (let attempts = 1; attempts < 8; attempts++) {
    const row = await rowAfter(rows, attempts)
    const wait = (row.nextAttemptAt.getTime() - clock().getTime()) / 1000
    const expected = 30 * 3.6 ** (attempts - 1)
    t.ok(
      wait >= expected * 0.79 && wait <= expected * 1.21,
      `after try ${attempts} about ${Math.round(expected)} s`,
      { wait },
    )
    t.match(row, { state: 'queued', finishedAt: null, lastError: /451/ })
    app.mail.wake()
    await delay(20)
    t.equal(refusals.length, attempts, 'not before its time')
    advance(wait)
    waited += wait
    app.mail.wake()
  }
  t.ok(waited > 16 * 3600 && waited < 36 * 3600, 'about a day in all', { hours: waited / 3600 })
  const dead = await rowAfter(rows, 8)
  t.match(dead, { state: 'dead', lastError: /^SMTP .*451/ })
  t.strictSame(dead.finishedAt, clock())
  advance(100_000)
  app.mail.wake()
  await delay(50)
  t.equal(refusals.length, 8, 'a dead letter is not retried')
  t.equal(smtp.mails.length, 0)
  t.ok(
    log.some(({ msg, level }) => msg === 'mail is a dead letter' && level === 50),
    'and an alert is logged',
  )
})

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
  const row = await rowAfter(rows, 1)
  t.match(row, { state: 'dead', attempts: 1, lastError: /550/, finishedAt: Date })
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
  t.ok(world.log.some(({ msg }) => msg === 'the mail server accepts mails again'))
})

t.test(
  'during an outage of the mail server responses are the same, and every email arrives once afterwards',
  async t => {
    const world = await startApp(t, { overrides: { mail: { timing: { firstRetry: 0.2, poll: 0.2 } } } })
    const { app, smtp, databaseUrl } = world
    const rows = await openRows(t, databaseUrl)
    const { email } = await confirmedAccount(world)
    const up = await ask(world, email)
    await smtp.waitForMails(2)
    // An email is sent again if the server closes the connection before confirming it.
    await rows.settled()

    await smtp.stop()
    const people = ['b@example.org', 'c@example.org', 'd@example.org']
    const begun = performance.now()
    const down = await ask(world, email)
    t.ok(performance.now() - begun < 5000, 'no response waits for the SMTP server')
    t.equal(down.statusCode, up.statusCode)
    t.equal(down.json().status, up.json().status)
    t.equal(down.body.length, up.body.length, 'only the id in the request token differs')
    t.strictSame(Object.keys(down.headers), Object.keys(up.headers))
    for (const address of people) {
      const payload = { email: address, password: 'correct horse battery staple' }
      t.equal((await app.inject({ method: 'POST', url: '/register', payload })).statusCode, 202)
    }
    t.equal((await app.inject('/health/ready')).statusCode, 200, 'nor is the instance unready')
    await rowAfter(rows, 1, 'registration').catch(() => {})
    await smtp.start()
    const mails = await smtp.waitForMails(6)
    await rows.settled()
    t.strictSame(
      mails
        .slice(2)
        .flatMap(({ to }) => to)
        .sort(),
      [...people, email].sort(),
    )
    t.equal(smtp.mails.length, 6, 'nothing twice')
    t.equal(await rows.client.outbox.count({ where: { state: 'sent' } }), 6)
  },
)

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

t.test(
  'a row claimed by a killed worker is claimed again when its lease expires, and not before',
  async t => {
    const { clock, advance } = testClock()
    const world = await startApp(t, { overrides: { clock, mail: { timing: ONLY_WHEN_WOKEN } } })
    const { app, smtp, databaseUrl } = world
    const { email } = await confirmedAccount(world)
    const rows = await openRows(t, databaseUrl)
    const now = clock()
    const leasedUntil = new Date(now.getTime() + 60_000)
    const data = { id: uuidv7(), kind: 'reset_request', recipient: email, state: 'queued', createdAt: now }
    // The state of a claimed row.
    await rows.client.outbox.create({
      data: { ...data, attempts: 1, leasedUntil, nextAttemptAt: leasedUntil },
    })
    for (const seconds of [0, 30, 29]) {
      advance(seconds)
      app.mail.wake()
      await delay(30)
      t.equal(smtp.mails.length, 1, 'it is left to the worker that claimed it')
    }
    advance(1)
    app.mail.wake()
    await smtp.waitForMails(2)
    await rows.settled()
    t.match(await rows.client.outbox.findUnique({ where: { id: data.id } }), { state: 'sent', attempts: 2 })
  },
)

t.test('two workers on one database send each of fifty mails once', async t => {
  const smtp = await startSmtpServer(t)
  const databaseUrl = await freshDatabase(t)
  const rows = await openRows(t, databaseUrl)
  const now = new Date()
  const people = Array.from({ length: 50 }, (_, i) => `person-${i}@example.org`)
  await rows.client.user.createMany({
    data: people.map(email => ({
      id: uuidv7(),
      email,
      passwordHash: '$argon2id$v=19$m=64,t=1,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaA',
      passwordChangedAt: now,
      emailConfirmedAt: now,
      createdAt: now,
    })),
  })
  const apps = [await startApp(t, { smtp, databaseUrl }), await startApp(t, { smtp, databaseUrl })]
  for (const recipient of people) {
    await apps[0]?.app.database.outbox.file({ kind: 'reset_request', recipient }, now)
  }
  for (const { app } of apps) app.mail.wake()
  const mails = await smtp.waitForMails(50)
  await rows.settled()
  t.strictSame(mails.flatMap(({ to }) => to).sort(), [...people].sort())
  t.equal(smtp.mails.length, 50)
  const sent = await rows.client.outbox.findMany()
  t.ok(
    sent.every(({ state, attempts }) => state === 'sent' && attempts === 1),
    'each at its first attempt',
  )
  const shares = apps.map(({ log }) => log.filter(({ msg }) => msg === 'mail sent').length)
  t.equal((shares[0] ?? 0) + (shares[1] ?? 0), 50)
  t.ok(
    shares.every(share => share > 0),
    'and both sent some',
    { shares },
  )
})

// The claim and the record use two connections, so either may be done first, and either may be known first.
for (const order of [
  'claimed, known, recorded',
  'claimed, refused to record, known, notified of the refusal',
  'claimed, refused to record, notified of the refusal, known',
]) {
  t.test(
    `a row that is claimed again while its email is sent is recorded, and sent once: ${order}`,
    async t => {
      const time = testClock()
      const smtp = await startSmtpServer(t)
      const { held, inHand, app, databaseUrl } = await gated(t, smtp, await freshDatabase(t), time.clock)
      const rows = await openRows(t, databaseUrl)
      await ask({ app }, (await accountThrough({ app, smtp, held })).email)
      await inHand(1)

      const { outbox } = app.database
      const [claim, finish] = [outbox.claim, outbox.finish]
      const happened = new Set<string>()
      const after = (step: string) => until(step, () => happened.has(step))
      outbox.claim = async (...args) => {
        const found = await claim(...args)
        if (found.length === 0) return found
        happened.add('claimed')
        if (order.includes('refused')) await after('refused to record')
        if (order.endsWith('known')) await after('told of the refusal')
        setImmediate(() => happened.add('known'))
        return found
      }
      outbox.finish = async (...args) => {
        const recorded = await finish(...args)
        if (!recorded) happened.add('refused to record')
        if (order.includes('refused') && !order.endsWith('known')) await after('known')
        setImmediate(() => happened.add('told of the refusal'))
        return recorded
      }
      // The lease has expired.
      time.advance(3600)
      app.mail.wake()
      await after('claimed')
      if (!order.includes('refused')) await after('known')
      held.shift()?.()
      await rows.settled()
      const row = await rows.client.outbox.findFirstOrThrow({ where: { kind: 'reset_request' } })
      t.match(row, { state: 'sent', attempts: 2, leasedUntil: null })
      t.equal(smtp.mails.filter(({ subject }) => /reset/i.test(subject)).length, 1)
      t.equal(held.length, 0)
      t.equal(happened.has('refused to record'), order.includes('refused'))
    },
  )
}

t.test('a wake at full concurrency is not lost', async t => {
  const smtp = await startSmtpServer(t)
  const world = await gated(t, smtp, await freshDatabase(t))
  const { app, held } = world
  const people = Array.from({ length: 12 }, (_, i) => `person-${i}@example.org`)
  for (const email of people) {
    const payload = { email, password: 'correct horse battery staple' }
    await app.inject({ method: 'POST', url: '/register', payload })
  }
  await world.inHand(5)
  await delay(50)
  t.equal(held.length, 5, 'five at once')
  for (let sent = 0; sent < 12; sent++) {
    await world.inHand(Math.min(12, sent + 5))
    held[sent]?.()
    await smtp.waitForMails(sent + 1)
  }
  t.strictSame(smtp.mails.flatMap(({ to }) => to).sort(), [...people].sort())
})

t.test('every new row is sent at once, whatever the order of wakes', async t => {
  const { app, smtp, databaseUrl } = await startApp(t, { overrides: { mail: { timing: ONLY_WHEN_WOKEN } } })
  const rows = await openRows(t, databaseUrl)
  for (let round = 0; round < 40; round++) {
    const payload = { email: `person-${round}@example.org`, password: 'correct horse battery staple' }
    await app.inject({ method: 'POST', url: '/register', payload })
    // Between the worker's read of the outbox and its sleep.
    await delay(round % 8)
  }
  await smtp.waitForMails(40, 5000)
  await rows.settled()
  t.equal(smtp.mails.length, 40)
})

t.test('close() waits for emails in progress and claims no others', async t => {
  const smtp = await startSmtpServer(t)
  const databaseUrl = await freshDatabase(t)
  const rows = await openRows(t, databaseUrl)
  const world = await gated(t, smtp, databaseUrl)
  for (let i = 0; i < 7; i++) {
    const payload = { email: `person-${i}@example.org`, password: 'correct horse battery staple' }
    await world.app.inject({ method: 'POST', url: '/register', payload })
  }
  await world.inHand(5)
  let closed = false
  const closing = world.app.close().then(() => {
    closed = true
  })
  await delay(100)
  t.notOk(closed, 'it waits')
  for (const release of world.held) release()
  await closing
  t.equal(smtp.mails.length, 5)
  t.equal(world.held.length, 5)
  const states = await rows.client.outbox.groupBy({ by: ['state'], _count: true, orderBy: { state: 'asc' } })
  t.match(states, [
    { state: 'queued', _count: 2 },
    { state: 'sent', _count: 5 },
  ])
  await startApp(t, { smtp, databaseUrl })
  await smtp.waitForMails(7)
  t.equal(smtp.mails.length, 7, 'the next instance sends the rest')
})

t.test('the outbox contains no token, link or password', async t => {
  const world = await startApp(t)
  const { app, smtp, databaseUrl } = world
  const rows = await openRows(t, databaseUrl)
  const { email, password } = await confirmedAccount(world)
  await app.inject({
    method: 'POST',
    url: '/register',
    payload: { email, password: 'quite another password' },
  })
  await app.inject({ method: 'POST', url: '/register', payload: { email: 'b@example.org', password } })
  await app.inject({ method: 'POST', url: '/confirm-email/resend', payload: { email: 'b@example.org' } })
  await ask(world, email)
  await smtp.waitForMails(5)
  await rows.settled()
  const tokens = smtp.mails.filter(({ text }) => text.includes('#token=')).map(tokenIn)
  t.equal(tokens.length, 4, 'the test knows tokens to look for')
  const dump = JSON.stringify(await rows.dump())
  const outbox = JSON.stringify((await rows.dump()).outbox)
  for (const token of tokens) {
    for (const part of [token, ...token.split('.')]) {
      t.notOk(dump.includes(part.slice(0, 43)) && !/^eyJ/.test(part), 'no part of a token in any table')
      t.notOk(outbox.includes(part))
    }
  }
  t.notMatch(dump, /https?:|#token|correct horse|quite another/)
  t.notMatch(outbox, /argon2/)
  t.notMatch(JSON.stringify(world.log), /#token|correct horse|quite another|argon2id\$/, 'nor in the log')
})

t.test('a wake at the end of a poll starts another poll', async t => {
  const world = await startApp(t, { overrides: { mail: { timing: ONLY_WHEN_WOKEN } } })
  const { app } = world
  const rows = await openRows(t, world.databaseUrl)
  await rows.settled()
  const { outbox } = app.database
  const { nextDue } = outbox
  const looked = new Promise<() => void>(asked => {
    outbox.nextDue = () =>
      new Promise(answer => {
        asked(() => {
          answer(undefined)
          // After the worker's pending callbacks, and before those that wait for its promise.
          queueMicrotask(app.mail.wake)
        })
      })
  })
  app.mail.wake()
  const finishPoll = await looked
  outbox.nextDue = nextDue
  await outbox.file({ kind: 'reset_request', recipient: 'nobody@example.org' }, app.clock())
  finishPoll()
  await rows.settled()
})

t.test(
  'close() does not wait for a database that cannot record an email, and the email was sent once',
  async t => {
    const { app, smtp, log } = await startApp(t, { overrides: { mail: { timing: ONLY_WHEN_WOKEN } } })
    const { outbox } = app.database
    let tries = 0
    const refused = new Promise<void>(resolve => {
      outbox.finish = async () => {
        tries += 1
        resolve()
        throw Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' })
      }
    })
    await app.inject({ method: 'POST', url: '/register', payload: { email: 'ada@example.org' } })
    await refused
    await app.close()
    t.equal(tries, 2, 'it tries once more')
    t.equal(smtp.mails.length, 1)
    const errors = log.filter(({ level }) => Number(level) >= 50)
    t.match(errors, [{ msg: 'the database cannot be used', reason: 'does not answer' }])
    t.equal(errors.length, 1, 'one line, without a stack')
  },
)
