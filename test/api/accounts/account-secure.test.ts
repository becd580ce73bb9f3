/** "This was not me": effects of the link in a notice. */
import type { LightMyRequestResponse as Response } from 'fastify'
import t, { type Test } from 'tap'
import { tally } from '../../adversarial/tally.ts'
import {
  type Account,
  bearer,
  confirmedAccount,
  resetToken,
  startApp,
  type TestApp,
  type TestAppOptions,
  testClock,
  tokenIn,
} from '../../harness/app.ts'
import { countHashes } from '../../harness/hash-count.ts'
import { codeIn } from '../../harness/mailbox.ts'
import { isProblemOf } from '../../harness/problem.ts'
import type { ReceivedMail } from '../../harness/smtp.ts'

const WEEK = 604_800
const NEW_PASSWORD = 'a password that nobody had before'

interface Service extends TestApp {
  post(url: string, payload: object, accessToken?: string): Promise<Response>
  /** Waits until all emails are sent; returns those to one address, oldest first. */
  mailsTo(email: string): Promise<ReceivedMail[]>
  /** Requests a change of email and returns the link's token. */
  changeAddress(account: Account, to: string, password?: string): Promise<void>
}

async function startService(t: Test, options: TestAppOptions = {}): Promise<Service> {
  const service = await startApp(t, options)
  const { rows } = service
  const post: Service['post'] = (url, payload, accessToken) =>
    service.app.inject({
      method: 'POST',
      url,
      payload,
      headers: accessToken === undefined ? {} : bearer(accessToken),
    })
  async function mailsTo(email: string) {
    await rows.settled()
    return service.smtp.mails.filter(({ to }) => to.includes(email))
  }
  async function changeAddress({ accessToken, password }: Account, to: string, current = password) {
    const asked = await post('/email-change/request', { currentPassword: current, newEmail: to }, accessToken)
    if (asked.statusCode !== 202) throw new Error(asked.body)
    const token = tokenIn((await mailsTo(to)).at(-1))
    const done = await post('/email-change/confirm', { token, password: current })
    if (done.statusCode !== 204) throw new Error(done.body)
    await rows.settled()
  }
  return { ...service, post, mailsTo, changeAddress }
}

/** User agents that the service recognises, each a separate device. */
const AGENTS =
  'curl wget httpie dart okhttp node postmanruntime python-requests go-http-client insomnia bruno'.split(' ')

/** Logs in from a new device. Returns its session and the token of its notice. */
async function loginFromNewDevice(service: Service, { email, password }: Account) {
  const answer = await service.app.inject({
    method: 'POST',
    url: '/login',
    headers: { 'user-agent': AGENTS[service.smtp.mails.length % AGENTS.length] },
    payload: { email, password },
  })
  if (answer.statusCode !== 200) throw new Error(answer.body)
  const notice = (await service.mailsTo(email)).at(-1)
  if (!/^New device/.test(notice?.subject ?? '')) throw new Error(`no notice: ${notice?.subject}`)
  return { ...(answer.json() as { accessToken: string; refreshToken: string }), token: tokenIn(notice) }
}

