import { randomBytes } from 'node:crypto'
import t from 'tap'
import {
  bearer,
  confirmedAccount,
  post,
  startApp,
  type TestApp,
  testClock,
  testEnvironment,
  tokenIn,
} from '../../harness/app.ts'
import { codeIn, otherThan, withMails } from '../../harness/mailbox.ts'
import { isProblemOf } from '../../harness/problem.ts'
import { until } from '../../harness/until.ts'
import { visible } from '../../harness/visible.ts'
import { claimsOf } from '../../unit/tokens/forge.ts'

const newPassword = 'a password that nobody had before'
const third = 'a third password for this test'

const ask = ({ app }: Pick<TestApp, 'app'>, email: string) => post(app, '/password-reset/request', { email })

const confirm = ({ app }: Pick<TestApp, 'app'>, payload: object) =>
  post(app, '/password-reset/confirm', payload)

const login = ({ app }: Pick<TestApp, 'app'>, email: string, password: string) =>
  post(app, '/login', { email, password })

/** The token of the response; code and link of the email. */
async function begin(service: TestApp, email: string) {
  const { answer, mails } = await withMails(service, service.rows, () => ask(service, email))
  const { requestToken } = answer.json() as { requestToken: string }
  return { requestToken, code: codeIn(mails[0]), token: tokenIn(mails[0]) }
}

t.test('the emailed code and the request token set a password once', async t => {
  const service = await startApp(t)
  const { email, password, accessToken } = await confirmedAccount(service)
  const stranger = await confirmedAccount(service)
  const { requestToken, code, token } = await begin(service, email)
  t.match(code, /^\d{8}$/)

  const done = await withMails(service, service.rows, () =>
    confirm(service, { requestToken, code, newPassword }),
  )
  t.strictSame([done.answer.statusCode, done.answer.body], [204, ''])
  t.strictSame(
    done.mails.map(({ to, subject }) => [to, /was changed/.test(subject)]),
    [[[email], true]],
    'the owner gets a notice',
  )
  for (const [session, status] of [
    [accessToken, 401],
    [stranger.accessToken, 200],
  ] as const) {
    const headers = bearer(session)
    t.equal((await service.app.inject({ url: '/me', headers })).statusCode, status)
  }
  isProblemOf(t, await login(service, email, password), 'invalid_credentials')
  t.equal((await login(service, email, newPassword)).statusCode, 200)

  isProblemOf(t, await confirm(service, { requestToken, code, newPassword: third }), 'code_invalid', 'again')
  isProblemOf(
    t,
    await confirm(service, { token, newPassword: third }),
    'token_spent',
    'the link of that mail',
  )
  t.equal((await login(service, email, newPassword)).statusCode, 200)
  t.equal((await login(service, stranger.email, stranger.password)).statusCode, 200)
})

t.test('the response has the same form, length and headers for every email', async t => {
  const service = await startApp(t)
  const { app, rows } = service
  const [known, disabled, pending, unknown] = ['known', 'disab', 'pendi', 'unkno'].map(
    name => `${name}@example.org`,
  ) as [string, string, string, string]
  await confirmedAccount(service, known)
  await confirmedAccount(service, disabled)
  await rows.disable(disabled)
  const payload = { email: pending, password: 'correct horse battery staple' }
  await post(app, '/register', payload)
  const answers: Record<string, Awaited<ReturnType<typeof ask>>> = {}
  for (const email of [known, disabled, pending, unknown]) answers[email] = await ask(service, email)
  for (const [email, answer] of Object.entries(answers)) {
    t.equal(answer.statusCode, 202)
    t.strictSame(Object.keys(answer.json()), ['status', 'requestToken'])
    t.equal(answer.headers['cache-control'], 'no-store')
    t.strictSame(visible(answer), visible(answers[unknown] as typeof answer), email)
    const { sub, iat, exp, ...claims } = claimsOf(answer.json().requestToken)
    t.strictSame(claims, { email, iss: 'latchkey', aud: 'reset-request' }, 'what the caller sent, no more')
    t.equal((exp as number) - (iat as number), 1800)
    t.match(sub, /^[0-9a-f-]{36}$/)
  }
  await rows.settled()
  t.equal(service.smtp.mails.filter(mail => mail.to.includes(unknown)).length, 0)
})

t.test('every spelling of an email is the same account', async t => {
  const service = await startApp(t)
  const { email } = await confirmedAccount(service, 'ada@example.org')
  const { answer, mails } = await withMails(service, service.rows, () => ask(service, ' ADA@Example.ORG '))
  t.strictSame(mails[0]?.to, [email])
  const payload = { requestToken: answer.json().requestToken, code: codeIn(mails[0]), newPassword }
  t.equal((await confirm(service, payload)).statusCode, 204)
})

