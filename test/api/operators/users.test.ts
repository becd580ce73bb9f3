/** What an operator finds out about accounts and does to them. */
import t from 'tap'
import { confirmedAccount, resetToken, startApp, testClock, tokenIn } from '../../harness/app.ts'
import { startOperators } from '../../harness/operators.ts'
import { isProblemOf } from '../../harness/problem.ts'
import { openRows } from '../../harness/rows.ts'
import { until } from '../../harness/until.ts'
import { EARLIEST, INVALID_TIMES, LATEST } from './times.ts'

const bearer = (accessToken: string) => ({ authorization: `Bearer ${accessToken}` })
const NEW_PASSWORD = 'a staple of correct batteries'

async function world(t: Parameters<typeof startApp>[0], options: Parameters<typeof startApp>[1] = {}) {
  const service = await startApp(t, options)
  const rows = await openRows(t, service.databaseUrl)
  const operators = await startOperators(t, service)
  const idOf = async (email: string) => (await rows.client.user.findUniqueOrThrow({ where: { email } })).id
  const logIn = (email: string, password: string, remoteAddress = '192.0.2.1') =>
    service.app.inject({ method: 'POST', url: '/login', payload: { email, password }, remoteAddress })
  const post = (url: string, payload: object) => service.app.inject({ method: 'POST', url, payload })
  return { ...service, rows, ...operators, service: service.app, idOf, logIn, post }
}

t.test('accounts are found by state, email and time, page by page, without a secret', async t => {
  const time = testClock()
  const { app, smtp, service, ask, idOf, rows } = await world(t, { overrides: { clock: time.clock } })
  const emails: string[] = []
  for (let i = 0; i < 5; i++) {
    emails.push((await confirmedAccount({ app: service, smtp }, `ada-${i}@example.org`)).email)
    time.advance(60)
  }
  t.equal((await ask('POST', '/users', { email: 'bob@example.org' })).statusCode, 201)
  await ask('POST', `/users/${await idOf('ada-1@example.org')}/disable`)
  const found = async (query: string) => {
    const response = await ask('GET', `/users?${query}`)
    return response.json().users.map(({ email }: { email: string }) => email)
  }
  t.strictSame(await found(''), ['bob@example.org', ...[...emails].reverse()])
  t.strictSame(await found('state=disabled'), ['ada-1@example.org'])
  t.strictSame(await found('state=invited'), ['bob@example.org'])
  t.equal((await found('state=active')).length, 4)
  t.strictSame(await found('emailPrefix=BOB@'), ['bob@example.org'])
  t.strictSame(await found('emailPrefix=%25'), [], 'a wildcard is none')
  const { createdAt } = await rows.client.user.findUniqueOrThrow({ where: { email: 'ada-3@example.org' } })
  const at = encodeURIComponent(createdAt.toISOString())
  t.strictSame(await found(`createdAfter=${at}&emailPrefix=ada`), ['ada-3@example.org', 'ada-4@example.org'])
  t.strictSame(await found(`createdBefore=${at}&limit=1`), ['ada-2@example.org'])
  const always = `createdAfter=${EARLIEST}&createdBefore=${LATEST}`
  t.strictSame(await found(always), await found(''))

  async function pagedBy(query: string) {
    const paged: string[] = []
    const cursors: string[] = []
    for (let cursor = ''; ; ) {
      const { users, nextCursor } = (await ask('GET', `/users?limit=2${query}${cursor}`)).json()
      paged.push(...users.map(({ email }: { email: string }) => email))
      if (nextCursor === null) return { paged, cursors }
      cursors.push(nextCursor)
      cursor = `&cursor=${nextCursor}`
    }
  }
  const byTime = await pagedBy('')
  t.strictSame(byTime.paged, await found(''))
  const byEmail = await pagedBy('&emailPrefix=ada-')
  t.strictSame(byEmail.paged, emails, 'a prefix sorts by email')
  for (const query of [
    ...['state=gone', 'limit=0', 'cursor=x', 'createdAfter=yesterday', 'email=ada'],
    `emailPrefix=ada-&cursor=${byTime.cursors[0]}`,
    `cursor=${byEmail.cursors[0]}`,
    'cursor=253402300800000_a',
    ...INVALID_TIMES.map(encodeURIComponent).flatMap(at => [`createdAfter=${at}`, `createdBefore=${at}`]),
  ]) {
    isProblemOf(t, await ask('GET', `/users?${query}`), 'validation_failed', query)
  }
  const one = await ask('GET', `/users/${await idOf('ada-0@example.org')}`)
  t.match(one.json(), { email: 'ada-0@example.org', state: 'active', roles: [], claims: {} })
  const { passwordHash } = await rows.client.user.findUniqueOrThrow({ where: { email: 'ada-0@example.org' } })
  t.notOk(one.body.includes(passwordHash))
  const nobody = '01936f3e-8a77-7c3b-9d0e-4f1f2f0c6a55'
  for (const [method, path] of [
    ['GET', ''],
    ['DELETE', ''],
    ['POST', '/disable'],
    ['POST', '/enable'],
    ['POST', '/require-reset'],
    ['POST', '/unlock'],
    ['POST', '/invitation'],
    ['GET', '/export'],
    ['DELETE', '/sessions'],
  ] as const) {
    isProblemOf(t, await ask(method, `/users/${nobody}${path}`), 'not_found', `${method} ${path}`)
  }
  t.ok(app)
})