t.test('the right email secures the account and revokes all sessions', async t => {
  const time = testClock()
  const service = await startService(t, { overrides: { clock: time.clock } })
  const { app, rows, post } = service
  const account = await confirmedAccount(service, 'ada@example.org')
  const stranger = await confirmedAccount(service)
  const attacker = await loginFromNewDevice(service, account)
  // Pending tokens at that moment.
  const reset = await resetToken(service, account.email)
  const { requestToken } = (await post('/password-reset/request', { email: account.email })).json()
  const change = (
    await post('/password-change/request', { currentPassword: account.password }, attacker.accessToken)
  ).json()
  await post(
    '/email-change/request',
    { currentPassword: account.password, newEmail: 'eve@example.org' },
    attacker.accessToken,
  )
  const [newAddress] = await service.mailsTo('eve@example.org')
  const sent = await service.mailsTo(account.email)
  const codeOf = (subject: RegExp) => codeIn(sent.findLast(mail => subject.test(mail.subject)))
  const [resetCode, changeCode] = [codeOf(/reset/i), codeOf(/code/i)]
  const before = await rows.client.user.findUniqueOrThrow({ where: { email: account.email } })

  time.advance(60)
  const secured = await post('/account/secure', { token: attacker.token, email: ' ADA@Example.org ' })
  t.equal(secured.statusCode, 204)
  t.equal(secured.body, '')

  for (const { accessToken, refreshToken } of [account, attacker]) {
    const me = await app.inject({ url: '/me', headers: bearer(accessToken) })
    isProblemOf(t, me, 'unauthenticated')
    isProblemOf(t, await post('/token/refresh', { refreshToken }), 'refresh_token_invalid')
  }
  const hashes = countHashes(t)
  for (const password of [account.password, 'not this one at all']) {
    const begun = hashes()
    isProblemOf(t, await post('/login', { email: account.email, password }), 'invalid_credentials')
    t.equal(hashes() - begun, 1, 'at the cost of any login')
  }
  const stored = await rows.client.user.findUniqueOrThrow({ where: { email: account.email } })
  isProblemOf(
    t,
    await post('/login', { email: account.email, password: stored.passwordHash }),
    'invalid_credentials',
  )
  t.not(stored.passwordHash, before.passwordHash)
  t.same(stored.securedAt, time.clock())
  t.match(stored, { id: before.id, emailConfirmedAt: before.emailConfirmedAt, disabledAt: null })

  isProblemOf(t, await post('/password-reset/check', { token: reset }), 'token_spent')
  isProblemOf(
    t,
    await post('/password-reset/confirm', { token: reset, newPassword: NEW_PASSWORD }),
    'token_spent',
  )
  const byCode = { requestToken, code: resetCode, newPassword: NEW_PASSWORD }
  isProblemOf(t, await post('/password-reset/confirm', byCode), 'code_invalid')
  const confirmChange = {
    changeToken: change.changeToken,
    code: changeCode,
    newPassword: NEW_PASSWORD,
  }
  isProblemOf(
    t,
    await post('/password-change/confirm', confirmChange, attacker.accessToken),
    'unauthenticated',
  )
  const toEve = { token: tokenIn(newAddress), password: account.password }
  isProblemOf(t, await post('/email-change/confirm', toEve), 'token_spent')

  const mails = (await service.mailsTo(account.email)).slice(sent.length)
  t.equal(mails.length, 1, 'one mail')
  t.match(mails[0]?.subject, /is secured/)
  const token = tokenIn(mails[0])
  t.equal((await post('/password-reset/confirm', { token, newPassword: NEW_PASSWORD })).statusCode, 204)
  t.equal((await post('/login', { email: account.email, password: NEW_PASSWORD })).statusCode, 200)
  isProblemOf(
    t,
    await post('/login', { email: account.email, password: account.password }),
    'invalid_credentials',
  )
  const untouched = await app.inject({
    url: '/me',
    headers: bearer(stranger),
  })
  t.equal(untouched.statusCode, 200)
})

t.test('a link scanner cannot secure an account', async t => {
  const service = await startService(t)
  const { app, rows, post } = service
  const account = await confirmedAccount(service, 'ada@example.org')
  const other = await confirmedAccount(service, 'other@example.org')
  const { token } = await loginFromNewDevice(service, account)
  const before = [await rows.dump(), await rows.client.event.findMany()]

  for (const method of ['GET', 'HEAD', 'OPTIONS', 'PUT'] as const) {
    for (const url of ['/account/secure', `/account/secure?token=${token}&email=ada@example.org`]) {
      const { statusCode } = await app.inject({ method, url })
      t.ok(statusCode === 405 || statusCode === 404, `${method}: ${statusCode}`)
    }
  }
  const page = /(\/app\/secure)#/.exec(
    (await service.mailsTo(account.email)).at(-1)?.text ?? '',
  )?.[1] as string
  for (const method of ['GET', 'HEAD', 'POST'] as const) await app.inject({ method, url: page })
  for (const [what, payload] of Object.entries({
    nothing: {},
    'the token alone': { token },
    'an empty address': { token, email: '' },
    null: { token, email: null },
    'a list': { token, email: [account.email] },
    'two addresses': { token, email: 'eve@example.org,ada@example.org' },
    'the address alone': { email: account.email },
    'something more': { token, email: account.email, newPassword: NEW_PASSWORD },
  })) {
    isProblemOf(t, await post('/account/secure', payload), 'validation_failed', what)
  }
  for (const email of [
    'eve@example.org',
    other.email,
    'ada@example.com',
    'ada+1@example.org',
    'ad@example.org',
  ]) {
    isProblemOf(t, await post('/account/secure', { token, email }), 'token_spent', email)
  }
  const form = await app.inject({
    method: 'POST',
    url: '/account/secure',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    payload: `token=${token}&email=ada%40example.org`,
  })
  isProblemOf(t, form, 'unsupported_media_type')
  await rows.settled()
  t.strictSame(
    [await rows.dump(), await rows.client.event.findMany()],
    before,
    'nothing changed, and no email was sent',
  )
  t.equal(
    (await post('/account/secure', { token, email: account.email })).statusCode,
    204,
    'the link still works',
  )
})

