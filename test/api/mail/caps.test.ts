import { setTimeout as delay } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { confirmedAccount, startApp, testClock, tokenIn } from '../../harness/app.ts'
import { openRows } from '../../harness/rows.ts'

let made = 0

/** An app with limits, a clock to be moved, and requests that each come from another network. */
async function capped(t: Test) {
  const { clock, advance } = testClock(new Date('2026-03-01T12:00:00.000Z'))
  const overrides = { clock, mail: { timing: { poll: 3600 } } }
  const world = await startApp(t, { env: { RATE_LIMIT: 'on' }, overrides })
  const rows = await openRows(t, world.databaseUrl)
  const post = (url: string, payload: object) =>
    world.app.inject({ method: 'POST', url, payload, remoteAddress: `10.0.${++made >> 8}.${made & 255}` })
  return {
    ...world,
    rows,
    post,
    /** How many mails of a kind went to an address so far, once the worker has looked at all that is due. */
    async sent(kind: string, recipient: string) {
      world.app.mail.wake()
      const due = { state: 'queued', nextAttemptAt: { lte: clock() } }
      const inHand = { state: 'queued', leasedUntil: { not: null } }
      while ((await rows.client.outbox.count({ where: { OR: [due, inHand] } })) > 0) await delay(5)
      return rows.client.outbox.count({ where: { kind, recipient, state: 'sent' } })
    },
    advance,
  }
}

t.test(
  'confirmations sent again: one a minute and three an hour for each recipient, told to nobody',
  async t => {
    const world = await capped(t)
    const { post, sent, advance, rows, smtp } = world
    const kind = 'confirmation_resend'
    const email = 'ada@example.org'
    const other = 'bob@example.org'
    for (const address of [email, other]) {
      await post('/register', { email: address, password: 'correct horse battery staple' })
    }
    await smtp.waitForMails(2)
    const before = smtp.mails.length
    const answers = new Set<string>()
    const ask = async (address = email) => {
      const { statusCode, body, headers } = await post('/confirm-email/resend', { email: address })
      answers.add(`${statusCode} ${body} ${Object.keys(headers)}`)
      return sent(kind, address)
    }
    t.equal(await ask(), 1)
    t.equal(await ask(), 1, 'the second at once is dropped')
    advance(59)
    t.equal(await ask(), 1, 'and so is one after 59 seconds')
    advance(1)
    t.equal(await ask(), 2, 'a minute after the last that was sent')
    t.equal(await ask(other), 1, 'another recipient is not affected')
    advance(60)
    t.equal(await ask(), 3)
    advance(60)
    t.equal(await ask(), 3, 'three an hour')
    advance(3600 - 180 - 1)
    t.equal(await ask(), 3)
    advance(1)
    t.equal(await ask(), 4, 'an hour after the first there is room for one')
    advance(60)
    t.equal(await ask(), 5)
    t.equal(answers.size, 1, 'every answer was the same', { answers: [...answers] })
    const dropped = await rows.client.outbox.findMany({ where: { kind, state: 'dropped' } })
    t.equal(dropped.length, 4)
    t.ok(dropped.every(({ lastError, finishedAt }) => lastError === 'capped' && finishedAt !== null))
    t.equal(smtp.mails.length - before, 6, 'nothing else was sent')
  },
)

t.test('reset mails: one a minute and three an hour, each with the code of its own request', async t => {
  const world = await capped(t)
  const { post, sent, advance, rows, smtp } = world
  const { email } = await confirmedAccount(world)
  const answers = await Promise.all(
    Array.from({ length: 20 }, () => post('/password-reset/request', { email })),
  )
  t.ok(answers.every(({ statusCode, body }) => statusCode === 202 && body.length === answers[0]?.body.length))
  t.equal(await sent('reset_request', email), 1, 'one at once')
  t.equal(await rows.client.outbox.count({ where: { state: 'dropped', lastError: 'capped' } }), 17)
  advance(59)
  t.equal(await sent('reset_request', email), 1)
  advance(1)
  t.equal(await sent('reset_request', email), 2, 'a minute later the second')
  advance(60)
  t.equal(await sent('reset_request', email), 3)
  advance(3600)
  t.equal(await sent('reset_request', email), 3, 'those beyond three an hour are dropped, not put off')
  t.equal(smtp.mails.length, 4, 'the confirmation and three resets')
  const codes = smtp.mails.slice(1).map(({ text }) => /^\d{4} \d{4}$/m.exec(text)?.[0])
  t.equal(new Set(codes).size, 3, 'three codes for three requests')
  t.notOk(codes.includes(undefined))
})

