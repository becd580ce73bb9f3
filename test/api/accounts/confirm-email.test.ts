import t from 'tap'
import { v7 as uuidv7 } from 'uuid'
import { bearer, post, startApp, type TestApp, testClock, tokenIn } from '../../harness/app.ts'
import { clientAt } from '../../harness/client.ts'
import { countHashes } from '../../harness/hash-count.ts'
import { isProblemOf } from '../../harness/problem.ts'
import { claimsOf } from '../../unit/tokens/forge.ts'

const email = 'ada@example.org'
const password = 'correct horse battery staple'
const DAY = 86_400

/** Registers and returns the token of the email. */
async function pending({ app, smtp }: TestApp, payload: object = { email }) {
  const before = smtp.mails.length
  await post(app, '/register', payload)
  return tokenIn((await smtp.waitForMails(before + 1))[before])
}

function confirm({ app }: TestApp, payload: object) {
  return post(app, '/confirm-email', payload)
}

function resend({ app }: TestApp, address = email) {
  return post(app, '/confirm-email/resend', { email: address })
}

t.test('the link and a new password create the account and its first session', async t => {
  const time = testClock(new Date('2026-05-01T12:00:00.000Z'))
  const service = await startApp(t, { overrides: { clock: time.clock } })
  const { rows } = service
  const token = await pending(service, {
    email,
    password: 'what was typed at the registration',
    locale: 'de-at',
  })
  time.advance(3600)
  const response = await confirm(service, { token, password })
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

  const headers = bearer(pair)
  const me = await service.app.inject({ method: 'GET', url: '/me', headers })
  const now = '2026-05-01T13:00:00.000Z'
  t.match(me.json(), {
    email,
    locale: 'de-AT',
    emailConfirmedAt: now,
    passwordChangedAt: now,
    createdAt: now,
  })
  t.match(await rows.countsOf(email), { users: 1, sessions: 1, registrations: 0, mails: 1 })
  t.equal(service.smtp.mails.length, 1, 'and no further mail')

  isProblemOf(t, await confirm(service, { token, password }), 'token_spent', 'a second time')
  t.match(await rows.countsOf(email), { users: 1, sessions: 1 })
  const { refreshToken } = pair
  const refreshed = await post(service.app, '/token/refresh', { refreshToken })
  t.equal(refreshed.statusCode, 200)
})

t.test('a rejected password spends nothing and is not hashed', async t => {
  const service = await startApp(t)
  const { rows } = service
  const token = await pending(service)
  await rows.settled()
  const before = await rows.dump()
  const hashes = countHashes(t)
  for (const bad of ['short', 'password', email, 'x'.repeat(1024)]) {
    isProblemOf(t, await confirm(service, { token, password: bad }), 'password_rejected', bad.slice(0, 30))
  }
  t.equal(hashes(), 0)
  t.strictSame(await rows.dump(), before)
  t.equal((await confirm(service, { token, password })).statusCode, 200)
})

t.test('the first confirmation spends every other link of the email', async t => {
  const service = await startApp(t)
  const { rows } = service
  const tokens = [await pending(service), await pending(service), await pending(service)]
  const last = tokens.pop()
  t.equal((await confirm(service, { token: last, password })).statusCode, 200)
  for (const token of [...tokens, last]) {
    isProblemOf(t, await confirm(service, { token, password: 'another password altogether' }), 'token_spent')
  }
  t.match(await rows.countsOf(email), { users: 1, sessions: 1, registrations: 0 })
  const logIn = await post(service.app, '/login', { email, password })
  t.equal(logIn.statusCode, 200)
})

t.test('no deletion or change of email makes a used link valid again', async t => {
  const service = await startApp(t)
  const { app, rows } = service
  const tokens = [await pending(service), await pending(service)]
  const pair = (await confirm(service, { token: tokens[0], password })).json()
  const headers = bearer(pair)
  const allSpent = async (when: string) => {
    for (const token of tokens)
      isProblemOf(t, await confirm(service, { token, password }), 'token_spent', when)
  }
  const newEmail = 'ada@example.com'
  const sent = service.smtp.mails.length
  const payload = { currentPassword: password, newEmail }
  await post(app, '/email-change/request', payload, headers)
  const mails = (await service.smtp.waitForMails(sent + 2)).slice(sent)
  const move = tokenIn(mails.find(({ to }) => to.includes(newEmail)))
  await post(app, '/email-change/confirm', { token: move, password })
  t.match(await rows.countsOf(newEmail), { users: 1 })
  await allSpent('after the change of address')
  // A new registration has another id, so old links do not match it.
  await pending(service)
  await allSpent('after a new registration')

  const leaving = { currentPassword: password }
  t.equal((await app.inject({ method: 'DELETE', url: '/me', headers, payload: leaving })).statusCode, 204)
  await allSpent('after the deletion')
  t.equal(await rows.client.user.count(), 0)
})

