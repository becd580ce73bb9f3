import type { LightMyRequestResponse as Response } from 'fastify'
import t from 'tap'
import { tally } from '../../adversarial/tally.ts'
import {
  bearer,
  confirmedAccount,
  post,
  resetToken,
  startApp,
  type TestApp,
  tokenIn,
} from '../../harness/app.ts'
import { codeIn } from '../../harness/mailbox.ts'
import { isProblemOf } from '../../harness/problem.ts'
import { until } from '../../harness/until.ts'

const email = 'ada@example.org'
const password = 'correct horse battery staple'

const leave = (
  { app }: Pick<TestApp, 'app'>,
  pair: { accessToken: string },
  currentPassword: string = password,
): Promise<Response> =>
  app.inject({ method: 'DELETE', url: '/me', headers: bearer(pair), payload: { currentPassword } })

t.test('a deleted account is removed from every table, and confirmed by email in its language', async t => {
  const service = await startApp(t)
  const { app, rows, smtp } = service
  const stranger = await confirmedAccount(service, 'eve@example.org')
  const ada = await confirmedAccount(service, email, password)
  const login = await post(app, '/login', { email, password })
  await post(app, '/register', { email, password: 'somebody tries another' })
  await app.inject({ method: 'PATCH', url: '/me', headers: bearer(ada), payload: { locale: 'de' } })
  const newEmail = 'countess@example.org'
  const payload = { currentPassword: password, newEmail }
  await post(app, '/email-change/request', payload, bearer(ada))
  await rows.settled()
  t.match(await rows.countsOf(email), { registrations: 1 }, 'a registration of the address is pending')
  // A registration of the previous release does too.
  const expiresAt = new Date(Date.now() + 60_000)
  await rows.client.legacyRegistration.create({
    data: { id: 'waiting', email, passwordHash: 'x', createdAt: new Date(), expiresAt },
  })
  // A valid notice would let the deletion be undone: me-delete-undo.test.ts.
  await rows.client.notice.updateMany({ data: { expiresAt: new Date() } })
  const { id } = await rows.client.user.findUniqueOrThrow({ where: { email } })
  const strangers = async () => [
    await rows.client.user.findMany({ where: { email: stranger.email } }),
    await rows.client.session.findMany({ where: { user: { email: stranger.email } } }),
    await rows.client.outbox.findMany({ where: { recipient: stranger.email } }),
    await rows.client.event.findMany({ where: { NOT: { userId: null } }, orderBy: { id: 'asc' } }),
  ]
  const before = await strangers()
  before[3] = (before[3] as { userId: string }[]).filter(({ userId }) => userId !== id) as never
  const history = await rows.client.event.findMany({ where: { userId: id }, orderBy: { id: 'asc' } })
  t.ok(history.length >= 3)

  const left = await leave(service, ada)
  t.equal(left.statusCode, 204)
  t.equal(left.body, '')
  const atOnce = JSON.stringify([await rows.dump(), await rows.client.event.findMany()])
  t.notOk(atOnce.includes(id), 'no row refers to the account')
  t.notOk(atOnce.includes(newEmail))
  await rows.settled()
  const farewell = smtp.mails.at(-1)
  t.strictSame(farewell?.to, [email])
  t.match(farewell?.html, /<html[^>]* lang="de"/)
  t.match(farewell?.subject, /gelöscht/)
  t.notMatch(farewell?.text, /#token=/)
  const mails = await rows.client.outbox.findMany({ where: { recipient: email } })
  t.match(mails, [{ kind: 'farewell', state: 'sent', userId: null, ip: null, device: null }])
  t.equal(mails.length, 1, 'the emails about the account are deleted')
  t.strictSame(await rows.countsOf(email), { users: 0, registrations: 0, sessions: 0, mails: 1 })
  t.equal(await rows.client.legacyRegistration.count(), 0)
  t.strictSame(await strangers(), before, 'the other account is unchanged')
  const anonymous = await rows.client.event.findMany({ where: { userId: null }, orderBy: { id: 'asc' } })
  t.strictSame(
    anonymous.map(({ kind, ip, device, requestId }) => [kind, ip, device, requestId]),
    [...history.map(({ kind }) => kind), 'deleted'].map(kind => [kind, null, null, null]),
    'the history contains no personal data',
  )

  for (const { accessToken, refreshToken } of [ada, login.json()]) {
    isProblemOf(t, await app.inject({ url: '/me', headers: bearer({ accessToken }) }), 'unauthenticated')
    const refreshed = await post(app, '/token/refresh', { refreshToken })
    isProblemOf(t, refreshed, 'refresh_token_invalid')
  }
  const gone = await post(app, '/login', { email, password })
  isProblemOf(t, gone, 'invalid_credentials')
  const sofar = smtp.mails.length
  await post(app, '/password-reset/request', { email })
  await rows.settled()
  t.equal(smtp.mails.length, sofar, 'an address without an account gets no email')
})

t.test('deletion requires the current password', async t => {
  const service = await startApp(t)
  const { app, rows } = service
  const ada = await confirmedAccount(service, email, password)
  await rows.settled()
  const before = [await rows.dump(), await rows.client.event.findMany()]
  isProblemOf(t, await leave(service, ada, 'not this one at all'), 'invalid_password')
  isProblemOf(t, await leave(service, { accessToken: 'x' }), 'unauthenticated')
  for (const payload of [{}, { password }, { currentPassword: null }, { currentPassword: password, email }]) {
    const answer = await app.inject({ method: 'DELETE', url: '/me', headers: bearer(ada), payload })
    isProblemOf(t, answer, 'validation_failed', JSON.stringify(payload))
  }
  const bare = await app.inject({ method: 'DELETE', url: '/me', headers: bearer(ada) })
  t.ok([400, 415].includes(bare.statusCode), `without a body: ${bare.statusCode}`)
  t.strictSame([await rows.dump(), await rows.client.event.findMany()], before)
})

t.test('wrong passwords count like failed logins', async t => {
  const service = await startApp(t, { env: { RATE_LIMIT: 'on' } })
  const remoteAddress = '192.0.2.201'
  const ada = await confirmedAccount(service, 'slow@example.org', password)
  const guess = (n: number) =>
    n % 2
      ? service.app.inject({
          method: 'POST',
          url: '/login',
          payload: { email: ada.email, password: 'not this one at all' },
          remoteAddress,
        })
      : service.app.inject({
          method: 'DELETE',
          url: '/me',
          headers: bearer(ada),
          payload: { currentPassword: 'not this one at all' },
          remoteAddress,
        })
  for (let n = 0; n < 5; n++) {
    isProblemOf(t, await guess(n), n % 2 ? 'invalid_credentials' : 'invalid_password')
  }
  for (const n of [0, 1]) {
    const refused = await guess(n)
    isProblemOf(t, refused, 'rate_limited')
    t.match(refused.headers['retry-after'], /^\d+$/)
  }
  t.equal(await service.rows.client.user.count(), 1)
})

t.test('of 20 parallel deletions one succeeds and sends one email', async t => {
  const service = await startApp(t, { env: { HASH_QUEUE_TIMEOUT: '60' } })
  const { rows, smtp } = service
  const ada = await confirmedAccount(service, email, password)
  const answers = await Promise.all(Array.from({ length: 20 }, () => leave(service, ada)))
  t.strictSame(tally(answers), { '204': 1, '401 unauthenticated': 19 })
  await rows.settled()
  t.equal(smtp.mails.length, 2, 'the confirmation and one farewell')
  t.equal(await rows.client.event.count({ where: { kind: 'deleted' } }), 1)
  t.equal(await rows.client.user.count(), 0)
})

t.test('a login that races with the deletion opens no session', async t => {
  const service = await startApp(t, { env: { HASH_QUEUE_TIMEOUT: '60' } })
  const { app, rows } = service
  const ada = await confirmedAccount(service, email, password)
  const logIns = Array.from({ length: 10 }, () => post(app, '/login', { email, password }))
  const [left, ...answers] = await Promise.all([leave(service, ada), ...logIns])
  t.equal(left.statusCode, 204)
  for (const answer of answers) {
    t.ok([200, 401].includes(answer.statusCode), String(answer.statusCode))
    if (answer.statusCode !== 200) continue
    isProblemOf(t, await app.inject({ url: '/me', headers: bearer(answer.json()) }), 'unauthenticated')
  }
  t.equal(await rows.client.session.count(), 0)
  await app.close()
  t.equal(
    await rows.client.event.count({ where: { NOT: { userId: null } } }),
    0,
    'no event without an account',
  )
})

t.test('the email can register again, and old tokens do not affect the new account', async t => {
  const service = await startApp(t)
  const { app, rows, smtp } = service
  const ada = await confirmedAccount(service, email, password)
  await post(app, '/login', { email, password }, { 'user-agent': 'curl/8.5.0' })
  await rows.settled()
  const secure = tokenIn(smtp.mails.at(-1))
  const reset = await resetToken(service, email)
  const { requestToken } = (await post(app, '/password-reset/request', { email })).json()
  const { changeToken } = (
    await post(app, '/password-change/request', { currentPassword: password }, bearer(ada))
  ).json()
  const newEmail = 'countess@example.org'
  await post(app, '/email-change/request', { currentPassword: password, newEmail }, bearer(ada))
  await rows.settled()
  const change = tokenIn(smtp.mails.find(({ to }) => to.includes(newEmail)))
  const codeOf = (subject: RegExp) => codeIn(smtp.mails.findLast(mail => subject.test(mail.subject)))
  const [resetCode, changeCode] = [codeOf(/reset/i), codeOf(/code/i)]

  t.equal((await leave(service, ada)).statusCode, 204)
  await rows.settled()
  // The same password on purpose, so that only the account differs.
  const again = await confirmedAccount(service, email, password)
  const before = await rows.client.user.findUniqueOrThrow({ where: { email } })
  const newPassword = 'a password that nobody had before'
  isProblemOf(t, await app.inject({ url: '/me', headers: bearer(ada) }), 'unauthenticated')
  const { refreshToken } = ada
  isProblemOf(t, await post(app, '/token/refresh', { refreshToken }), 'refresh_token_invalid')
  isProblemOf(t, await post(app, '/password-reset/check', { token: reset }), 'token_spent')
  isProblemOf(t, await post(app, '/password-reset/confirm', { token: reset, newPassword }), 'token_spent')
  const byCode = { requestToken, code: resetCode, newPassword }
  isProblemOf(t, await post(app, '/password-reset/confirm', byCode), 'code_invalid')
  isProblemOf(t, await post(app, '/email-change/confirm', { token: change, password }), 'token_spent')
  isProblemOf(t, await post(app, '/account/secure', { token: secure, email }), 'token_spent')
  const byChange = { changeToken, code: changeCode, newPassword }
  isProblemOf(t, await post(app, '/password-change/confirm', byChange, bearer(again)), 'token_invalid')
  const { lastLoginAt: _, ...user } = await rows.client.user.findUniqueOrThrow({ where: { email } })
  const { lastLoginAt: __, ...expected } = before
  t.strictSame(user, expected)
  const events = (await app.inject({ url: '/me/events', headers: bearer(again) })).json().events
  t.strictSame(
    events.map(({ kind }: { kind: string }) => kind),
    ['confirmed', 'registered'],
    'a history of its own',
  )
})

t.test(
  'with the SMTP server down the account is deleted at once, and only notices and the farewell are sent later',
  async t => {
    const service = await startApp(t, { overrides: { mail: { timing: { firstRetry: 1 } } } })
    const { app, rows, smtp } = service
    const ada = await confirmedAccount(service, email, password)
    await rows.settled()
    await smtp.stop()
    const payload = { currentPassword: password, newEmail: 'countess@example.org' }
    await post(app, '/email-change/request', payload, bearer(ada))
    await post(app, '/password-reset/request', { email })
    // A claimed email can still be sent; these are queued again.
    const refused = { state: 'queued', leasedUntil: null, NOT: { lastError: null } }
    await until(
      'all three were refused',
      async () => (await rows.client.outbox.count({ where: refused })) === 3,
    )
    t.equal((await leave(service, ada)).statusCode, 204)
    const left = await rows.client.outbox.findMany({ orderBy: { id: 'asc' } })
    t.strictSame(
      left.map(({ kind, recipient }) => [kind, recipient]),
      ['email_change_requested', 'farewell'].map(kind => [kind, email]),
      'other queued emails are cancelled',
    )
    const sofar = smtp.mails.length
    await smtp.start()
    await rows.settled()
    t.match(
      smtp.mails
        .slice(sofar)
        .map(({ to, subject }) => [to, subject])
        .sort(),
      [
        [[email], /was requested/],
        [[email], /was deleted/],
      ],
    )
  },
)
