import t from 'tap'
import { confirmedAccount, startApp, testClock } from '../../harness/app.ts'
import { isProblemOf } from '../../harness/problem.ts'
import { openRows } from '../../harness/rows.ts'

const email = 'ada@example.org'
const password = 'correct horse battery staple'

t.test('a registration is a pending row with its mail, and no account', async t => {
  const time = testClock(new Date('2026-05-01T12:00:00.000Z'))
  const { app, smtp, databaseUrl } = await startApp(t, { overrides: { clock: time.clock } })
  const rows = await openRows(t, databaseUrl)
  const payload = { email: ' ADA@Example.org ', password, locale: 'en-gb' }
  const response = await app.inject({ method: 'POST', url: '/register', payload })
  t.equal(response.statusCode, 202)
  t.equal(response.body, '{"status":"confirmation_sent"}')
  await smtp.waitForMails(1)
  await rows.settled()

  const { users, sessions, registrations, outbox } = await rows.dump()
  t.strictSame([users, sessions], [[], []], 'no account and no session')
  t.equal(registrations.length, 1)
  t.match(registrations[0], {
    id: /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
    email,
    locale: 'en-GB',
    passwordHash: /^\$argon2id\$/,
    createdAt: time.clock(),
    expiresAt: new Date('2026-05-04T12:00:00.000Z'),
  })
  t.equal(outbox.length, 1)
  t.match(outbox[0], { kind: 'registration', recipient: email, state: 'sent', attempts: 1 })
  t.strictSame(smtp.mails[0]?.to, [email])
})

t.test('each registration is a row and a link of its own', async t => {
  const { app, smtp, databaseUrl } = await startApp(t)
  const rows = await openRows(t, databaseUrl)
  const answers = await Promise.all(
    Array.from({ length: 5 }, (_, i) =>
      app.inject({ method: 'POST', url: '/register', payload: { email, password: `${password} ${i}` } }),
    ),
  )
  t.strictSame(
    answers.map(({ statusCode }) => statusCode),
    [202, 202, 202, 202, 202],
  )
  const mails = await smtp.waitForMails(5)
  t.equal(new Set(mails.map(({ text }) => /#token=(\S+)/.exec(text)?.[1])).size, 5, 'five different links')
  t.match(await rows.countsOf(email), { users: 0, registrations: 5, mails: 5 })
})

t.test('registering a known address changes nothing about its account', async t => {
  const house = await startApp(t)
  const rows = await openRows(t, house.databaseUrl)
  const account = await confirmedAccount(house, email, password)
  const before = await rows.dump()
  const payload = { email, password: 'another password altogether', locale: 'fr' }
  const response = await house.app.inject({ method: 'POST', url: '/register', payload })
  t.equal(response.statusCode, 202)
  await rows.settled()
  const after = await rows.dump()
  t.strictSame(after.users, before.users)
  t.strictSame(after.sessions, before.sessions)
  const headers = { authorization: `Bearer ${account.accessToken}` }
  t.equal((await house.app.inject({ method: 'GET', url: '/me', headers })).statusCode, 200, 'still logged in')
})

t.test('with EMAIL_CONFIRMATION=off the account is there at once', async t => {
  const { app, smtp, databaseUrl } = await startApp(t, { env: { EMAIL_CONFIRMATION: 'off' } })
  const rows = await openRows(t, databaseUrl)
  const payload = { email: 'ADA@example.org', password }
  const response = await app.inject({ method: 'POST', url: '/register', payload })
  t.equal(response.statusCode, 201)
  t.strictSame(Object.keys(response.json()).sort(), [
    'createdAt',
    'email',
    'emailConfirmedAt',
    'id',
    'locale',
    'passwordChangedAt',
  ])
  t.match(response.json(), { email, emailConfirmedAt: null, locale: null })
  t.equal((await app.inject({ method: 'POST', url: '/login', payload })).statusCode, 200)

  const before = await rows.dump()
  const again = await app.inject({
    method: 'POST',
    url: '/register',
    payload: { email, password: `${password}!` },
  })
  isProblemOf(t, again, 'email_taken')
  t.strictSame(await rows.dump(), before, 'the second changes nothing')
  t.strictSame(before.registrations, [])
  t.equal(smtp.connections(), 0, 'and no mail goes out')
})

t.test('with EMAIL_CONFIRMATION=off one of many at once gets the address', async t => {
  const { app, databaseUrl } = await startApp(t, { env: { EMAIL_CONFIRMATION: 'off' } })
  const rows = await openRows(t, databaseUrl)
  const passwords = Array.from({ length: 10 }, (_, i) => `${password} ${i}`)
  const answers = await Promise.all(
    passwords.map(one => app.inject({ method: 'POST', url: '/register', payload: { email, password: one } })),
  )
  const winners = answers.flatMap(({ statusCode }, i) => (statusCode === 201 ? [i] : []))
  t.equal(winners.length, 1)
  t.equal(answers.filter(({ statusCode }) => statusCode === 409).length, 9)
  t.equal(await rows.client.user.count(), 1)
  for (const [i, one] of passwords.entries()) {
    const logIn = await app.inject({ method: 'POST', url: '/login', payload: { email, password: one } })
    t.equal(logIn.statusCode, i === winners[0] ? 200 : 401, `password ${i}`)
  }
})