t.test('a second call changes nothing and sends no email, before and after the reset', async t => {
  const time = testClock()
  const service = await startService(t, { overrides: { clock: time.clock } })
  const { app, rows, post } = service
  const account = await confirmedAccount(service)
  const { email } = account
  const first = await loginFromNewDevice(service, account)
  const second = await loginFromNewDevice(service, account)
  const everything = async () => {
    await rows.settled()
    return [await rows.dump(), await rows.client.event.findMany()]
  }
  t.equal((await post('/account/secure', { token: first.token, email })).statusCode, 204)
  let before = await everything()
  time.advance(1)
  for (const { token } of [first, second]) {
    isProblemOf(
      t,
      await post('/account/secure', { token, email }),
      'token_spent',
      'every earlier notice is void',
    )
  }
  t.strictSame(await everything(), before)

  const token = tokenIn((await service.mailsTo(email)).at(-1))
  t.equal((await post('/password-reset/confirm', { token, newPassword: NEW_PASSWORD })).statusCode, 204)
  const back = (await post('/login', { email, password: NEW_PASSWORD })).json()
  before = await everything()
  for (const { token } of [first, second]) {
    isProblemOf(t, await post('/account/secure', { token, email }), 'token_spent')
  }
  t.strictSame(await everything(), before)
  const me = await app.inject({ url: '/me', headers: bearer(back) })
  t.equal(me.statusCode, 200, 'the owner stays in')

  time.advance(1)
  const next = await loginFromNewDevice(service, { ...account, password: NEW_PASSWORD })
  t.equal((await post('/account/secure', { token: next.token, email })).statusCode, 204, 'a new notice works')
})

t.test('of 20 parallel calls one secures the account and sends one email', async t => {
  const service = await startService(t)
  const { rows, post } = service
  const account = await confirmedAccount(service)
  const { email } = account
  const [first, second] = [
    await loginFromNewDevice(service, account),
    await loginFromNewDevice(service, account),
  ]
  const sofar = service.smtp.mails.length
  // All of them have read the account before any continues, so that the write decides.
  const { users } = service.app.database
  const { findById } = users
  let waiting = 0
  let goOn = () => {}
  const gate = new Promise<void>(resolve => {
    goOn = resolve
  })
  users.findById = (async (id: string) => {
    const user = await findById(id)
    if (++waiting === 20) {
      users.findById = findById
      goOn()
    }
    await gate
    return user
  }) as typeof findById
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, i) =>
      post('/account/secure', { token: (i % 2 ? first : second).token, email }),
    ),
  )
  t.strictSame(tally(answers), { '204': 1, '400 token_spent': 19 })
  await rows.settled()
  t.equal(service.smtp.mails.length, sofar + 1)
  t.equal(await rows.client.event.count({ where: { kind: 'secured' } }), 1)
})

t.test("a token with another account's email secures neither account", async t => {
  const service = await startService(t)
  const ada = await confirmedAccount(service, 'ada@example.org')
  const eve = await confirmedAccount(service, 'eve@example.org')
  const [of, other] = [await loginFromNewDevice(service, ada), await loginFromNewDevice(service, eve)]
  isProblemOf(t, await service.post('/account/secure', { token: of.token, email: eve.email }), 'token_spent')
  isProblemOf(
    t,
    await service.post('/account/secure', { token: other.token, email: ada.email }),
    'token_spent',
  )
  t.equal(await service.rows.client.session.count(), 4)
  t.equal(await service.rows.client.user.count({ where: { securedAt: null } }), 2)
})

