/** Cookie mode: the refresh token in a cookie, at login, confirmation, refresh and logout. */
import { randomBytes } from 'node:crypto'
import t from 'tap'
import {
  type Account,
  confirmedAccount,
  startApp,
  type TestApp,
  testClock,
  tokenIn,
} from '../../harness/app.ts'
import { clearing, cookieIn, setting, showing } from '../../harness/cookie.ts'
import { isProblemOf } from '../../harness/problem.ts'
import { openRows } from '../../harness/rows.ts'

type Service = Pick<TestApp, 'app'>

const day = 86_400
const mode = 'cookie'
const bearer = (accessToken: string) => ({ authorization: `Bearer ${accessToken}` })

const logIn = ({ app }: Service, { email, password }: Pick<Account, 'email' | 'password'>) =>
  app.inject({ method: 'POST', url: '/login', payload: { email, password, mode } })

/** Refreshes as a browser with these cookies does. */
const refresh = ({ app }: Service, ...cookies: string[]) =>
  app.inject({ method: 'POST', url: '/token/refresh', headers: showing(...cookies), payload: { mode } })

const me = ({ app }: Service, accessToken: string) => app.inject({ url: '/me', headers: bearer(accessToken) })

const IN_COOKIE_MODE = ['accessToken', 'expiresIn', 'refreshExpiresIn', 'tokenType']

t.test('confirmation, login and refresh put the token into the cookie and not into the body', async t => {
  const service = await startApp(t)
  const { app, smtp } = service
  const account = { email: 'ada@example.org', password: 'correct horse battery staple' }
  await app.inject({ method: 'POST', url: '/register', payload: account })
  const token = tokenIn((await smtp.waitForMails(1))[0])
  const { password } = account
  const confirmed = await app.inject({
    method: 'POST',
    url: '/confirm-email',
    payload: { token, password, mode },
  })
  const loggedIn = await logIn(service, account)
  const refreshed = await refresh(service, cookieIn(loggedIn))
  for (const [name, answer] of Object.entries({ confirmed, loggedIn, refreshed })) {
    t.equal(answer.statusCode, 200, name)
    t.strictSame(Object.keys(answer.json()).sort(), IN_COOKIE_MODE, `${name}: members of the body`)
    t.equal(answer.json().refreshExpiresIn, 14 * day)
    const cookie = cookieIn(answer)
    t.match(cookie, /^[\w-]{86}$/)
    t.equal(answer.headers['set-cookie'], setting(cookie, 14 * day), `${name}: the whole field`)
    t.notOk(answer.body.includes(cookie), `${name}: the body does not hold it`)
    t.equal(answer.headers['cache-control'], 'no-store')
    t.equal((await me(service, answer.json().accessToken)).statusCode, 200)
  }
  t.equal(new Set([confirmed, loggedIn, refreshed].map(cookieIn)).size, 3)
})

t.test('without cookie mode no cookie is set, and a cookie in the request is ignored', async t => {
  const service = await startApp(t)
  const { app } = service
  const account = await confirmedAccount(service)
  const { email, password, refreshToken } = account
  const shown = await logIn(service, account)
  const rows = await openRows(t, service.databaseUrl)
  const session = () => rows.client.session.findMany({ orderBy: { id: 'asc' } })
  const [, before] = await session()
  const headers = { ...showing(cookieIn(shown)), ...bearer(account.accessToken) }
  const post = (url: string, payload?: object) =>
    app.inject({ method: 'POST', url, headers, ...(payload && { payload }) })

  isProblemOf(t, await post('/token/refresh', {}), 'validation_failed')
  isProblemOf(t, await post('/token/refresh'), 'validation_failed')
  const junk = await post('/token/refresh', { refreshToken: 'x' })
  isProblemOf(t, junk, 'refresh_token_invalid')
  const answers = [
    junk,
    await post('/token/refresh', { refreshToken }),
    await post('/login', { email, password }),
    await app.inject({ url: '/me', headers }),
    await post('/logout'),
  ]
  t.strictSame(
    answers.map(({ statusCode }) => statusCode),
    [401, 200, 200, 200, 204],
  )
  for (const answer of answers) t.notOk('set-cookie' in answer.headers)
  t.type(answers[1]?.json().refreshToken, 'string', 'the body contains it, as before')
  const after = (await session()).find(({ id }) => id === before?.id)
  t.strictSame(after, before, 'the session of the cookie is as it was')
})

t.test('a refresh needs either the token or the mode', async t => {
  const service = await startApp(t)
  const account = await confirmedAccount(service)
  const cookie = cookieIn(await logIn(service, account))
  const { refreshToken } = account
  for (const payload of [
    { refreshToken, mode },
    {},
    { mode: 'json' },
    { mode: null },
    { mode: ['cookie'] },
  ]) {
    const answer = await service.app.inject({
      method: 'POST',
      url: '/token/refresh',
      headers: showing(cookie),
      payload,
    })
    isProblemOf(t, answer, 'validation_failed', JSON.stringify(payload))
    t.notOk('set-cookie' in answer.headers)
  }
  t.equal((await refresh(service, cookie)).statusCode, 200, 'and none of that spent the cookie')
})

