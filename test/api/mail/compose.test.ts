import { setTimeout as delay } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { confirmedAccount, startApp, testClock, tokenIn } from '../../harness/app.ts'
import { openRows } from '../../harness/rows.ts'

const password = 'correct horse battery staple'

async function world(t: Test, env: Record<string, string> = {}) {
  const { clock, advance } = testClock()
  const made = await startApp(t, {
    env: { APP_URL: 'https://front.example.org/a/', ...env },
    overrides: { clock },
  })
  const rows = await openRows(t, made.databaseUrl)
  return {
    ...made,
    rows,
    advance,
    /** Sends a request and returns its emails: all of them, because the outbox is empty then. */
    async mailsAfter(url: string, payload: object) {
      const before = made.smtp.mails.length
      const { statusCode } = await made.app.inject({ method: 'POST', url, payload })
      t.match(String(statusCode), /^20[124]$/)
      await rows.settled()
      return made.smtp.mails.slice(before)
    },
    /** The state of the newest row. */
    async newest() {
      return rows.client.outbox.findFirstOrThrow({ orderBy: { id: 'desc' } })
    },
  }
}

t.test('the state of an account at sending time decides which email is sent', async t => {
  const { app, smtp, mailsAfter, newest, rows } = await world(t)
  const { email } = await confirmedAccount({ app, smtp }, 'known@example.org')
  await app.inject({ method: 'POST', url: '/register', payload: { email: 'pending@example.org', password } })
  await rows.settled()

  const cases: { url: string; email: string; subject: RegExp | undefined; link?: RegExp }[] = [
    { url: '/register', email, subject: /already have an account/, link: /\/a\/app\/forgot-password$/m },
    {
      url: '/register',
      email: 'new@example.org',
      subject: /^Confirm/,
      link: /\/a\/app\/confirm-email#token=/,
    },
    { url: '/confirm-email/resend', email, subject: /already have an account/ },
    { url: '/confirm-email/resend', email: 'pending@example.org', subject: /^Confirm/, link: /#token=/ },
    { url: '/confirm-email/resend', email: 'nobody@example.org', subject: undefined },
    { url: '/password-reset/request', email, subject: /^Reset/, link: /\/a\/app\/reset-password#token=/ },
    {
      url: '/password-reset/request',
      email: 'pending@example.org',
      subject: /^Confirm/,
      link: /\/a\/app\/confirm-email#token=/,
    },
    { url: '/password-reset/request', email: 'nobody@example.org', subject: undefined },
  ]
  for (const { url, email, subject, link } of cases) {
    const mails = await mailsAfter(url, url === '/register' ? { email, password } : { email })
    const name = `${url} for ${email}`
    if (subject === undefined) {
      t.equal(mails.length, 0, `${name}: nothing is sent`)
      t.match(
        await newest(),
        { state: 'dropped', lastError: null, finishedAt: Date },
        `${name}: nothing further is sent`,
      )
      continue
    }
    t.equal(mails.length, 1, name)
    t.match(mails[0], { to: [email], subject }, name)
    for (const [found] of (mails[0]?.text ?? '').matchAll(/https?:\S+/g)) {
      t.match(found, /^https:\/\/front\.example\.org\/a\/app\//, `${name}: links come from APP_URL`)
    }
    if (link) t.match(mails[0]?.text, link, name)
    if (link?.source.includes('token') !== true) t.notMatch(mails[0]?.raw, /token=/, `${name}: no token`)
  }
})

for (const what of ['disabled', 'deleted'] as const) {
  t.test(`an account that is ${what} between the request and the email gets no email`, async t => {
    const { app, smtp, rows, mailsAfter, advance } = await world(t)
    const { email } = await confirmedAccount({ app, smtp })
    // Due only after the account has changed, so that the worker cannot claim the rows earlier.
    const due = new Date(app.clock().getTime() + 60_000)
    for (const kind of ['reset_request', 'confirmation_resend', 'password_changed'] as const) {
      await app.database.outbox.enqueue({ kind, recipient: email }, due)
    }
    if (what === 'disabled') await rows.disable(email)
    else await rows.client.user.delete({ where: { email } })
    advance(61)
    app.mail.wake()
    await rows.settled()
    t.equal(smtp.mails.length, 1, 'only the confirmation from before')
    const outcomes = await rows.client.outbox.findMany({ where: { kind: { not: 'registration' } } })
    t.strictSame(
      outcomes.map(({ state, lastError }) => ({ state, lastError })),
      Array(3).fill({ state: 'dropped', lastError: null }),
    )
    for (const url of ['/password-reset/request', '/confirm-email/resend']) {
      t.equal((await mailsAfter(url, { email })).length, 0, `nor after another ${url}`)
    }
    const again = await mailsAfter('/register', { email, password })
    if (what === 'disabled') t.equal(again.length, 0, 'a disabled account is not told that it exists')
    else t.match(again, [{ subject: /^Confirm/ }], 'a deleted one may be registered again')
  })
}

t.test('a registration whose email was delayed stays valid as long as its link', async t => {
  const { clock, advance } = testClock()
  const { app, smtp, databaseUrl } = await startApp(t, {
    overrides: { clock, mail: { timing: { poll: 3600 } } },
  })
  const rows = await openRows(t, databaseUrl)
  const payload = { email: 'ada@example.org', password }
  await smtp.stop()
  await app.inject({ method: 'POST', url: '/register', payload })
  while ((await rows.client.outbox.count({ where: { attempts: 1, leasedUntil: null } })) === 0) await delay(5)
  advance(47 * 3600)
  await smtp.start()
  app.mail.wake()
  const [mail] = await smtp.waitForMails(1)
  advance(23 * 3600)
  t.equal(await app.database.expired.remove('registrations', clock(), 10), 0, 'it is still there')
  const body = { token: tokenIn(mail), password }
  t.equal((await app.inject({ method: 'POST', url: '/confirm-email', payload: body })).statusCode, 200)
})

t.test('an account of EMAIL_CONFIRMATION=off gets a confirmation link', async t => {
  const { mailsAfter, app, rows } = await world(t, { EMAIL_CONFIRMATION: 'off' })
  const email = 'ada@example.org'
  t.strictSame(await mailsAfter('/register', { email, password }), [], 'no mail on registering')
  const [mail] = await mailsAfter('/confirm-email/resend', { email })
  const confirmed = await app.inject({
    method: 'POST',
    url: '/confirm-email',
    payload: { token: tokenIn(mail), password },
  })
  t.equal(confirmed.statusCode, 200)
  await rows.settled()
  t.match(await mailsAfter('/confirm-email/resend', { email }), [{ subject: /already have an account/ }])
})
