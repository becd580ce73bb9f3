import t from 'tap'
import {
  type Account,
  bearer,
  confirmedAccount,
  post,
  resetToken,
  startApp,
  type TestApp,
  testClock,
} from '../../harness/app.ts'
import { codeIn, mailTo, withMails } from '../../harness/mailbox.ts'
import { isProblemOf } from '../../harness/problem.ts'
import { until } from '../../harness/until.ts'

const newPassword = 'a password that nobody had before'

const ask = (
  { app }: Pick<TestApp, 'app'>,
  accessToken: string,
  currentPassword: string,
  remoteAddress = '10.0.0.1',
) =>
  app.inject({
    method: 'POST',
    url: '/password-change/request',
    headers: bearer(accessToken),
    payload: { currentPassword },
    remoteAddress,
  })

const confirm = ({ app }: Pick<TestApp, 'app'>, accessToken: string, payload: object) =>
  post(app, '/password-change/confirm', payload, bearer(accessToken))

const login = ({ app }: Pick<TestApp, 'app'>, email: string, password: string, remoteAddress = '10.0.0.1') =>
  app.inject({ method: 'POST', url: '/login', payload: { email, password }, remoteAddress })

const statusOfMe = async ({ app }: Pick<TestApp, 'app'>, accessToken: string) =>
  (await app.inject({ url: '/me', headers: bearer(accessToken) })).statusCode

/** The token of the response and the code of the email. */
async function begin(service: TestApp, { email, password, accessToken }: Account) {
  const { answer, mails } = await withMails(service, service.rows, () => ask(service, accessToken, password))
  if (answer.statusCode !== 202) throw new Error(answer.body)
  const code = codeIn(mailTo(mails, email, /code/i))
  return { changeToken: answer.json().changeToken as string, code }
}

t.test('a change takes two steps, revokes every session and notifies the owner', async t => {
  const service = await startApp(t, { env: { CHANGE_CODE_TTL: '60' } })
  const account = await confirmedAccount(service)
  const stranger = await confirmedAccount(service)
  const { email, password, accessToken, refreshToken } = account
  const other = (await login(service, email, password)).json()

  const asked = await withMails(service, service.rows, () => ask(service, accessToken, password))
  t.equal(asked.answer.statusCode, 202)
  const { changeToken } = asked.answer.json()
  t.strictSame(asked.answer.json(), { changeToken, expiresIn: 60 })
  t.match(changeToken, /^[\w-]+\.[\w-]+\.[\w-]+$/)
  t.equal(asked.answer.headers['cache-control'], 'no-store')
  t.equal(asked.mails.length, 1)
  t.strictSame(asked.mails[0]?.to, [email])
  t.match(asked.mails[0]?.text, /within 1 minute/)
  t.notMatch(asked.mails[0]?.raw, /eyJ/, 'the mail has no token')
  const code = codeIn(asked.mails[0])
  t.match(code, /^\d{6}$/)
  t.equal(await statusOfMe(service, accessToken), 200, 'no session is revoked yet')
  t.equal((await login(service, email, newPassword)).statusCode, 401, 'nothing has changed yet')

  const done = await withMails(service, service.rows, () =>
    confirm(service, accessToken, { changeToken, code, newPassword }),
  )
  t.strictSame([done.answer.statusCode, done.answer.body], [204, ''])
  for (const ended of [accessToken, other.accessToken]) t.equal(await statusOfMe(service, ended), 401)
  for (const ended of [refreshToken, other.refreshToken]) {
    const payload = { refreshToken: ended }
    const refreshed = await post(service.app, '/token/refresh', payload)
    isProblemOf(t, refreshed, 'refresh_token_invalid')
  }
  t.equal(await statusOfMe(service, stranger.accessToken), 200, 'no other account is logged out')
  t.equal((await login(service, stranger.email, stranger.password)).statusCode, 200)
  isProblemOf(t, await login(service, email, password), 'invalid_credentials')
  t.equal((await login(service, email, newPassword)).statusCode, 200)

  t.strictSame(
    done.mails.map(({ to, subject }) => [to, /password .* was changed/.test(subject)]),
    [[[email], true]],
    'one notice, to the owner',
  )
  t.notOk(done.mails[0]?.raw.includes(code))
  const kinds = await service.rows.client.event.findMany({ where: { kind: 'password_changed' } })
  t.equal(kinds.length, 1, 'and one entry in the history')
})