t.test('the cookie expires with the session: 14 days after the last refresh, 30 at most', async t => {
  const time = testClock(new Date('2030-01-01T00:00:00Z'))
  const service = await startApp(t, { overrides: { clock: time.clock } })
  const account = await confirmedAccount(service)
  let answer = await logIn(service, account)
  for (const left of [14, 14, 10, 5]) {
    time.advance(left > 10 ? 7 * day : left === 10 ? 6 * day : 5 * day)
    answer = await refresh(service, cookieIn(answer))
    t.equal(answer.headers['set-cookie'], setting(cookieIn(answer), left * day))
  }
  time.advance(5 * day)
  const late = await refresh(service, cookieIn(answer))
  isProblemOf(t, late, 'refresh_token_invalid')
  t.equal(late.headers['set-cookie'], clearing())
})

t.test('a refused cookie is cleared in the same response; a missing one is not', async t => {
  const time = testClock()
  const service = await startApp(t, { overrides: { clock: time.clock } })
  const { app } = service
  const rows = await openRows(t, service.databaseUrl)
  const account = await confirmedAccount(service)
  const alive = cookieIn(await logIn(service, account))
  const other = cookieIn(await logIn(service, account))
  const before = await rows.client.session.findMany({ orderBy: { id: 'asc' } })

  const missing: Record<string, string>[] = [
    {},
    { cookie: '' },
    { cookie: 'a=b; c=d' },
    { cookie: `latchkey-refresh=${alive}` },
    { cookie: `__secure-latchkey-refresh=${alive}` },
    { cookie: `__Host-latchkey-refresh=${alive}` },
    { cookie: `x__Secure-latchkey-refresh=${alive}` },
    { cookie: `a="; __Secure-latchkey-refresh"=${alive}` },
  ]
  for (const headers of missing) {
    const answer = await app.inject({ method: 'POST', url: '/token/refresh', headers, payload: { mode } })
    isProblemOf(t, answer, 'refresh_token_invalid', JSON.stringify(headers).slice(0, 40))
    t.notOk('set-cookie' in answer.headers)
  }
  const refused: Record<string, string[]> = {
    empty: [''],
    garbage: ['garbage'],
    'of the right form': [randomBytes(64).toString('base64url')],
    'cut off': [alive.slice(0, -1)],
    'in quotes': [`"${alive}"`],
    encoded: [alive.replace(/^./, first => `%${first.charCodeAt(0).toString(16)}`)],
    long: ['A'.repeat(8000)],
    'an access token': [account.accessToken],
    'two, one of which a sibling planted': [other, alive],
    'the same twice': [alive, alive],
    'a good one and rubbish': [alive, 'x'],
  }
  for (const [name, cookies] of Object.entries(refused)) {
    const answer = await refresh(service, ...cookies)
    isProblemOf(t, answer, 'refresh_token_invalid', name)
    t.equal(answer.headers['set-cookie'], clearing(), `${name}: cleared`)
  }
  t.strictSame(await rows.client.session.findMany({ orderBy: { id: 'asc' } }), before, 'nothing has changed')
  const among = await app.inject({
    method: 'POST',
    url: '/token/refresh',
    headers: { cookie: `a=b;${showing(alive).cookie} ;c=d` },
    payload: { mode },
  })
  t.equal(among.statusCode, 200, 'among other cookies it is found')
})

t.test('the cookie of an ended session is refused and cleared', async t => {
  const time = testClock()
  const service = await startApp(t, { overrides: { clock: time.clock } })
  const { app } = service
  const rows = await openRows(t, service.databaseUrl)
  const account = await confirmedAccount(service)
  const disabled = await confirmedAccount(service)
  await rows.settled()
  const ended = await logIn(service, account)
  const stays = await logIn(service, account)
  const locked = await logIn(service, disabled)
  await rows.disable(disabled.email)
  const { accessToken } = stays.json()
  const out = await app.inject({ method: 'DELETE', url: '/sessions', headers: bearer(accessToken) })
  t.equal(out.statusCode, 204)
  t.notOk('set-cookie' in out.headers, 'other revocations leave an invalid cookie')
  for (const [name, answer] of Object.entries({ ended, locked })) {
    const refused = await refresh(service, cookieIn(answer))
    isProblemOf(t, refused, 'refresh_token_invalid', name)
    t.equal(refused.headers['set-cookie'], clearing(), name)
  }
  time.advance(14 * day)
  const expired = await refresh(service, cookieIn(stays))
  isProblemOf(t, expired, 'refresh_token_invalid', 'expired')
  t.equal(expired.headers['set-cookie'], clearing(), 'expired')
})

