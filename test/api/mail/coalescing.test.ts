import t from 'tap'
import { v7 as uuidv7 } from 'uuid'
import { LONGEST_MAIL_WAIT } from '../../../src/shared/mail-wait.ts'
import { boundParts } from '../../../src/tokens/fingerprint.ts'
import { startApp, testClock, tokenIn } from '../../harness/app.ts'
import { type Capped, capped } from '../../harness/capped.ts'
import { codeIn, otherThan } from '../../harness/mailbox.ts'
import { isProblemOf } from '../../harness/problem.ts'
import { openRows } from '../../harness/rows.ts'
import { startSmtpServer } from '../../harness/smtp.ts'
import { until } from '../../harness/until.ts'

/** Requests a reset and returns the request token. */
const asker =
  ({ post }: Capped, email: string) =>
  async () =>
    (await post('/password-reset/request', { email })).json().requestToken as string

/** Sets a new password with a token or a code. */
const confirmReset = (
  { post }: Capped,
  proof: { requestToken?: string | undefined; code?: string; token?: string },
) => post('/password-reset/confirm', { ...proof, newPassword: 'a staple of correct batteries' })

t.test('waiting requests share one email', async t => {
  const world = await capped(t)

  await t.test(
    'reset emails: one email serves every queued request, and its code is valid for each',
    async t => {
      const { post, sentMails, advance, rows, smtp } = world
      const { email } = await world.account()
      const confirmation = smtp.mails.length
      const ask = () => post('/password-reset/request', { email })
      const answers = [await ask()]
      t.equal((await sentMails(email, 'reset_request')).length, 1, 'one at once')
      answers.push(...(await Promise.all(Array.from({ length: 20 }, ask))))
      t.ok(
        answers.every(
          ({ statusCode, body }) => statusCode === 202 && body.length === answers[0]?.body.length,
        ),
      )
      advance(59)
      t.equal((await sentMails(email, 'reset_request')).length, 1)
      const waiting = await rows.client.outbox.findMany({ where: { kind: 'reset_request', state: 'queued' } })
      t.equal(waiting.length, 20)
      t.ok(
        waiting.every(row => row.attempts === 0 && row.mailId === null),
        'a queued request uses no attempt',
      )
      const user = await rows.client.user.findUniqueOrThrow({ where: { email } })
      const requestTokens = answers.map(answer => answer.json().requestToken as string)
      for (const row of waiting.slice(0, 2)) {
        for (const id of [row.id, row.challengeId as string]) {
          const code = world.app.tokens.resetRequest.codes.make(id, ...boundParts(user))
          const own = requestTokens.find(
            token => world.app.tokens.resetRequest.verify(token).requestId === row.challengeId,
          )
          isProblemOf(
            t,
            await confirmReset(world, { requestToken: own, code: code }),
            'code_invalid',
            'a code that was never mailed',
          )
        }
      }
      advance(1)
      t.equal((await sentMails(email, 'reset_request')).length, 2, 'a minute later the second')
      t.equal(
        await rows.client.outbox.count({ where: { kind: 'reset_request', state: 'sent' } }),
        21,
        'for all',
      )
      t.equal(await rows.client.outbox.count({ where: { state: 'dropped' } }), 0)
      const [first, second] = smtp.mails.slice(confirmation).map(codeIn) as [string, string]
      t.not(first, second)
      isProblemOf(
        t,
        await confirmReset(world, { requestToken: requestTokens[1], code: first }),
        'code_invalid',
        'the code of another mail',
      )
      isProblemOf(
        t,
        await confirmReset(world, { requestToken: requestTokens[0], code: second }),
        'code_invalid',
      )
      t.equal((await confirmReset(world, { requestToken: requestTokens[20], code: second })).statusCode, 204)
      isProblemOf(
        t,
        await confirmReset(world, { requestToken: requestTokens[19], code: second }),
        'code_invalid',
        'void with the password',
      )
      const history = await rows.client.event.count({ where: { kind: 'reset_requested' } })
      t.equal(history, 2, 'the history has an event a mail, so that a flood does not fill it')
    },
  )

  await t.test('the lifetime of a code starts when its email is sent', async t => {
    const { sentMails, advance, smtp, app } = world
    const { email } = await world.account()
    const ask = asker(world, email)
    await ask()
    await sentMails(email, 'reset_request')
    advance(60)
    await ask()
    t.equal((await sentMails(email, 'reset_request')).length, 2)
    const early = await ask()
    advance(900)
    const late = await ask()
    advance(LONGEST_MAIL_WAIT - 900)
    t.equal((await sentMails(email, 'reset_request')).length, 3, 'one mail for both')
    const code = codeIn(smtp.mails.at(-1))
    advance(app.config.RESET_TOKEN_TTL - 1)
    isProblemOf(
      t,
      await confirmReset(world, { requestToken: early, code: otherThan(code) }),
      'code_invalid',
      'the request is still valid',
    )
    advance(1)
    isProblemOf(t, await confirmReset(world, { requestToken: early, code: code }), 'token_expired')
    isProblemOf(
      t,
      await confirmReset(world, { requestToken: late, code: code }),
      'code_invalid',
      'the code of its mail has expired',
    )
  })

  await t.test('the requests that share a code also share fifteen attempts an hour', async t => {
    const { sentMails, advance, smtp } = world
    const { email } = await world.account()
    const ask = asker(world, email)
    await ask()
    await sentMails(email, 'reset_request')
    const requests = await Promise.all(Array.from({ length: 5 }, ask))
    advance(60)
    t.equal((await sentMails(email, 'reset_request')).length, 2)
    const code = codeIn(smtp.mails.at(-1))
    for (const requestToken of requests.slice(0, 3)) {
      for (let tries = 0; tries < 5; tries++) {
        isProblemOf(
          t,
          await confirmReset(world, { requestToken: requestToken, code: otherThan(code) }),
          'code_invalid',
        )
      }
    }
    isProblemOf(
      t,
      await confirmReset(world, { requestToken: requests[3], code: code }),
      'code_invalid',
      'the sixteenth, of another request',
    )
    t.equal(
      (await confirmReset(world, { token: tokenIn(smtp.mails.at(-1)) })).statusCode,
      204,
      'the link is valid',
    )
  })
})

