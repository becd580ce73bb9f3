import t from 'tap'
import { startApp, type TestApp, testClock, tokenIn } from '../../harness/app.ts'
import { clientAt } from '../../harness/client.ts'
import { isProblemOf } from '../../harness/problem.ts'
import { openRows } from '../../harness/rows.ts'

const email = 'ada@example.org'
const password = 'correct horse battery staple'
const DAY = 86_400

/** Registers and returns the token of the mail. */
async function pending({ app, smtp }: TestApp, payload: object = { email, password }) {
  const before = smtp.mails.length
  await app.inject({ method: 'POST', url: '/register', payload })
  return tokenIn((await smtp.waitForMails(before + 1))[before])
}

function confirm({ app }: TestApp, payload: object) {
  return app.inject({ method: 'POST', url: '/confirm-email', payload })
}

function resend({ app }: TestApp, address = email) {
  return app.inject({ method: 'POST', url: '/confirm-email/resend', payload: { email: address } })
}

t.test('link and password together make the account and its first session', async t => {
  const time = testClock(new Date('2026-05-01T12:00:00.000Z'))
  const house = await startApp(t, { overrides: { clock: time.clock } })
  const rows = await openRows(t, house.databaseUrl)
  const token = await pending(house, { email, password, locale: 'de-at' })
  time.advance(3600)
  const response = await confirm(house, { token, password })
  t.equal(response.statusCode, 200)
  t.equal(response.headers['cache-control'], 'no-store')
  const pair = response.json()
  t.match(pair, { tokenType: 'Bearer', expiresIn: 900, refreshExpiresIn: 14 * DAY })
  t.strictSame(Object.keys(pair).sort(), [
    'accessToken',
    'expiresIn',
    'refreshExpiresIn',
    'refreshToken',
    'tokenType',
  ])

  const headers = { authorization: `Bearer ${pair.accessToken}` }
  const me = await house.app.inject({ method: 'GET', url: '/me', headers })
  const now = '2026-05-01T13:00:00.000Z'
  t.match(me.json(), {
    email,
    locale: 'de-AT',
    emailConfirmedAt: now,
    passwordChangedAt: now,
    createdAt: now,
  })
  t.match(await rows.countsOf(email), { users: 1, sessions: 1, registrations: 0, mails: 1 })
  t.equal(house.smtp.mails.length, 1, 'and no further mail')

  isProblemOf(t, await confirm(house, { token, password }), 'token_spent', 'a second time')
  t.match(await rows.countsOf(email), { users: 1, sessions: 1 })
  const { refreshToken } = pair
  const refreshed = await house.app.inject({
    method: 'POST',
    url: '/token/refresh',
    payload: { refreshToken },
  })
  t.equal(refreshed.statusCode, 200)
})

t.test('a wrong password makes nothing and spends nothing', async t => {
  const house = await startApp(t)
  const rows = await openRows(t, house.databaseUrl)
  const token = await pending(house)
  await rows.settled()
  const before = await rows.dump()
  for (const wrong of ['wrong', `${password} `, password.toUpperCase(), 'x'.repeat(1024)]) {
    isProblemOf(
      t,
      await confirm(house, { token, password: wrong }),
      'invalid_credentials',
      wrong.slice(0, 30),
    )
  }
  t.strictSame(await rows.dump(), before)
  t.equal((await confirm(house, { token, password })).statusCode, 200)
})

t.test('a link lives for CONFIRM_TOKEN_TTL from when it was sent', async t => {
  const time = testClock()
  const house = await startApp(t, { overrides: { clock: time.clock } })
  const rows = await openRows(t, house.databaseUrl)
  const token = await pending(house)
  time.advance(DAY + 31)
  isProblemOf(t, await confirm(house, { token, password }), 'token_expired')
  t.match(await rows.countsOf(email), { users: 0, sessions: 0, registrations: 1 })

  const sent = house.smtp.mails.length
  t.equal((await resend(house)).statusCode, 202)
  const fresh = tokenIn((await house.smtp.waitForMails(sent + 1))[sent])
  time.advance(DAY - 60)
  isProblemOf(t, await confirm(house, { token, password }), 'token_expired', 'the first link stays dead')
  t.equal((await confirm(house, { token: fresh, password })).statusCode, 200, 'the resent one lives a day')
})

