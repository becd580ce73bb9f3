import t from 'tap'
import { tally } from '../../adversarial/tally.ts'
import { bearer, post, resetToken, startApp, tokenIn } from '../../harness/app.ts'
import { isProblemOf } from '../../harness/problem.ts'

const env = { EMAIL_CONFIRMATION: 'off' }
const email = 'ada@example.org'
const password = 'correct horse battery staple'

t.test('without confirmation an account exists at once and can be confirmed later', async t => {
  const service = await startApp(t, { env })
  const { app, smtp, rows } = service

  const made = await post(app, '/register', { email, password })
  t.equal(made.statusCode, 201)
  const { id, passwordChangedAt, createdAt, ...rest } = made.json()
  t.strictSame(rest, { email, emailConfirmedAt: null, locale: null, roles: [], claims: {} })
  t.match({ id, passwordChangedAt, createdAt }, { id: /^[0-9a-f-]{36}$/, createdAt: passwordChangedAt })

  for (const address of [email, 'ADA@EXAMPLE.ORG']) {
    const payload = { email: address, password: 'somebody tries another' }
    isProblemOf(t, await post(app, '/register', payload), 'email_taken')
  }
  const counts = await rows.countsOf(email)
  t.strictSame(counts, { users: 1, registrations: 0, sessions: 0, mails: 0 }, 'no registration, no mail')

  const session = await post(app, '/login', { email, password })
  t.equal(session.statusCode, 200)
  const headers = bearer(session.json().accessToken)
  t.equal((await app.inject({ url: '/me', headers })).json().emailConfirmedAt, null)
  const other = { email, password: 'somebody tries another' }
  isProblemOf(t, await post(app, '/login', other), 'invalid_credentials')

  const resent = await post(app, '/confirm-email/resend', { email })
  t.equal(resent.statusCode, 202)
  const token = tokenIn((await smtp.waitForMails(1))[0])
  const confirm = (word: string) => post(app, '/confirm-email', { token, password: word })
  isProblemOf(t, await confirm('short'), 'password_rejected')
  t.equal((await app.inject({ url: '/me', headers })).json().emailConfirmedAt, null, 'which confirms nothing')

  const chosen = 'chosen behind the link'
  const confirmed = await confirm(chosen)
  t.equal(confirmed.statusCode, 200)
  isProblemOf(t, await app.inject({ url: '/me', headers }), 'unauthenticated', 'it was a reset')
  const now = bearer(confirmed.json().accessToken)
  t.match((await app.inject({ url: '/me', headers: now })).json(), { id, emailConfirmedAt: String })
  isProblemOf(t, await confirm(chosen), 'token_spent')
  t.match(await rows.countsOf(email), { users: 1, registrations: 0, sessions: 1 })
  await smtp.waitForMails(2)

  await post(app, '/confirm-email/resend', { email })
  const [, , third] = await smtp.waitForMails(3)
  t.notMatch(third?.text, /#token=/, 'there is nothing more to confirm')
})

t.test('without confirmation a reset confirms the email and voids the confirmation link', async t => {
  const service = await startApp(t, { env })
  const { app, smtp, rows } = service
  await post(app, '/register', { email, password })
  const makers = { method: 'POST' as const, url: '/login', remoteAddress: '198.51.100.7' }
  await app.inject({ ...makers, payload: { email, password } })
  t.match(await rows.client.familiarNetwork.findMany(), [{ id: /198\.51\.100\.7$/ }])
  await post(app, '/confirm-email/resend', { email })
  const link = tokenIn((await smtp.waitForMails(1))[0])
  const token = await resetToken(service, email)
  const newPassword = 'a password that nobody had before'
  const payload = { token, newPassword }
  const reset = await post(app, '/password-reset/confirm', payload)
  t.equal(reset.statusCode, 204)
  const user = await rows.client.user.findUniqueOrThrow({ where: { email } })
  t.same(user.emailConfirmedAt, user.passwordChangedAt)
  const networks = (await rows.client.familiarNetwork.findMany()).map(({ id }) => id.split(' ')[1])
  t.strictSame(networks, ['127.0.0.1'], 'the network of the registration is no longer familiar')
  for (const word of [password, newPassword]) {
    const answer = await post(app, '/confirm-email', { token: link, password: word })
    isProblemOf(t, answer, 'token_spent')
  }
  t.equal(await rows.client.session.count(), 0)
  const old = await post(app, '/login', { email, password })
  isProblemOf(t, old, 'invalid_credentials')
})

t.test('without confirmation, of 20 parallel registrations one creates the account', async t => {
  const service = await startApp(t, { env: { ...env, HASH_QUEUE_TIMEOUT: '60' } })
  const { app, rows } = service
  const passwords = Array.from({ length: 20 }, (_, index) => `password of registrant ${index}`)
  const answers = await Promise.all(passwords.map(word => post(app, '/register', { email, password: word })))
  t.strictSame(tally(answers), { '201': 1, '409 email_taken': 19 })
  t.strictSame(await rows.countsOf(email), { users: 1, registrations: 0, sessions: 0, mails: 0 })
  for (const [index, word] of passwords.entries()) {
    const answer = await post(app, '/login', { email, password: word })
    t.equal(answer.statusCode, answers[index]?.statusCode === 201 ? 200 : 401)
  }
})