// Regression: each claimed its own row before the recipient's turn, and PostgreSQL ended one of the two: a deadlock.
t.test('requests that are due at once do not deadlock', async t => {
  const world = await capped(t)
  const { sentMails, advance, log } = world
  const emails = await Promise.all(Array.from({ length: 8 }, async () => (await world.account()).email))
  for (const email of emails) {
    const ask = asker(world, email)
    await ask()
    await sentMails(email, 'reset_request')
    await Promise.all(Array.from({ length: 5 }, ask))
    advance(60)
    t.equal((await sentMails(email, 'reset_request')).length, 2)
  }
  t.notOk(log.find(line => Number(line['level']) >= 40))
})

t.test('a deferred email does not use up the cap, and its retry serves later requests', async t => {
  let refusing = true
  const smtp = await startSmtpServer(t, {
    respond: command => (command === 'DATA' && refusing ? { code: 451, text: 'try again later' } : undefined),
  })
  const world = await capped(t, { smtp, env: { EMAIL_CONFIRMATION: 'off' } })
  const { post, advance, rows, app } = world
  const email = 'ada@example.org'
  await post('/register', { email, password: 'correct horse battery staple' })
  const ask = asker(world, email)
  const open = { OR: [{ leasedUntil: { not: null } }, { nextAttemptAt: { lte: new Date(world.now()) } }] }
  const refused = () =>
    until(
      'the mail was refused',
      async () => (await rows.client.outbox.count({ where: { ...open, state: 'queued' } })) === 0,
    )
  const requests: string[] = []
  for (let times = 0; times < 3; times++) {
    requests.push(await ask())
    await refused()
    t.match(await rows.client.mailTurn.findMany(), [{ lastAt: null }], 'the cap was not used up')
    t.equal(await rows.client.outbox.count({ where: { state: 'queued' } }), 1, 'the others were sent with it')
  }
  t.match(await rows.client.outbox.findFirst({ where: { state: 'queued' } }), {
    mailId: null,
    lastError: /451/,
  })
  refusing = false
  advance(60)
  app.mail.wake()
  await rows.settled()
  t.equal(smtp.mails.length, 1, 'one mail for three requests')
  t.equal(await rows.client.outbox.count({ where: { state: 'sent' } }), 3)
  t.equal(
    (await confirmReset(world, { requestToken: requests[0], code: codeIn(smtp.mails[0]) })).statusCode,
    204,
  )
})

t.test('of instances that poll at the same time one sends the email', async t => {
  const { clock } = testClock(new Date('2026-03-01T12:00:00.000Z'))
  const options = { env: { RATE_LIMIT: 'on' }, overrides: { clock, mail: { timing: { poll: 3600 } } } }
  const first = await startApp(t, options)
  const { databaseUrl, smtp } = first
  const rows = await openRows(t, databaseUrl)
  const email = 'ada@example.org'
  await first.app.database.users.create(
    { id: uuidv7(), email, passwordHash: 'none', locale: null },
    clock(),
    {
      ...{ ip: null, device: null, requestId: null },
    },
  )
  const apps = [first.app]
  if (databaseUrl.startsWith('postgresql')) {
    for (let more = 0; more < 2; more++) apps.push((await startApp(t, { ...options, databaseUrl, smtp })).app)
  }
  const { outbox } = first.app.database
  await Promise.all(
    Array.from({ length: 50 }, () => outbox.enqueue({ kind: 'reset_request', recipient: email }, clock())),
  )
  for (const app of apps) app.mail.wake()
  const open = {
    OR: [{ state: 'joined' }, { leasedUntil: { not: null } }, { nextAttemptAt: { lte: clock() } }],
    finishedAt: null,
  }
  await until(
    'every row is served or queued',
    async () => (await rows.client.outbox.count({ where: open })) === 0,
  )
  t.equal(smtp.mails.length, 1)
})