t.test('token and code work once', async t => {
  const service = await startApp(t)
  const account = await confirmedAccount(service)
  const { changeToken, code } = await begin(service, account)
  const payload = { changeToken, code, newPassword }
  t.equal((await confirm(service, account.accessToken, payload)).statusCode, 204)
  isProblemOf(t, await confirm(service, account.accessToken, payload), 'unauthenticated')
  const back = (await login(service, account.email, newPassword)).json().accessToken
  isProblemOf(t, await confirm(service, back, payload), 'token_invalid', 'in a later session')
  const next = await begin(service, { ...account, password: newPassword, accessToken: back })
  if (next.code !== code) {
    const again = { changeToken: next.changeToken, code, newPassword: 'a third password for this test' }
    isProblemOf(t, await confirm(service, back, again), 'code_invalid', 'the old code at a new request')
  }
  t.equal((await login(service, account.email, newPassword)).statusCode, 200)
})

t.test('a wrong current password starts nothing', async t => {
  const service = await startApp(t)
  const { accessToken, password } = await confirmedAccount(service)
  await service.rows.settled()
  const before = await service.rows.dump()
  for (const wrong of ['not the password', `${password} `, password.toUpperCase()]) {
    const refused = await ask(service, accessToken, wrong)
    isProblemOf(t, refused, 'invalid_password')
    t.notOk('www-authenticate' in refused.headers, 'the access token is valid')
  }
  isProblemOf(t, await ask(service, accessToken, ''), 'validation_failed')
  isProblemOf(t, await ask(service, 'a.b.c', password), 'unauthenticated')
  t.strictSame(await service.rows.dump(), before, 'no mail, no change')
  t.equal((await ask(service, accessToken, password)).statusCode, 202)
})

t.test('wrong passwords share one count over all endpoints', async t => {
  const unlimited = await startApp(t)
  const { databaseUrl, smtp } = unlimited
  const { email, password, accessToken } = await confirmedAccount(unlimited)
  const limited = await startApp(t, { databaseUrl, smtp, env: { RATE_LIMIT: 'on' } })
  const { app } = limited
  const headers = bearer(accessToken)
  const ways = {
    '/login': (pass: string, remoteAddress: string) => login(limited, email, pass, remoteAddress),
    '/password-change/request': (pass: string, remoteAddress: string) =>
      ask(limited, accessToken, pass, remoteAddress),
    '/email-change/request': (currentPassword: string, remoteAddress: string) =>
      app.inject({
        method: 'POST',
        url: '/email-change/request',
        payload: { currentPassword, newEmail: 'new@example.org' },
        ...{ headers, remoteAddress },
      }),
    'DELETE /me': (currentPassword: string, remoteAddress: string) =>
      app.inject({ method: 'DELETE', url: '/me', payload: { currentPassword }, headers, remoteAddress }),
  }
  const names = Object.keys(ways) as (keyof typeof ways)[]
  for (const [round, last] of names.entries()) {
    const from = `10.1.0.${round}`
    for (const name of [...names.filter(name => name !== last), last, last]) {
      const code = name === '/login' ? 'invalid_credentials' : 'invalid_password'
      isProblemOf(t, await ways[name]('not the password', from), code, name)
    }
    for (const name of names) {
      const refused = await ways[name](password, from)
      isProblemOf(t, refused, 'rate_limited', `the right password at ${name} after five wrong ones`)
      t.match(refused.headers['retry-after'], '1')
    }
  }
  t.equal(
    (await ask(limited, accessToken, password, '10.1.1.1')).statusCode,
    202,
    'the owner is not locked out',
  )
})

