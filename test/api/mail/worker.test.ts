import { setTimeout as delay } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { v7 as uuidv7 } from 'uuid'
import { loadConfig } from '../../../src/config/config.ts'
import type { MailTransport } from '../../../src/mail/transport.ts'
import { createMailTransport } from '../../../src/mail/transports.ts'
import { confirmedAccount, startApp, testClock, testEnvironment, tokenIn } from '../../harness/app.ts'
import { freshDatabase } from '../../harness/database.ts'
import { openRows } from '../../harness/rows.ts'
import { type SmtpServer, startSmtpServer } from '../../harness/smtp.ts'
import { until } from '../../harness/until.ts'

/** A worker that polls only when it is woken, so that a lost wake is noticed. */
const ONLY_WHEN_WOKEN = { poll: 3600 }

const ask = (world: Pick<Awaited<ReturnType<typeof startApp>>, 'app'>, email: string) =>
  world.app.inject({ method: 'POST', url: '/password-reset/request', payload: { email } })

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
    const tried = { attempts: { gt: 0 }, state: 'queued' }
    await until('emails were tried', async () => (await rows.client.outbox.count({ where: tried })) > 0)
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
    await apps[0]?.app.database.outbox.enqueue({ kind: 'reset_request', recipient }, now)
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
  const shares = apps.map(({ log }) => log.filter(({ msg }) => msg === 'email sent').length)
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
  await outbox.enqueue({ kind: 'reset_request', recipient: 'nobody@example.org' }, app.clock())
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