// Regression: one statement gathered all requests of a recipient. It exceeded PostgreSQL's time limit, so that no email
// was sent to anybody, and blocked SQLite's event loop for seconds.
t.test('thousands of requests for one address', async t => {
  const WAITING = 2100
  const world = await capped(t)
  const { rows, advance, app, sentMails, smtp, now } = world
  const { client } = rows

  /** An account whose first email is sent, and whose next one is requested by `WAITING` clients. */
  async function flooded() {
    const { email } = await world.account()
    const ask = asker(world, email)
    await ask()
    t.equal((await sentMails(email, 'reset_request')).length, 1)
    const at = new Date(now())
    const turn = new Date(now() + 60_000)
    await client.outbox.createMany({
      data: Array.from({ length: WAITING }, () => ({
        ...{ id: uuidv7(), kind: 'reset_request', recipient: email, challengeId: uuidv7() },
        ...{ state: 'queued', attempts: 0, nextAttemptAt: turn, createdAt: at },
      })),
    })
    const count = (state: string) =>
      client.outbox.count({ where: { recipient: email, kind: 'reset_request', state } })
    const served = `${WAITING} are served`
    return {
      email,
      ask,
      count,
      untilServed: (more: number) =>
        until(served, async () => (await count('sent')) === WAITING + more, 15_000),
    }
  }

  await t.test('one email serves all, in batches, and the code is valid for each', async t => {
    const { email, ask, count, untilServed } = await flooded()
    const own = await ask()
    advance(60)
    app.mail.wake()
    await until('some are served', async () => (await count('sent')) > 2)
    t.ok((await count('queued')) > 0, 'and others not yet')
    const late = await ask()
    // The first request, and the owner's own.
    await untilServed(2)
    t.equal((await sentMails(email, 'reset_request')).length, 2)
    t.equal(await count('queued'), 1, 'a request after the email waits for the next one')
    const mails = await client.outbox.groupBy({
      by: ['mailId'],
      where: { recipient: email, state: 'sent' },
      _count: true,
    })
    t.strictSame(
      mails.map(({ _count }) => _count).filter(n => n > 1),
      [WAITING + 1],
    )
    const code = codeIn(smtp.mails.at(-1))
    isProblemOf(t, await confirmReset(world, { requestToken: late, code }), 'code_invalid')
    t.equal((await confirmReset(world, { requestToken: own, code })).statusCode, 204)
  })

  await t.test('those that a fault leaves behind get the next email', async t => {
    const { email, count, untilServed } = await flooded()
    const { mailTurns } = app.database
    const { finishRest } = mailTurns
    mailTurns.finishRest = () => Promise.reject(new Error('a fault'))
    advance(60)
    t.equal((await sentMails(email, 'reset_request')).length, 2)
    mailTurns.finishRest = finishRest
    t.ok((await count('queued')) > WAITING / 2)
    t.equal(await client.outbox.count({ where: { recipient: email, attempts: { gt: 1 } } }), 0)
    const due = await app.database.outbox.nextDue()
    t.ok(due && due.getTime() > now(), 'at its turn')
    advance(3600)
    app.mail.wake()
    await untilServed(1)
    t.equal((await sentMails(email, 'reset_request')).length, 3)
  })

  await t.test('they take one place of the worker, so that the emails of others are sent', async t => {
    const { email } = await flooded()
    const { mailTurns } = app.database
    const { lead } = mailTurns
    const held: (() => void)[] = []
    mailTurns.lead = async (row, ...args) => {
      if (row.recipient === email) await new Promise<void>(resolve => held.push(resolve))
      return lead(row, ...args)
    }
    advance(60)
    app.mail.wake()
    await until('one is in progress', () => held.length > 0)
    await world.post('/register', { email: 'newcomer@example.org' })
    await until('the newcomer has an email', () =>
      smtp.mails.some(({ to }) => to.includes('newcomer@example.org')),
    )
    t.equal(held.length, 1)
    t.equal(await client.outbox.count({ where: { recipient: email, leasedUntil: { not: null } } }), 1)
    mailTurns.lead = lead
    for (const release of held) release()
    await until(
      'all are served',
      async () => (await client.outbox.count({ where: { state: 'queued', recipient: email } })) === 0,
      15_000,
    )
  })
})