t.test('a disabled account is shut out at once, and enabling it brings nothing back', async t => {
  const { smtp, service, ask, idOf, logIn, post } = await world(t)
  const ada = await confirmedAccount({ app: service, smtp }, 'ada@example.org')
  const id = await idOf(ada.email)
  const token = await resetToken({ app: service, smtp }, ada.email)
  const me = () => service.inject({ url: '/me', headers: bearer(ada.accessToken) })
  const refresh = () => post('/token/refresh', { refreshToken: ada.refreshToken })
  const reset = () => post('/password-reset/confirm', { token, newPassword: NEW_PASSWORD })
  t.match((await ask('POST', `/users/${id}/disable`)).json(), { state: 'disabled' })
  isProblemOf(t, await me(), 'unauthenticated')
  isProblemOf(t, await refresh(), 'refresh_token_invalid')
  isProblemOf(t, await logIn(ada.email, ada.password), 'account_disabled')
  isProblemOf(t, await reset(), 'token_spent')
  t.match((await ask('POST', `/users/${id}/enable`)).json(), { state: 'active', disabledAt: null })
  isProblemOf(t, await me(), 'unauthenticated', 'still')
  isProblemOf(t, await refresh(), 'refresh_token_invalid', 'still')
  isProblemOf(t, await reset(), 'token_spent', 'still')
  t.equal((await logIn(ada.email, ada.password)).statusCode, 200)
})

t.test('a required reset ends password and sessions, and mails the link that sets another', async t => {
  const { smtp, service, ask, idOf, logIn, post } = await world(t)
  const ada = await confirmedAccount({ app: service, smtp }, 'ada@example.org')
  const old = await resetToken({ app: service, smtp }, ada.email)
  const before = smtp.mails.length
  const response = await ask('POST', `/users/${await idOf(ada.email)}/require-reset`)
  t.equal(response.statusCode, 200)
  isProblemOf(t, await service.inject({ url: '/me', headers: bearer(ada.accessToken) }), 'unauthenticated')
  isProblemOf(t, await logIn(ada.email, ada.password), 'invalid_credentials')
  isProblemOf(
    t,
    await post('/password-reset/confirm', { token: old, newPassword: NEW_PASSWORD }),
    'token_spent',
  )
  const token = tokenIn(await smtp.waitForMail(ada.email, /new password/i, before))
  t.notOk(response.body.includes(token), 'the operator does not see it')
  t.equal((await post('/password-reset/confirm', { token, newPassword: NEW_PASSWORD })).statusCode, 204)
  t.equal((await logIn(ada.email, NEW_PASSWORD)).statusCode, 200)
})