t.test('a notice expires after a week', async t => {
  const time = testClock(new Date('2030-01-01T00:00:00Z'))
  const service = await startService(t, { overrides: { clock: time.clock } })
  const account = await confirmedAccount(service)
  const { token } = await loginFromNewDevice(service, account)
  const { token: another } = await loginFromNewDevice(service, account)
  time.advance(WEEK - 1)
  t.equal((await service.post('/account/secure', { token, email: account.email })).statusCode, 204)
  time.advance(1)
  isProblemOf(
    t,
    await service.post('/account/secure', { token: another, email: account.email }),
    'token_expired',
  )
})

t.test('disabled and deleted accounts are not secured', async t => {
  const service = await startService(t)
  const { rows, post } = service
  const disabled = await confirmedAccount(service)
  const gone = await confirmedAccount(service)
  const links = [await loginFromNewDevice(service, disabled), await loginFromNewDevice(service, gone)]
  await rows.disable(disabled.email)
  await rows.client.user.delete({ where: { email: gone.email } })
  const before = await rows.dump()
  for (const [index, { email }] of [disabled, gone].entries()) {
    isProblemOf(t, await post('/account/secure', { token: links[index]?.token, email }), 'token_spent')
  }
  t.strictSame(await rows.dump(), before)
})

t.test('the first notice locks out an attacker who changed email and password', async t => {
  const service = await startService(t)
  const { app, rows, post } = service
  const account = await confirmedAccount(service, 'ada@example.org')
  const attacker = await loginFromNewDevice(service, account)
  await service.changeAddress({ ...account, ...attacker }, 'eve@example.org')
  const eves = await resetToken(service, 'eve@example.org')
  const stolen = 'what the attacker chose to have'
  t.equal((await post('/password-reset/confirm', { token: eves, newPassword: stolen })).statusCode, 204)
  const session = (await post('/login', { email: 'eve@example.org', password: stolen })).json()
  t.equal(typeof session.accessToken, 'string')
  await rows.settled()
  const late = await resetToken(service, 'eve@example.org')
  const evesNotice = (await service.mailsTo('eve@example.org')).find(({ subject }) =>
    /was changed/.test(subject),
  )

  t.equal((await post('/account/secure', { token: attacker.token, email: account.email })).statusCode, 204)
  const me = await app.inject({ url: '/me', headers: bearer(session) })
  isProblemOf(t, me, 'unauthenticated')
  for (const email of ['eve@example.org', account.email]) {
    isProblemOf(t, await post('/login', { email, password: stolen }), 'invalid_credentials')
  }
  isProblemOf(t, await post('/password-reset/confirm', { token: late, newPassword: stolen }), 'token_spent')
  const back = { token: tokenIn(evesNotice), email: 'eve@example.org' }
  isProblemOf(t, await post('/account/secure', back), 'token_spent', 'the attacker cannot undo it')

  const token = tokenIn((await service.mailsTo(account.email)).at(-1))
  t.equal((await post('/password-reset/confirm', { token, newPassword: NEW_PASSWORD })).statusCode, 204)
  const mine = (await post('/login', { email: account.email, password: NEW_PASSWORD })).json()
  const answer = await app.inject({ url: '/me', headers: bearer(mine) })
  t.equal(answer.json().email, account.email)
  t.equal(await rows.client.user.count(), 1)
  const sofar = (await service.mailsTo('eve@example.org')).length
  await post('/password-reset/request', { email: 'eve@example.org' })
  t.equal((await service.mailsTo('eve@example.org')).length, sofar, 'the attacker’s address has no account')
})

