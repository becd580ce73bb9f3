import { randomBytes } from 'node:crypto'
import t from 'tap'
import {
  bearer,
  confirmedAccount,
  post,
  resetToken,
  startApp,
  type TestApp,
  testClock,
  testEnvironment,
  tokenIn,
} from '../../harness/app.ts'
import { isProblemOf } from '../../harness/problem.ts'
import { claimsOf } from '../../unit/tokens/forge.ts'

const check = ({ app }: Pick<TestApp, 'app'>, token: string) => post(app, '/password-reset/check', { token })

const confirm = ({ app }: Pick<TestApp, 'app'>, token: string, newPassword: string) =>
  post(app, '/password-reset/confirm', { token, newPassword })

const login = ({ app }: Pick<TestApp, 'app'>, email: string, password: string) =>
  post(app, '/login', { email, password })

const newPassword = 'a password that nobody had before'

t.test('a reset sets the password, revokes the sessions of this account and notifies the owner', async t => {
  const time = testClock(new Date('2030-01-01T00:00:00Z'))
  const service = await startApp(t, { overrides: { clock: time.clock } })
  const { rows } = service
  const { email, password, accessToken } = await confirmedAccount(service)
  const stranger = await confirmedAccount(service)
  const token = await resetToken(service, email)
  await rows.settled()
  const before = await rows.dump()

  time.advance(60)
  const answer = await confirm(service, token, newPassword)
  t.equal(answer.statusCode, 204)
  t.equal(answer.body, '')
  isProblemOf(t, await login(service, email, password), 'invalid_credentials')
  const back = await login(service, email, newPassword)
  t.equal(back.statusCode, 200)
  for (const [session, status] of [
    [accessToken, 401],
    [stranger.accessToken, 200],
    [back.json().accessToken, 200],
  ] as const) {
    const me = await service.app.inject({ url: '/me', headers: bearer(session) })
    t.equal(me.statusCode, status)
    if (status === 200 && session !== stranger.accessToken) {
      t.match(me.json(), {
        createdAt: '2030-01-01T00:00:00.000Z',
        emailConfirmedAt: '2030-01-01T00:00:00.000Z',
        passwordChangedAt: '2030-01-01T00:01:00.000Z',
      })
    }
  }

  await rows.settled()
  const after = await rows.dump()
  const notices = after.outbox.slice(before.outbox.length)
  t.match(notices, [{ kind: 'password_changed', recipient: email, state: 'sent' }])
  const notice = service.smtp.mails.at(-1)
  t.strictSame(notice?.to, [email])
  const { aud } = claimsOf(tokenIn(notice))
  t.equal(aud, 'secure', 'the notice can say "this was not me", and set no password')
  const ofStranger = (dump: typeof before) =>
    JSON.stringify(dump.users.filter(user => (user as { email: string }).email === stranger.email))
  t.equal(ofStranger(after), ofStranger(before), 'no other account changed')
})

t.test('the link works once', async t => {
  const service = await startApp(t)
  const { email } = await confirmedAccount(service)
  const token = await resetToken(service, email)
  t.equal((await confirm(service, token, newPassword)).statusCode, 204)
  isProblemOf(t, await check(service, token), 'token_spent')
  isProblemOf(t, await confirm(service, token, 'a third password for this test'), 'token_spent')
  isProblemOf(t, await confirm(service, token, newPassword), 'token_spent', 'the same password again')
  t.equal((await login(service, email, newPassword)).statusCode, 200)
})

t.test('resetting to the same password spends the link', async t => {
  const service = await startApp(t)
  const { email, password, accessToken } = await confirmedAccount(service)
  const token = await resetToken(service, email)
  t.equal((await confirm(service, token, password)).statusCode, 204)
  isProblemOf(t, await confirm(service, token, password), 'token_spent')
  const me = await service.app.inject({ url: '/me', headers: bearer(accessToken) })
  t.equal(me.statusCode, 401)
})

t.test('a rejected password changes nothing, and the link stays valid', async t => {
  const service = await startApp(t)
  const { rows } = service
  const { email } = await confirmedAccount(service, 'memorable.name@example.org')
  const token = await resetToken(service, email)
  await rows.settled()
  const before = await rows.dump()
  for (const refused of ['short', 'password1', email, 'memorable.name', 'x'.repeat(129), 'with a NUL \0']) {
    isProblemOf(t, await confirm(service, token, refused), 'password_rejected')
  }
  isProblemOf(t, await confirm(service, token, ''), 'validation_failed')
  t.strictSame(await rows.dump(), before)
  t.equal((await confirm(service, token, newPassword)).statusCode, 204)
})