t.test('unlocking works for the counters of another process', async t => {
  const { smtp, service, ask, idOf, logIn, databaseUrl } = await world(t, {
    env: { RATE_LIMIT: 'on', RATE_LIMIT_LOGIN: '1000', RATE_LIMIT_ALL: '10000' },
  })
  const ada = await confirmedAccount({ app: service, smtp }, 'ada@example.org')
  const other = await startApp(t, {
    databaseUrl,
    smtp,
    env: { RATE_LIMIT: 'on', RATE_LIMIT_LOGIN: '1000', RATE_LIMIT_ALL: '10000' },
  })
  const logInThere = (password: string) =>
    other.app.inject({
      method: 'POST',
      url: '/login',
      payload: { email: ada.email, password },
      remoteAddress: '192.0.2.1',
    })
  for (let i = 0; i < 6; i++) {
    await logIn(ada.email, 'a wrong password')
    await logInThere('a wrong password')
  }
  isProblemOf(t, await logIn(ada.email, ada.password), 'rate_limited')
  isProblemOf(t, await logInThere(ada.password), 'rate_limited', 'the other process counts for itself')
  t.equal((await ask('POST', `/users/${await idOf(ada.email)}/unlock`)).statusCode, 200)
  t.equal((await logIn(ada.email, ada.password)).statusCode, 200)
  t.equal((await logInThere(ada.password)).statusCode, 200)
})

t.test('sessions end at once', async t => {
  const { smtp, service, ask, idOf, logIn } = await world(t)
  const ada = await confirmedAccount({ app: service, smtp }, 'ada@example.org')
  t.equal((await ask('DELETE', `/users/${await idOf(ada.email)}/sessions`)).statusCode, 204)
  isProblemOf(t, await service.inject({ url: '/me', headers: bearer(ada.accessToken) }), 'unauthenticated')
  t.equal((await logIn(ada.email, ada.password)).statusCode, 200, 'the password stays')
})

t.test('an export is what its owner exports', async t => {
  const { smtp, service, ask, idOf } = await world(t)
  const ada = await confirmedAccount({ app: service, smtp }, 'ada@example.org')
  const response = await ask('GET', `/users/${await idOf(ada.email)}/export`)
  t.equal(response.statusCode, 200)
  const own = (await service.inject({ url: '/me/export', headers: bearer(ada.accessToken) })).json()
  t.strictSame(response.json().account, own.account)
  t.match(own.events.at(-2), { kind: 'exported', byOperator: true }, 'the owner sees that it was taken')
  t.match(own.events.at(-1), { kind: 'exported', byOperator: false })
})

t.test('a deleted account is gone, a disabled one too', async t => {
  const { smtp, service, ask, idOf, rows } = await world(t)
  for (const email of ['ada@example.org', 'eve@example.org']) {
    await confirmedAccount({ app: service, smtp }, email)
    const id = await idOf(email)
    if (email.startsWith('eve')) await ask('POST', `/users/${id}/disable`)
    t.equal((await ask('DELETE', `/users/${id}`)).statusCode, 204)
    isProblemOf(t, await ask('GET', `/users/${id}`), 'not_found')
    t.equal(await rows.client.user.count({ where: { email } }), 0)
    await smtp.waitForMail(email, /deleted|goodbye/i, 0)
  }
  const events = await rows.client.event.findMany({ where: { kind: 'deleted' } })
  t.equal(events.length, 2)
  t.ok(events.every(({ actor }) => actor?.startsWith('key:')))
})

t.test('every act is an event with its operator, in the own history too', async t => {
  const { smtp, service, ask, idOf, rows, log } = await world(t)
  const ada = await confirmedAccount({ app: service, smtp }, 'ada@example.org')
  const id = await idOf(ada.email)
  const acts = [
    ['DELETE', 'sessions', 'session_ended'],
    ['POST', 'unlock', 'unlocked'],
    ['POST', 'disable', 'disabled'],
    ['POST', 'disable', undefined],
    ['POST', 'enable', 'enabled'],
    ['POST', 'enable', undefined],
    ['PUT', 'claims', 'claims_changed'],
    ['GET', 'export', 'exported'],
    ['POST', 'require-reset', 'reset_required'],
  ] as const
  const before = await rows.client.event.count({ where: { userId: id } })
  for (const [method, path] of acts) {
    const payload = method === 'PUT' ? { roles: ['editor'], claims: {} } : undefined
    t.ok((await ask(method, `/users/${id}/${path}`, payload)).statusCode < 300, path)
  }
  const events = await rows.client.event.findMany({
    where: { userId: id },
    orderBy: { id: 'asc' },
    skip: before,
  })
  t.strictSame(
    events.map(({ kind }) => kind),
    acts.flatMap(([, , kind]) => kind ?? []),
  )
  t.ok(
    events.every(
      ({ actor, ip, device, requestId }) => actor?.startsWith('key:') && !ip && !device && requestId,
    ),
  )
  const lines = log.filter(({ event }) => String(event).startsWith('authz_admin:key:'))
  t.ok(lines.length >= 8 && lines.every(({ account }) => account === id))
})