t.test('another token is refused and costs no attempt', async t => {
  const service = await startApp(t, { env: { EMAIL_CONFIRMATION: 'required' } })
  const account = await confirmedAccount(service)
  const { email, password, accessToken } = account
  const { changeToken, code } = await begin(service, account)
  const stranger = await confirmedAccount(service)
  const ofStranger = await begin(service, stranger)
  const session = (await login(service, email, password)).json().accessToken
  const ofSession = await begin(service, { ...account, accessToken: session })
  const asked = await post(service.app, '/password-reset/request', { email })
  const foreign = {
    "a stranger's": ofStranger,
    "another session's": ofSession,
    "a stranger's with the own code": { ...ofStranger, code },
    'reset link': { changeToken: await resetToken(service, email), code },
    'reset request': { changeToken: asked.json().requestToken, code },
    'access token': { changeToken: accessToken, code },
    'no JWT': { changeToken: 'nonsense', code },
  }
  for (const [name, payload] of Object.entries(foreign)) {
    isProblemOf(t, await confirm(service, accessToken, { ...payload, newPassword }), 'token_invalid', name)
  }
  const mine = { changeToken, code, newPassword }
  isProblemOf(t, await confirm(service, stranger.accessToken, mine), 'token_invalid', 'for a stranger')
  isProblemOf(t, await confirm(service, session, mine), 'token_invalid', 'for the other session')
  isProblemOf(t, await confirm(service, 'a.b.c', mine), 'unauthenticated')
  t.equal(await service.rows.client.guess.count(), 0)
  t.equal((await login(service, email, password)).statusCode, 200, 'nothing changed')
  t.equal((await confirm(service, accessToken, mine)).statusCode, 204, 'the genuine one works')
})

t.test(
  'during an outage of the mail server the response is the same, and the code arrives while it is valid',
  async t => {
    const time = testClock(new Date('2030-01-01T00:00:00Z'))
    const service = await startApp(t, {
      overrides: { clock: time.clock, mail: { timing: { poll: 0.05 } } },
    })
    const account = await confirmedAccount(service)
    await service.rows.settled()
    const up = await ask(service, account.accessToken, account.password)
    await service.rows.settled()
    const before = service.smtp.mails.length
    await service.smtp.stop()
    const down = await ask(service, account.accessToken, account.password)
    t.equal(down.statusCode, 202)
    const shape = ({ json, headers }: typeof up) => {
      const { 'x-request-id': _id, date: _date, ...rest } = headers
      return { ...json(), changeToken: json().changeToken.length, rest }
    }
    t.strictSame(shape(down), shape(up))
    const { changeToken } = down.json()
    const failed = { where: { lastError: { not: null } } }
    await until('delivery has failed', async () => (await service.rows.client.outbox.count(failed)) > 0)
    await service.smtp.start()
    time.advance(120)
    service.app.mail.wake()
    await service.rows.settled()
    const mail = service.smtp.mails[before]
    t.match(mail?.text, /within 8 minutes/, 'the rest of its lifetime')
    const payload = { changeToken, code: codeIn(mail), newPassword }
    t.equal((await confirm(service, account.accessToken, payload)).statusCode, 204)
  },
)

t.test('a code that expires before its email can be sent is not sent', async t => {
  const time = testClock(new Date('2030-01-01T00:00:00Z'))
  const service = await startApp(t, { overrides: { clock: time.clock } })
  const account = await confirmedAccount(service)
  await service.rows.settled()
  const before = service.smtp.mails.length
  await service.smtp.stop()
  t.equal((await ask(service, account.accessToken, account.password)).statusCode, 202)
  const failed = { where: { lastError: { not: null } } }
  await until('delivery has failed', async () => (await service.rows.client.outbox.count(failed)) > 0)
  await service.smtp.start()
  time.advance(600)
  service.app.mail.wake()
  await service.rows.settled()
  t.equal(service.smtp.mails.length, before)
  t.equal(await service.rows.client.outbox.count({ where: { state: 'dropped' } }), 1)
})