t.test('an unknown email behaves like a wrong code', async t => {
  const service = await startApp(t)
  const { rows } = service
  const known = await confirmedAccount(service, 'known@example.org')
  const disabled = await confirmedAccount(service, 'disab@example.org')
  await post(service.app, '/register', {
    email: 'pendi@example.org',
    password: 'correct horse battery staple',
  })
  const seen: Record<string, unknown> = {}
  for (const email of [known.email, disabled.email, 'pendi@example.org', 'unkno@example.org']) {
    const { answer, mails } = await withMails(service, rows, () => ask(service, email))
    const { requestToken } = answer.json()
    const real = email === known.email || email === disabled.email
    if (email === disabled.email) await rows.disable(email)
    const code = real ? codeIn(mails[0]) : '12345678'
    const before = await rows.client.guess.count()
    const answers = []
    for (let tries = 0; tries < 7; tries++) {
      const payload = { requestToken, code: email === known.email ? otherThan(code) : code, newPassword }
      const refused = await confirm(service, payload)
      isProblemOf(t, refused, 'code_invalid', email)
      answers.push(visible(refused))
    }
    const written = (await rows.client.guess.findMany()).length - before
    const counts = await rows.client.guess.findMany({ select: { count: true } })
    seen[email] = { answers, written, counts: counts.slice(-written) }
  }
  for (const [email, facts] of Object.entries(seen)) {
    t.strictSame(facts, seen['unkno@example.org'], `${email} as unknown`)
  }
  t.match(seen['unkno@example.org'], { written: 2, counts: [{ count: 7 }, { count: 7 }] })
  const dump = JSON.stringify(await rows.client.guess.findMany())
  t.notMatch(dump, /example/, 'no address in the counts')
})

t.test('a rejected password is answered alike for an unknown email, and costs no attempt', async t => {
  const service = await startApp(t)
  await confirmedAccount(service, 'memorable.name@example.org')
  for (const name of ['memorable.name', 'notorious.name']) {
    const { requestToken } = (await ask(service, `${name}@example.org`)).json()
    for (const refused of ['short', 'password1', 'x'.repeat(129), 'a NUL \0 in it', name]) {
      const payload = { requestToken, code: '12345678', newPassword: refused }
      isProblemOf(t, await confirm(service, payload), 'password_rejected', name)
    }
  }
  const payload = { requestToken: 'a.b.c', code: '12345678', newPassword: 'short' }
  isProblemOf(t, await confirm(service, payload), 'token_invalid')
  t.equal(await service.rows.client.guess.count(), 0)
})

t.test('a later registration of the email cannot use an earlier request', async t => {
  const service = await startApp(t)
  const { email, password } = await confirmedAccount(service)
  const { requestToken, code } = await begin(service, email)
  await service.rows.client.user.delete({ where: { email } })
  await confirmedAccount(service, email, password)
  isProblemOf(t, await confirm(service, { requestToken, code, newPassword }), 'code_invalid')
  t.equal((await login(service, email, password)).statusCode, 200)
})

t.test('without confirmation, a code confirms the address as a link does', async t => {
  const service = await startApp(t, { env: { EMAIL_CONFIRMATION: 'off' } })
  const email = 'ada@example.org'
  const payload = { email, password: 'correct horse battery staple' }
  const made = await post(service.app, '/register', payload)
  t.equal(made.json().emailConfirmedAt, null)
  const { token: _, ...proof } = await begin(service, email)
  t.equal((await confirm(service, { ...proof, newPassword })).statusCode, 204)
  const { accessToken } = (await login(service, email, newPassword)).json()
  const headers = bearer(accessToken)
  t.type((await service.app.inject({ url: '/me', headers })).json().emailConfirmedAt, 'string')
})

t.test('a second email within a minute is delayed, and its code belongs to its own request', async t => {
  const time = testClock(new Date('2030-01-01T00:00:00Z'))
  const service = await startApp(t, { overrides: { clock: time.clock }, env: { RATE_LIMIT: 'on' } })
  const { email } = await confirmedAccount(service)
  const first = await begin(service, email)
  const mails = service.smtp.mails.length
  time.advance(20)
  const second = (await ask(service, email)).json().requestToken
  const waits = { kind: 'reset_request', state: 'queued', nextAttemptAt: new Date('2030-01-01T00:01:00Z') }
  await until('it waits', async () => (await service.rows.client.outbox.count({ where: waits })) > 0)
  t.equal(service.smtp.mails.length, mails, 'not yet')
  time.advance(40)
  service.app.mail.wake()
  await service.rows.settled()
  t.equal(service.smtp.mails.length, mails + 1)
  const code = codeIn(service.smtp.mails[mails])
  t.not(code, first.code)
  for (const [requestToken, typed] of [
    [first.requestToken, code],
    [second, first.code],
  ]) {
    isProblemOf(t, await confirm(service, { requestToken, code: typed, newPassword }), 'code_invalid')
  }
  t.equal((await confirm(service, { requestToken: second, code, newPassword })).statusCode, 204)
})

t.test('a request signed with the previous secret stays valid while that is configured', async t => {
  const next = randomBytes(32).toString('base64url')
  const before = await startApp(t)
  const { databaseUrl, smtp } = before
  const { email } = await confirmedAccount(before)
  const old = await begin(before, email)
  await before.app.close()
  const env = { JWT_SECRET: next, JWT_SECRET_PREVIOUS: testEnvironment.JWT_SECRET }
  const during = await startApp(t, { databaseUrl, smtp, env })
  const fresh = await begin(during, email)
  await during.app.close()
  const after = await startApp(t, { databaseUrl, smtp, env: { JWT_SECRET: next } })
  const late = { requestToken: old.requestToken, code: old.code, newPassword }
  isProblemOf(t, await confirm(after, late), 'token_invalid')
  await after.app.close()
  const again = await startApp(t, { databaseUrl, smtp, env })
  t.equal((await confirm(again, late)).statusCode, 204)
  const dead = { requestToken: fresh.requestToken, code: fresh.code, newPassword: third }
  isProblemOf(t, await confirm(again, dead), 'code_invalid', 'and voids those of the new secret')
})