t.test('a registration lives as long as the last link that was sent for it', async t => {
  const time = testClock()
  const house = await startApp(t, { overrides: { clock: time.clock } })
  await pending(house)
  // The registration alone would run out in an hour.
  time.advance(3 * DAY - 3600)
  const sent = house.smtp.mails.length
  await resend(house)
  const token = tokenIn((await house.smtp.waitForMails(sent + 1))[sent])
  time.advance(DAY - 60)
  await house.app.database.expired.remove('registrations', time.clock(), 10)
  t.equal((await confirm(house, { token, password })).statusCode, 200)
})

t.test('a resend brings the link of the newest registration', async t => {
  const time = testClock()
  const house = await startApp(t, { overrides: { clock: time.clock } })
  await pending(house, { email, password: 'the older password' })
  time.advance(1)
  await pending(house, { email, password: 'the newer password' })
  const sent = house.smtp.mails.length
  await resend(house)
  const token = tokenIn((await house.smtp.waitForMails(sent + 1))[sent])
  isProblemOf(t, await confirm(house, { token, password: 'the older password' }), 'invalid_credentials')
  t.equal((await confirm(house, { token, password: 'the newer password' })).statusCode, 200)
})

t.test('the link of a registration that is gone is spent', async t => {
  const house = await startApp(t)
  const rows = await openRows(t, house.databaseUrl)
  const token = await pending(house)
  await rows.client.registration.deleteMany()
  isProblemOf(t, await confirm(house, { token, password }), 'token_spent')
  t.match(await rows.countsOf(email), { users: 0, sessions: 0 })
})

t.test('a link for a registration whose row was changed is spent', async t => {
  const house = await startApp(t)
  const rows = await openRows(t, house.databaseUrl)
  const token = await pending(house)
  const original = await rows.client.registration.findFirstOrThrow()
  const passwordHash = await house.app.passwords.hash('a password of somebody else', clientAt())
  for (const data of [{ email: 'eve@example.com' }, { passwordHash }]) {
    await rows.client.registration.updateMany({ data })
    isProblemOf(t, await confirm(house, { token, password }), 'token_spent', Object.keys(data)[0])
    await rows.client.registration.updateMany({
      data: { email: original.email, passwordHash: original.passwordHash },
    })
  }
  t.equal((await confirm(house, { token, password })).statusCode, 200, 'and alive once it is as it was')
})

t.test('what is no confirmation token is invalid', async t => {
  const house = await startApp(t)
  const rows = await openRows(t, house.databaseUrl)
  const token = await pending(house)
  const [header, claims, signature] = token.split('.') as [string, string, string]
  const other = await startApp(t, { env: { JWT_SECRET: 'another secret of at least 32 bytes, really' } })
  const forged = await pending(other)
  const bad = [
    'x',
    'a.b.c',
    `${header}.${claims}.`,
    `${header}.${claims}`,
    `${token}.${signature}`,
    ` ${token}`,
    forged,
  ]
  for (const one of bad) {
    isProblemOf(t, await confirm(house, { token: one, password }), 'token_invalid', one.slice(0, 30))
  }
  t.match(await rows.countsOf(email), { users: 0, registrations: 1 })
})

t.test('with EMAIL_CONFIRMATION=off a resend confirms the account that is there', async t => {
  const house = await startApp(t, { env: { EMAIL_CONFIRMATION: 'off' } })
  const rows = await openRows(t, house.databaseUrl)
  await house.app.inject({ method: 'POST', url: '/register', payload: { email, password } })
  await resend(house)
  const token = tokenIn((await house.smtp.waitForMails(1))[0])
  isProblemOf(t, await confirm(house, { token, password: 'not the password' }), 'invalid_credentials')
  t.equal((await confirm(house, { token, password })).statusCode, 200)
  const user = await rows.client.user.findUniqueOrThrow({ where: { email } })
  t.type(user.emailConfirmedAt, Date)
  isProblemOf(t, await confirm(house, { token, password }), 'token_spent', 'once')

  await resend(house)
  const mail = (await house.smtp.waitForMails(2))[1]
  t.match(mail?.subject, /already have an account/)
  t.notMatch(mail?.raw, /token=/)
})

t.test('with EMAIL_CONFIRMATION=off the link of a disabled account is dead', async t => {
  const house = await startApp(t, { env: { EMAIL_CONFIRMATION: 'off' } })
  const rows = await openRows(t, house.databaseUrl)
  await house.app.inject({ method: 'POST', url: '/register', payload: { email, password } })
  await resend(house)
  const token = tokenIn((await house.smtp.waitForMails(1))[0])
  await rows.disable(email)
  isProblemOf(t, await confirm(house, { token, password }), 'token_spent')
  t.equal((await rows.client.user.findUniqueOrThrow({ where: { email } })).emailConfirmedAt, null)
})