t.test('a reset request for a pending registration sends the confirmation link', async t => {
  const service = await startApp(t)
  await pending(service)
  const sent = service.smtp.mails.length
  const payload = { email }
  await post(service.app, '/password-reset/request', payload)
  const mail = (await service.smtp.waitForMails(sent + 1))[sent]
  t.match(mail?.subject, /^Confirm your email address/)
  t.equal((await confirm(service, { token: tokenIn(mail), password })).statusCode, 200)
})

t.test('a link is valid for CONFIRM_TOKEN_TTL from when it was sent', async t => {
  const time = testClock()
  const service = await startApp(t, { overrides: { clock: time.clock } })
  const { rows } = service
  const token = await pending(service)
  time.advance(DAY + 31)
  isProblemOf(t, await confirm(service, { token, password }), 'token_expired')
  t.match(await rows.countsOf(email), { users: 0, sessions: 0, registrations: 1 })

  const sent = service.smtp.mails.length
  t.equal((await resend(service)).statusCode, 202)
  const fresh = tokenIn((await service.smtp.waitForMails(sent + 1))[sent])
  time.advance(DAY - 60)
  isProblemOf(t, await confirm(service, { token, password }), 'token_expired', 'the first link stays invalid')
  t.equal(
    (await confirm(service, { token: fresh, password })).statusCode,
    200,
    'the resent one is valid for a day',
  )
})

t.test('a registration lives as long as its last link', async t => {
  const time = testClock()
  const service = await startApp(t, { overrides: { clock: time.clock } })
  await pending(service)
  // The registration alone would expire in an hour.
  time.advance(3 * DAY - 3600)
  const sent = service.smtp.mails.length
  await resend(service)
  const token = tokenIn((await service.smtp.waitForMails(sent + 1))[sent])
  time.advance(DAY - 60)
  t.equal(await service.app.database.expired.remove('registrations', time.clock(), 10), 0)
  t.equal((await confirm(service, { token, password })).statusCode, 200)
})

t.test('the link of a deleted registration is spent', async t => {
  const service = await startApp(t)
  const { rows } = service
  const token = await pending(service)
  await rows.client.registration.deleteMany()
  isProblemOf(t, await confirm(service, { token, password }), 'token_spent')
  t.match(await rows.countsOf(email), { users: 0, sessions: 0 })
})

t.test('the link of a registration with another email is spent', async t => {
  const service = await startApp(t)
  const { rows } = service
  const token = await pending(service)
  await rows.client.registration.updateMany({ data: { email: 'eve@example.com' } })
  isProblemOf(t, await confirm(service, { token, password }), 'token_spent')
  await rows.client.registration.updateMany({ data: { email } })
  t.equal(
    (await confirm(service, { token, password })).statusCode,
    200,
    'and valid again once the row is restored',
  )
})