t.test('an invitation is accepted once, by whoever reads the mail', async t => {
  const time = testClock()
  const { smtp, service, ask, logIn, post, rows } = await world(t, { overrides: { clock: time.clock } })
  const invited = await ask('POST', '/users', { email: 'Ada@example.org', locale: 'en', roles: ['editor'] })
  t.equal(invited.statusCode, 201)
  t.match(invited.json(), { email: 'ada@example.org', state: 'invited', roles: ['editor'] })
  const token = tokenIn(await smtp.waitForMail('ada@example.org', /invited/i, 0))
  t.notOk(invited.body.includes(token))
  isProblemOf(t, await ask('POST', '/users', { email: 'ada@example.org' }), 'email_taken')
  isProblemOf(t, await logIn('ada@example.org', NEW_PASSWORD), 'invalid_credentials')
  for (const url of ['/confirm-email', '/password-reset/check']) {
    const body = url === '/confirm-email' ? { token, password: NEW_PASSWORD } : { token }
    isProblemOf(t, await post(url, body), 'token_invalid', `it is nothing to ${url}`)
  }
  isProblemOf(t, await post('/invitation/accept', { token, password: 'password' }), 'password_rejected')
  const answers = await Promise.all(
    Array.from({ length: 5 }, () => post('/invitation/accept', { token, password: NEW_PASSWORD })),
  )
  t.strictSame(answers.map(({ statusCode }) => statusCode).sort(), [200, 400, 400, 400, 400])
  const accepted = answers.find(({ statusCode }) => statusCode === 200)?.json()
  const me = (await service.inject({ url: '/me', headers: bearer(accepted.accessToken) })).json()
  t.match(me, { id: invited.json().id, roles: ['editor'] })
  t.equal((await logIn('ada@example.org', NEW_PASSWORD)).statusCode, 200)
  const kinds = (await rows.client.event.findMany({ orderBy: { id: 'asc' } })).map(({ kind }) => kind)
  t.strictSame(
    kinds.filter(kind => !/^(api_key|log_in_refused)/.test(kind)),
    ['invited', 'confirmed', 'logged_in'],
  )

  await ask('POST', '/users', { email: 'late@example.org' })
  const late = tokenIn(await smtp.waitForMail('late@example.org', /invited/i, 0))
  time.advance(7 * 86_400)
  isProblemOf(t, await post('/invitation/accept', { token: late, password: NEW_PASSWORD }), 'token_expired')
})

t.test('whoever registers an invited email and confirms becomes that account', async t => {
  const { smtp, service, ask, post, rows, idOf } = await world(t)
  const password = NEW_PASSWORD
  const registered = async (email: string) => {
    const before = smtp.mails.length
    await post('/register', { email })
    return tokenIn(await smtp.waitForMail(email, /confirm/i, before))
  }
  const meOf = async (response: { json(): { accessToken: string } }) =>
    (await service.inject({ url: '/me', headers: bearer(response.json().accessToken) })).json()

  // Registered before, confirmed after.
  const early = await registered('early@example.org')
  const { id } = (await ask('POST', '/users', { email: 'early@example.org', roles: ['editor'] })).json()
  const invitation = tokenIn(await smtp.waitForMail('early@example.org', /invited/i, 0))
  t.match(await meOf(await post('/confirm-email', { token: early, password })), { id, roles: ['editor'] })
  isProblemOf(t, await post('/invitation/accept', { token: invitation, password }), 'token_spent')
  isProblemOf(t, await post('/confirm-email', { token: early, password }), 'token_spent')

  // Disabling voids the link, also once the account is enabled again.
  const revoked = await registered('revoked@example.org')
  const other = (await ask('POST', '/users', { email: 'revoked@example.org' })).json()
  for (const act of ['disable', 'enable']) await ask('POST', `/users/${other.id}/${act}`)
  isProblemOf(t, await post('/confirm-email', { token: revoked, password }), 'token_spent')

  // Registered and confirmed after.
  const later = (await ask('POST', '/users', { email: 'later@example.org', roles: ['editor'] })).json()
  const token = await registered('later@example.org')
  t.match(await meOf(await post('/confirm-email', { token, password })), { id: later.id, roles: ['editor'] })

  // A reset leads in as well.
  const lost = (await ask('POST', '/users', { email: 'lost@example.org' })).json()
  const reset = await resetToken({ app: service, smtp }, 'lost@example.org')
  t.equal((await post('/password-reset/confirm', { token: reset, newPassword: password })).statusCode, 204)
  t.match((await ask('GET', `/users/${lost.id}`)).json(), { state: 'active' })

  // At the same moment: one account, whoever is first.
  for (let i = 0; i < 8; i++) {
    const email = `race-${i}@example.org`
    const link = await registered(email)
    const [invite, confirm] = await Promise.all([
      ask('POST', '/users', { email, roles: ['editor'] }),
      post('/confirm-email', { token: link, password }),
    ])
    t.equal(await rows.client.user.count({ where: { email } }), 1, email)
    t.equal(confirm.statusCode, 200, `${email}: the person gets in`)
    t.ok([201, 409].includes(invite.statusCode), `${invite.statusCode}`)
    const me = await meOf(confirm)
    t.equal(me.id, await idOf(email))
    t.strictSame(me.roles, invite.statusCode === 201 ? ['editor'] : [])
  }
})