t.test('an attacker who secures the account from the new email cannot void the older notice', async t => {
  const time = testClock()
  const service = await startService(t, { overrides: { clock: time.clock } })
  const { app, post } = service
  const account = await confirmedAccount(service, 'ada@example.org')
  time.advance(10)
  const attacker = await loginFromNewDevice(service, account)
  time.advance(10)
  await service.changeAddress({ ...account, ...attacker }, 'eve@example.org')
  time.advance(10)
  const eves = await loginFromNewDevice(service, { ...account, email: 'eve@example.org' })
  time.advance(10)
  t.equal((await post('/account/secure', { token: eves.token, email: 'eve@example.org' })).statusCode, 204)
  const stolen = 'what the attacker chose to have'
  const reset = tokenIn((await service.mailsTo('eve@example.org')).at(-1))
  time.advance(10)
  t.equal((await post('/password-reset/confirm', { token: reset, newPassword: stolen })).statusCode, 204)
  const evesLast = (await service.mailsTo('eve@example.org')).at(-1)
  const session = (await post('/login', { email: 'eve@example.org', password: stolen })).json()

  time.advance(10)
  t.equal((await post('/account/secure', { token: attacker.token, email: account.email })).statusCode, 204)
  const me = await app.inject({ url: '/me', headers: bearer(session) })
  isProblemOf(t, me, 'unauthenticated')
  time.advance(10)
  for (const token of [eves.token, tokenIn(evesLast)]) {
    isProblemOf(t, await post('/account/secure', { token, email: 'eve@example.org' }), 'token_spent')
  }
  const token = tokenIn((await service.mailsTo(account.email)).at(-1))
  t.equal((await post('/password-reset/confirm', { token, newPassword: NEW_PASSWORD })).statusCode, 204)
  t.equal((await post('/login', { email: account.email, password: NEW_PASSWORD })).statusCode, 200)
})

t.test('the notice of a changed email goes to the old one and restores it', async t => {
  const service = await startService(t)
  const { post } = service
  const account = await confirmedAccount(service, 'ada@example.org')
  await service.changeAddress(account, 'eve@example.org')
  const notice = (await service.mailsTo(account.email)).at(-1)
  t.match(notice?.subject, /email address .*was changed/)
  t.match(notice?.text, /eve@example\.org/)
  const token = tokenIn(notice)
  isProblemOf(t, await post('/account/secure', { token, email: 'eve@example.org' }), 'token_spent')
  t.equal((await post('/account/secure', { token, email: account.email })).statusCode, 204)
  const user = await service.rows.client.user.findFirstOrThrow()
  t.match(user, { email: account.email, emailConfirmedAt: Date })
})

t.test('an old email that has another account stays with it, and the account is secured', async t => {
  const service = await startService(t)
  const { app, rows, post } = service
  const account = await confirmedAccount(service, 'ada@example.org')
  await service.changeAddress(account, 'eve@example.org')
  const token = tokenIn((await service.mailsTo(account.email)).at(-1))
  const heir = await confirmedAccount(service, account.email, 'the password of the new account')
  await rows.settled()
  const before = await rows.client.user.findUniqueOrThrow({ where: { email: account.email } })

  t.equal((await post('/account/secure', { token, email: account.email })).statusCode, 204)
  t.strictSame(await rows.client.user.findUniqueOrThrow({ where: { email: account.email } }), before)
  const theirs = await app.inject({ url: '/me', headers: bearer(heir) })
  t.equal(theirs.statusCode, 200)
  const old = await app.inject({ url: '/me', headers: bearer(account) })
  isProblemOf(t, old, 'unauthenticated')
  const login = { email: 'eve@example.org', password: account.password }
  isProblemOf(t, await post('/login', login), 'invalid_credentials')

  const reset = tokenIn((await service.mailsTo(account.email)).at(-1))
  t.equal(
    (await post('/password-reset/confirm', { token: reset, newPassword: NEW_PASSWORD })).statusCode,
    204,
  )
  t.strictSame(
    await rows.client.user.findUniqueOrThrow({ where: { email: account.email } }),
    before,
    'nor by the reset',
  )
  t.equal((await post('/login', { email: 'eve@example.org', password: NEW_PASSWORD })).statusCode, 200)
  isProblemOf(t, await post('/account/secure', { token, email: account.email }), 'token_spent')
})

t.test('a secured account gets its email after an outage of the mail server', async t => {
  const service = await startService(t, { overrides: { mail: { timing: { firstRetry: 0.05, poll: 0.05 } } } })
  const account = await confirmedAccount(service)
  const { token } = await loginFromNewDevice(service, account)
  await service.smtp.stop()
  t.equal((await service.post('/account/secure', { token, email: account.email })).statusCode, 204)
  await service.smtp.start()
  const reset = tokenIn((await service.mailsTo(account.email)).at(-1))
  t.equal(
    (await service.post('/password-reset/confirm', { token: reset, newPassword: NEW_PASSWORD })).statusCode,
    204,
  )
})