t.test('a link of the previous release works and sets a new password', async t => {
  const service = await startApp(t)
  const { app, rows } = service
  const { app: old } = await startApp(t, { env: { JWT_SECRET: service.env['JWT_SECRET'] as string } })
  const planted = 'a password that a stranger planted'
  const createdAt = new Date()
  const registrations = await Promise.all(
    [1, 2].map(async index => ({
      ...{ id: uuidv7(), email, locale: null, createdAt: new Date(createdAt.getTime() + index) },
      expiresAt: new Date(createdAt.getTime() + DAY * 1000),
      passwordHash: await app.passwords.hash(planted, clientAt()),
    })),
  )
  await rows.client.legacyRegistration.createMany({ data: registrations })
  const tokens = registrations.map(row => old.tokens.confirm.mint(row, {}).token)
  const logIn = (word: string) => post(app, '/login', { email, password: word })
  isProblemOf(t, await logIn(planted), 'invalid_credentials')

  // An email queued by the previous release, and a resend.
  const mail = { kind: 'registration' as const, recipient: email, registrationId: registrations[0]?.id }
  const due = { state: 'queued', attempts: 0, nextAttemptAt: createdAt, createdAt }
  await rows.client.outbox.create({ data: { ...mail, ...due, id: uuidv7() } as never })
  await resend(service)
  const mails = await service.smtp.waitForMails(2)
  t.strictSame(
    mails.map(one => claimsOf(tokenIn(one))['sub']).sort(),
    registrations.map(({ id }) => id),
  )

  isProblemOf(t, await confirm(service, { token: tokens[0], password: 'short' }), 'password_rejected')
  t.equal((await confirm(service, { token: tokens[0], password })).statusCode, 200)
  isProblemOf(t, await confirm(service, { token: tokens[0], password }), 'token_spent')
  isProblemOf(t, await confirm(service, { token: tokens[1], password: planted }), 'token_spent')
  t.equal(await rows.client.legacyRegistration.count(), 0)
  isProblemOf(t, await logIn(planted), 'invalid_credentials')
  t.equal((await logIn(password)).statusCode, 200)
})

t.test('other tokens are invalid', async t => {
  const service = await startApp(t)
  const { rows } = service
  const token = await pending(service)
  const [header, claims, signature] = token.split('.') as [string, string, string]
  const other = await startApp(t, { env: { JWT_SECRET: 'another secret of at least 32 bytes, really' } })
  const forged = await pending(other)
  const bad = [
    'x',
    'a.b.c',
    `${header}.${claims}.`,
    `${header}.${claims}`,
    `${token}.${signature}`,
    `${token} ${signature}`,
    forged,
  ]
  for (const one of bad) {
    isProblemOf(t, await confirm(service, { token: one, password }), 'token_invalid', one.slice(0, 30))
  }
  t.match(await rows.countsOf(email), { users: 0, registrations: 1 })
})

t.test('with EMAIL_CONFIRMATION=off the link acts as a reset', async t => {
  const service = await startApp(t, { env: { EMAIL_CONFIRMATION: 'off' } })
  const { app, rows } = service
  const squatted = { email, password: 'the password of a squatter' }
  await post(app, '/register', squatted)
  const squatter = (await post(app, '/login', squatted)).json()
  await resend(service)
  const token = tokenIn((await service.smtp.waitForMails(1))[0])
  isProblemOf(t, await confirm(service, { token, password: 'short' }), 'password_rejected')
  const pair = await confirm(service, { token, password })
  t.equal(pair.statusCode, 200)
  const user = await rows.client.user.findUniqueOrThrow({ where: { email } })
  t.type(user.emailConfirmedAt, Date)
  t.same(user.passwordChangedAt, user.emailConfirmedAt)
  isProblemOf(t, await confirm(service, { token, password }), 'token_spent', 'once')

  const me = ({ accessToken }: { accessToken: string }) =>
    app.inject({ url: '/me', headers: bearer(accessToken) })
  t.equal((await me(squatter)).statusCode, 401, 'the earlier session was revoked')
  t.equal((await me(pair.json())).statusCode, 200)
  const logIn = await post(app, '/login', squatted)
  isProblemOf(t, logIn, 'invalid_credentials')
  t.match((await service.smtp.waitForMails(2))[1]?.subject, /password .* was changed/)

  await resend(service)
  const mail = (await service.smtp.waitForMails(3))[2]
  t.match(mail?.subject, /already have an account/)
  t.notMatch(mail?.raw, /token=/)
})

t.test('with EMAIL_CONFIRMATION=off the link of a disabled account is void', async t => {
  const service = await startApp(t, { env: { EMAIL_CONFIRMATION: 'off' } })
  const { rows } = service
  await post(service.app, '/register', { email, password })
  await resend(service)
  const token = tokenIn((await service.smtp.waitForMails(1))[0])
  await rows.disable(email)
  isProblemOf(t, await confirm(service, { token, password }), 'token_spent')
  t.equal((await rows.client.user.findUniqueOrThrow({ where: { email } })).emailConfirmedAt, null)
})