t.test('without confirmation, nobody takes an invited account by registering', async t => {
  const { ask, post, smtp } = await world(t, { env: { EMAIL_CONFIRMATION: 'off' } })
  await ask('POST', '/users', { email: 'ada@example.org', roles: ['admin'] })
  isProblemOf(t, await post('/register', { email: 'ada@example.org', password: NEW_PASSWORD }), 'email_taken')
  const token = tokenIn(await smtp.waitForMail('ada@example.org', /invited/i, 0))
  t.equal((await post('/invitation/accept', { token, password: NEW_PASSWORD })).statusCode, 200)
})

t.test('roles and claims are bounded, and need their own scope', async t => {
  const { smtp, service, ask, idOf, keyWith, post } = await world(t)
  const ada = await confirmedAccount({ app: service, smtp }, 'ada@example.org')
  const url = `/users/${await idOf(ada.email)}/claims`
  const put = (payload: object) => ask('PUT', url, payload)
  t.match((await put({ roles: ['a', 'b'], claims: { plan: 'pro', seats: 3, on: { a: [null] } } })).json(), {
    roles: ['a', 'b'],
    claims: { plan: 'pro', seats: 3, on: { a: [null] } },
  })
  for (const [what, payload] of Object.entries({
    'a registered name': { roles: [], claims: { exp: 1 } },
    'roles as a claim': { roles: [], claims: { roles: ['admin'] } },
    'an address': { roles: [], claims: { email: 'eve@example.org' } },
    'a role with a space': { roles: ['a b'], claims: {} },
    'a role twice': { roles: ['a', 'a'], claims: {} },
    'too much': { roles: [], claims: { text: 'x'.repeat(1024) } },
    'too much in UTF-8': { roles: [], claims: { text: '€'.repeat(400) } },
    'no roles': { claims: {} },
    'a list': { roles: [], claims: [] },
  })) {
    isProblemOf(t, await put(payload), 'validation_failed', what)
  }
  const me = await service.inject({ url: '/me', headers: bearer(ada.accessToken) })
  t.match(me.json(), { roles: ['a', 'b'], claims: { plan: 'pro' } }, 'GET /me says them at once')
  const payloadOf = (token: string) =>
    JSON.parse(Buffer.from(`${token.split('.')[1]}`, 'base64url').toString())
  t.notOk('roles' in payloadOf(ada.accessToken))
  const { accessToken } = (await post('/token/refresh', { refreshToken: ada.refreshToken })).json()
  t.match(
    payloadOf(accessToken),
    { roles: ['a', 'b'], 'urn:latchkey:claims': { plan: 'pro' } },
    'tokens after a refresh',
  )
  const writer = await keyWith('users:write')
  isProblemOf(t, await ask('PUT', url, { roles: ['admin'], claims: {} }, writer), 'insufficient_scope')
  const invitation = { email: 'bob@example.org', roles: ['admin'] }
  isProblemOf(t, await ask('POST', '/users', invitation, writer), 'insufficient_scope')
  t.equal((await ask('POST', '/users', { email: 'bob@example.org' }, writer)).statusCode, 201)
  t.match((await put({ roles: [], claims: {} })).json(), { roles: [], claims: {} })
  await until('the mail is out', () => smtp.mails.length >= 2)
})