t.test('mails of repeated registrations are put off, so that the last one gets its own link', async t => {
  const world = await capped(t)
  const { post, sent, advance, smtp, rows, app } = world
  const email = 'ada@example.org'
  for (const who of ['a stranger', 'another stranger', 'the owner of it', 'one too many']) {
    const answer = await post('/register', { email, password: `the password of ${who}` })
    t.equal(answer.statusCode, 202)
    t.strictSame(answer.json(), { status: 'confirmation_sent' })
    advance(0.001)
  }
  await post('/register', { email: 'bob@example.org', password: 'the password of somebody else' })
  t.equal(await sent('registration', email), 1)
  t.equal(await sent('registration', 'bob@example.org'), 1, 'another recipient is not affected')
  t.equal(await rows.client.outbox.count({ where: { state: 'dropped' } }), 0, 'none is dropped')
  advance(59)
  t.equal(await sent('registration', email), 1)
  advance(1)
  t.equal(await sent('registration', email), 2)
  advance(59)
  t.equal(await sent('registration', email), 2)
  advance(1)
  t.equal(await sent('registration', email), 3)
  const mails = smtp.mails.filter(({ to }) => to.includes(email))
  t.equal(mails.length, 3)
  const attempts = await rows.client.outbox.findMany({ where: { recipient: email, state: 'sent' } })
  t.ok(
    attempts.every(row => row.attempts === 1),
    'waiting for its turn was no try',
  )
  const payload = { token: tokenIn(mails[2]), password: 'the password of the owner of it' }
  const confirmed = await app.inject({
    method: 'POST',
    url: '/confirm-email',
    payload,
    remoteAddress: '10.9.9.9',
  })
  t.equal(confirmed.statusCode, 200)
  advance(3600 - 120)
  await sent('registration', email)
  const late = smtp.mails.filter(({ to }) => to.includes(email))
  t.equal(late.length, 4, 'the fourth comes an hour after the first')
  t.match(late[3]?.subject, /already have an account/, 'and by now there is an account')
})

t.test('the mails of a flood of registrations wait for a day at most', async t => {
  const world = await capped(t)
  // First the registration that the mails are about: the worker may look for it as soon as one is filed.
  await world.post('/register', { email: 'ada@example.org', password: 'the password of a stranger' })
  for (let i = 0; i < 80; i++) {
    const mail = { kind: 'registration' as const, recipient: 'ada@example.org' }
    await world.app.database.outbox.file(mail, world.app.clock())
  }
  t.equal(await world.sent('registration', 'ada@example.org'), 1)
  // Three an hour for a day, and the one whose turn comes just as the day is over.
  t.equal(await world.rows.client.outbox.count({ where: { state: 'queued' } }), 72)
})

t.test('the notice that a password was changed is never held back', async t => {
  const world = await capped(t)
  const { email } = await confirmedAccount(world)
  for (let i = 0; i < 6; i++) {
    await world.app.database.outbox.file({ kind: 'password_changed', recipient: email }, world.app.clock())
  }
  t.equal(await world.sent('password_changed', email), 6)
})

t.test('one kind of mail does not use up the cap of another', async t => {
  const world = await capped(t)
  const { email } = await confirmedAccount(world)
  await world.post('/confirm-email/resend', { email })
  await world.post('/password-reset/request', { email })
  t.equal(await world.sent('confirmation_resend', email), 1)
  t.equal(await world.sent('reset_request', email), 1)
})

t.test('with RATE_LIMIT=off nothing is held back', async t => {
  const world = await startApp(t)
  const { email } = await confirmedAccount(world)
  for (let i = 0; i < 6; i++) {
    await world.app.inject({ method: 'POST', url: '/password-reset/request', payload: { email } })
  }
  await world.smtp.waitForMails(7)
})