t.test('two tabs get the same successor; an older spent cookie revokes the family', async t => {
  const time = testClock()
  const service = await startApp(t, { overrides: { clock: time.clock } })
  const rows = await openRows(t, service.databaseUrl)
  const account = await confirmedAccount(service)
  const first = cookieIn(await logIn(service, account))
  const second = await refresh(service, first)
  time.advance(9.999)
  const again = await refresh(service, first)
  t.equal(again.statusCode, 200, 'within the grace')
  t.equal(cookieIn(again), cookieIn(second))

  time.advance(0.001)
  const replayed = await refresh(service, first)
  isProblemOf(t, replayed, 'refresh_token_invalid')
  t.equal(replayed.headers['set-cookie'], clearing())
  isProblemOf(t, await refresh(service, cookieIn(second)), 'refresh_token_invalid', 'the family is over')
  isProblemOf(t, await me(service, second.json().accessToken), 'unauthenticated')
  t.equal(await rows.client.event.count({ where: { kind: 'refresh_token_reused' } }), 1)
  t.equal((await me(service, account.accessToken)).statusCode, 200, 'and no other session')
})

t.test('a token works the same in a cookie and in a body', async t => {
  const service = await startApp(t)
  const { app } = service
  const account = await confirmedAccount(service)
  const fromBody = await refresh(service, account.refreshToken)
  t.equal(fromBody.statusCode, 200)
  const refreshToken = cookieIn(fromBody)
  const back = await app.inject({ method: 'POST', url: '/token/refresh', payload: { refreshToken } })
  t.equal(back.statusCode, 200)
  t.type(back.json().refreshToken, 'string')
  t.notOk('set-cookie' in back.headers)
})

t.test('20 parallel refreshes all return the same successor', async t => {
  const service = await startApp(t)
  const rows = await openRows(t, service.databaseUrl)
  const account = await confirmedAccount(service)
  const cookie = cookieIn(await logIn(service, account))
  const answers = await Promise.all(Array.from({ length: 20 }, () => refresh(service, cookie)))
  for (const { statusCode } of answers) t.equal(statusCode, 200)
  const successors = new Set(answers.map(cookieIn))
  t.equal(successors.size, 1)
  t.equal((await refresh(service, ...successors)).statusCode, 200)
  t.equal(await rows.client.session.count(), 2, 'that of the confirmation and this one')
  t.equal(await rows.client.event.count({ where: { kind: 'refresh_token_reused' } }), 0)
})

t.test('an outage of the database does not clear the cookie', async t => {
  const service = await startApp(t)
  const account = await confirmedAccount(service)
  const cookie = cookieIn(await logIn(service, account))
  const { sessions } = service.app.database
  const { rotate } = sessions
  sessions.rotate = () => {
    throw Object.assign(new Error('away'), { code: 'P1001' })
  }
  const away = await refresh(service, cookie)
  isProblemOf(t, away, 'overloaded')
  t.notOk('set-cookie' in away.headers)
  sessions.rotate = rotate
  t.equal((await refresh(service, cookie)).statusCode, 200)
})

t.test('logout in cookie mode clears the cookie and revokes the session', async t => {
  const service = await startApp(t)
  const { app } = service
  const account = await confirmedAccount(service)
  const session = await logIn(service, account)
  const headers = bearer(session.json().accessToken)
  const out = await app.inject({ method: 'POST', url: '/logout', headers, payload: { mode } })
  t.equal(out.statusCode, 204)
  t.equal(out.body, '')
  t.equal(out.headers['set-cookie'], clearing())
  isProblemOf(t, await refresh(service, cookieIn(session)), 'refresh_token_invalid')
  const again = await app.inject({ method: 'POST', url: '/logout', headers, payload: { mode } })
  isProblemOf(t, again, 'unauthenticated')
})

t.test('a refused login or confirmation sets no cookie', async t => {
  const service = await startApp(t)
  const { app } = service
  const { email } = await confirmedAccount(service)
  const refused = [
    await logIn(service, { email, password: 'a wrong password' }),
    await logIn(service, { email: 'nobody@example.org', password: 'a wrong password' }),
    await app.inject({ method: 'POST', url: '/login', payload: { mode } }),
    await app.inject({
      method: 'POST',
      url: '/confirm-email',
      payload: { token: 'a.b.c', password: 'a wrong password', mode },
    }),
  ]
  t.strictSame(
    refused.map(({ statusCode }) => statusCode),
    [401, 401, 400, 400],
  )
  for (const { headers } of refused) t.notOk('set-cookie' in headers)
})

t.test("behind a proxy that strips a prefix, the cookie's path is the one that browsers see", async t => {
  for (const [APP_URL, path] of [
    ['https://example.org', '/token/refresh'],
    ['https://example.org/', '/token/refresh'],
    ['https://example.org/accounts/v2', '/accounts/v2/token/refresh'],
    ['https://example.org/a b/ü', '/a%20b/%C3%BC/token/refresh'],
  ] as const) {
    const service = await startApp(t, { env: { APP_URL } })
    const account = await confirmedAccount(service)
    const session = await logIn(service, account)
    const cookie = cookieIn(session)
    t.equal(session.headers['set-cookie'], setting(cookie, 14 * day, path), APP_URL)
    const refused = await refresh(service, 'garbage')
    t.equal(refused.headers['set-cookie'], clearing(path), `${APP_URL}: cleared where it is`)
    t.equal((await refresh(service, cookie)).statusCode, 200)
  }
})