t.test('the policy is checked only with a valid token', async t => {
  const service = await startApp(t)
  const { email } = await confirmedAccount(service)
  const token = await resetToken(service, email)
  t.equal((await confirm(service, token, newPassword)).statusCode, 204)
  isProblemOf(t, await confirm(service, token, 'short'), 'token_spent')
  isProblemOf(t, await confirm(service, 'a.b.c', 'short'), 'token_invalid')
})

t.test('checking a link spends nothing', async t => {
  const time = testClock(new Date('2030-01-01T00:00:00Z'))
  const service = await startApp(t, { overrides: { clock: time.clock } })
  const { rows } = service
  const { email } = await confirmedAccount(service)
  const token = await resetToken(service, email)
  await rows.settled()
  const before = await rows.dump()
  for (let look = 0; look < 20; look++) {
    const answer = await check(service, token)
    t.equal(answer.statusCode, 200)
    t.strictSame(answer.json(), { email, expiresAt: '2030-01-01T00:30:00.000Z' })
    t.equal(answer.headers['cache-control'], 'no-store')
  }
  for (const method of ['GET', 'HEAD'] as const) {
    for (const url of [`/password-reset/check?token=${token}`, `/password-reset/confirm?token=${token}`]) {
      t.equal((await service.app.inject({ method, url })).statusCode, 405)
    }
  }
  t.strictSame(await rows.dump(), before)
  t.equal((await confirm(service, token, newPassword)).statusCode, 204)
})

t.test('the first success voids all other links', async t => {
  const time = testClock()
  const service = await startApp(t, { overrides: { clock: time.clock } })
  const { email } = await confirmedAccount(service)
  const tokens: string[] = []
  for (let asked = 0; asked < 3; asked++) {
    tokens.push(await resetToken(service, email))
    time.advance(1)
  }
  t.equal(new Set(tokens).size, 3)
  for (const token of tokens) t.equal((await check(service, token)).statusCode, 200, 'all are good')
  t.equal((await confirm(service, tokens[1] as string, newPassword)).statusCode, 204)
  for (const token of tokens) {
    isProblemOf(t, await confirm(service, token, 'a third password for this test'), 'token_spent')
  }
  await service.smtp.waitForMails(5)
  t.equal((await check(service, await resetToken(service, email))).statusCode, 200, 'a new one is good')
})

t.test('the token reveals nothing about the account', async t => {
  const service = await startApp(t)
  const { rows } = service
  const { email } = await confirmedAccount(service)
  const token = await resetToken(service, email)
  const { id, passwordHash } = await rows.client.user.findUniqueOrThrow({ where: { email } })
  const claims = claimsOf(token)
  t.strictSame(Object.keys(claims).sort(), ['aud', 'exp', 'fp', 'iat', 'iss', 'sub'])
  t.match(claims, { iss: 'latchkey', aud: 'reset', sub: id })
  t.equal((claims['fp'] as string).length, 22)
  t.notOk(JSON.stringify(claims).includes(email))
  t.notOk(passwordHash.includes(claims['fp'] as string))
})

t.test('a link signed with the previous secret is valid while that is configured', async t => {
  const [old, next] = [testEnvironment.JWT_SECRET, randomBytes(32).toString('base64url')]
  const before = await startApp(t)
  const { databaseUrl, smtp } = before
  const account = await confirmedAccount(before)
  const other = await confirmedAccount(before)
  const token = await resetToken(before, account.email)
  const late = await resetToken(before, other.email)
  await before.app.close()

  const during = await startApp(t, {
    ...{ databaseUrl, smtp },
    env: { JWT_SECRET: next, JWT_SECRET_PREVIOUS: old },
  })
  const fresh = await resetToken(during, other.email)
  t.equal((await check(during, late)).statusCode, 200)
  t.equal((await confirm(during, token, newPassword)).statusCode, 204)
  isProblemOf(t, await confirm(during, token, newPassword), 'token_spent', 'once, under either secret')
  await during.app.close()

  const after = await startApp(t, { databaseUrl, smtp, env: { JWT_SECRET: next } })
  isProblemOf(t, await check(after, late), 'token_invalid')
  isProblemOf(t, await confirm(after, late, newPassword), 'token_invalid')
  t.equal((await check(after, fresh)).statusCode, 200, 'the new secret signed this one')
  await after.app.close()

  const without = await startApp(t, { databaseUrl, smtp, env: { JWT_SECRET: old } })
  isProblemOf(t, await check(without, fresh), 'token_invalid', 'and the old one did not')
})
