import t from 'tap'
import { bearer, confirmedAccount, post, startApp, testClock, tokenIn } from '../../harness/app.ts'
import { countHashes } from '../../harness/hash-count.ts'
import { isProblemOf } from '../../harness/problem.ts'
import { startSmtpServer } from '../../harness/smtp.ts'
import { claimsOf } from '../../unit/tokens/forge.ts'

const email = 'ada@example.org'
const password = 'correct horse battery staple'

t.test('a registration stores a row without a password and an email, and no account', async t => {
  const time = testClock(new Date('2026-05-01T12:00:00.000Z'))
  const { app, smtp, rows } = await startApp(t, { overrides: { clock: time.clock } })
  const hashes = countHashes(t)
  const payload = { email: ' ADA@Example.org ', password, locale: 'en-gb' }
  const response = await post(app, '/register', payload)
  t.equal(response.statusCode, 202)
  t.equal(response.json().status, 'confirmation_sent')
  await smtp.waitForMails(1)
  await rows.settled()

  const { users, sessions, registrations, outbox } = await rows.dump()
  t.strictSame([users, sessions], [[], []], 'no account and no session')
  const [row, ...others] = registrations as Record<string, unknown>[]
  t.strictSame(others, [])
  t.match(row, { id: /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/ })
  t.strictSame(row, {
    ...{ id: row?.['id'], email, locale: 'en-GB' },
    ...{ createdAt: time.clock(), expiresAt: new Date('2026-05-04T12:00:00.000Z') },
  })
  t.equal(await rows.client.legacyRegistration.count(), 0, 'nothing in the old table')
  t.equal(hashes(), 0, 'and nothing is hashed')
  t.equal(outbox.length, 1)
  t.match(outbox[0], { kind: 'registration', recipient: email, state: 'sent', attempts: 1 })
  t.strictSame(smtp.mails[0]?.to, [email])
  const { sub, email: named } = claimsOf(tokenIn(smtp.mails[0]))
  t.strictSame([sub, named], [row?.['id'], email], 'the link contains the id of the row and the address')
})

t.test('the password is optional and checked if present', async t => {
  const { app, rows } = await startApp(t)
  const register = (payload: object) => post(app, '/register', payload)
  for (const bad of ['short', 'password', email, '\0'.repeat(20), 'x'.repeat(129)]) {
    isProblemOf(t, await register({ email, password: bad }), 'password_rejected', bad.slice(0, 20))
  }
  isProblemOf(t, await register({ email, password: '' }), 'validation_failed')
  t.strictSame(await rows.countsOf(email), { users: 0, registrations: 0, sessions: 0, mails: 0 })
  t.equal((await register({ email })).statusCode, 202)
  t.match(await rows.countsOf(email), { registrations: 1 })
})

t.test('50 registrations of one email store one row, and its links are spent together', async t => {
  const time = testClock()
  const { app, smtp, rows } = await startApp(t, { overrides: { clock: time.clock } })
  const register = (locale?: string) => post(app, '/register', { email, ...(locale && { locale }) })
  t.equal((await register('de')).statusCode, 202)
  const first = await rows.client.registration.findUniqueOrThrow({ where: { email } })
  time.advance(60)
  const answers = await Promise.all(Array.from({ length: 49 }, () => register()))
  t.ok(answers.every(({ statusCode }) => statusCode === 202))
  const later = await rows.client.registration.findUniqueOrThrow({ where: { email } })
  t.strictSame(later, { ...first, expiresAt: new Date(first.expiresAt.getTime() + 60_000) })
  await rows.settled()
  const subjects = new Set(smtp.mails.map(mail => claimsOf(tokenIn(mail))['sub']))
  t.strictSame([...subjects], [first.id])

  await register('fr')
  t.match(await rows.client.registration.findUnique({ where: { email } }), { id: first.id, locale: 'fr' })
})

t.test('registering a known email does not change its account', async t => {
  const service = await startApp(t)
  const { rows } = service
  const account = await confirmedAccount(service, email, password)
  const before = await rows.dump()
  const payload = { email, password: 'another password altogether', locale: 'fr' }
  const response = await post(service.app, '/register', payload)
  t.equal(response.statusCode, 202)
  await rows.settled()
  const after = await rows.dump()
  t.strictSame(after.users, before.users)
  t.strictSame(after.sessions, before.sessions)
  const headers = bearer(account)
  t.equal(
    (await service.app.inject({ method: 'GET', url: '/me', headers })).statusCode,
    200,
    'still logged in',
  )
})

t.test('with EMAIL_CONFIRMATION=off the account is created at once', async t => {
  const { app, smtp, rows } = await startApp(t, {
    smtp: await startSmtpServer(t),
    env: { EMAIL_CONFIRMATION: 'off' },
  })
  isProblemOf(t, await post(app, '/register', { email }), 'validation_failed', 'the password is required')
  const payload = { email: 'ADA@example.org', password }
  const response = await post(app, '/register', payload)
  t.equal(response.statusCode, 201)
  t.strictSame(Object.keys(response.json()).sort(), [
    'claims',
    'createdAt',
    'email',
    'emailConfirmedAt',
    'id',
    'locale',
    'passwordChangedAt',
    'roles',
  ])
  t.match(response.json(), { email, emailConfirmedAt: null, locale: null, roles: [], claims: {} })
  t.equal((await post(app, '/login', payload)).statusCode, 200)

  const before = await rows.dump()
  const again = await post(app, '/register', { email, password: `${password}!` })
  isProblemOf(t, again, 'email_taken')
  t.strictSame(await rows.dump(), before, 'the second changes nothing')
  t.strictSame(before.registrations, [])
  t.equal(smtp.connections(), 0, 'and no email is sent')
})

t.test('with EMAIL_CONFIRMATION=off one of several parallel registrations gets the email', async t => {
  const { app, rows } = await startApp(t, { env: { EMAIL_CONFIRMATION: 'off' } })
  const passwords = Array.from({ length: 10 }, (_, i) => `${password} ${i}`)
  const answers = await Promise.all(passwords.map(one => post(app, '/register', { email, password: one })))
  const winners = answers.flatMap(({ statusCode }, i) => (statusCode === 201 ? [i] : []))
  t.equal(winners.length, 1)
  t.equal(answers.filter(({ statusCode }) => statusCode === 409).length, 9)
  t.equal(await rows.client.user.count(), 1)
  for (const [i, one] of passwords.entries()) {
    const logIn = await post(app, '/login', { email, password: one })
    t.equal(logIn.statusCode, i === winners[0] ? 200 : 401, `password ${i}`)
  }
})
