import t from 'tap'
import { confirmedAccount, startApp, testClock } from '../../harness/app.ts'
import { isProblemOf } from '../../harness/problem.ts'
import { openRows } from '../../harness/rows.ts'

t.test('logout revokes this session at once, and only this one', async t => {
  const service = await startApp(t)
  const { app } = service
  const first = await confirmedAccount(service)
  const { email, password } = first
  const second = (await app.inject({ method: 'POST', url: '/login', payload: { email, password } })).json()
  const stranger = await confirmedAccount(service)

  const out = await app.inject({
    method: 'POST',
    url: '/logout',
    headers: { authorization: `Bearer ${first.accessToken}` },
  })
  t.equal(out.statusCode, 204)
  t.equal(out.body, '')

  for (const url of ['/me', '/logout'] as const) {
    const answer = await app.inject({
      method: url === '/me' ? 'GET' : 'POST',
      url,
      headers: { authorization: `Bearer ${first.accessToken}` },
    })
    isProblemOf(t, answer, 'unauthenticated')
    t.equal(answer.headers['www-authenticate'], 'Bearer error="invalid_token"')
  }
  const { refreshToken } = first
  const refreshed = await app.inject({ method: 'POST', url: '/token/refresh', payload: { refreshToken } })
  isProblemOf(t, refreshed, 'refresh_token_invalid')

  for (const { accessToken } of [second, stranger]) {
    const me = await app.inject({ url: '/me', headers: { authorization: `Bearer ${accessToken}` } })
    t.equal(me.statusCode, 200)
  }
})

t.test('logout accepts an access token from before a refresh', async t => {
  const service = await startApp(t)
  const { app } = service
  const first = await confirmedAccount(service)
  const refreshed = await app.inject({
    method: 'POST',
    url: '/token/refresh',
    payload: { refreshToken: first.refreshToken },
  })
  const out = await app.inject({
    method: 'POST',
    url: '/logout',
    headers: { authorization: `Bearer ${first.accessToken}` },
  })
  t.equal(out.statusCode, 204)
  const { refreshToken } = refreshed.json()
  const next = await app.inject({ method: 'POST', url: '/token/refresh', payload: { refreshToken } })
  isProblemOf(t, next, 'refresh_token_invalid')
})

t.test('logout accepts an expired access token for the lifetime of its session', async t => {
  const time = testClock()
  const env = { ACCESS_TOKEN_TTL: '900', REFRESH_TOKEN_TTL: '86400', REFRESH_IDLE_TTL: '86400' }
  const service = await startApp(t, { env, overrides: { clock: time.clock } })
  const { app } = service
  const rows = await openRows(t, service.databaseUrl)
  const call = (url: '/me' | '/logout', accessToken: string) =>
    app.inject({
      method: url === '/me' ? 'GET' : 'POST',
      url,
      headers: { authorization: `Bearer ${accessToken}` },
    })
  const early = await confirmedAccount(service)
  const late = await confirmedAccount(service)
  // The session of `late` is extended in the database, so that only the age of its token matters.
  await rows.client.session.updateMany({
    where: { user: { email: late.email } },
    data: { expiresAt: new Date(time.clock().getTime() + 10 * 86_400_000) },
  })

  time.advance(86_400 - 1)
  isProblemOf(t, await call('/me', early.accessToken), 'unauthenticated', 'no other endpoint accepts it')
  t.equal((await call('/logout', early.accessToken)).statusCode, 204)
  isProblemOf(t, await call('/logout', early.accessToken), 'unauthenticated', 'only once')
  const { refreshToken } = early
  const refreshed = await app.inject({ method: 'POST', url: '/token/refresh', payload: { refreshToken } })
  isProblemOf(t, refreshed, 'refresh_token_invalid')

  time.advance(900 + 31)
  isProblemOf(
    t,
    await call('/logout', late.accessToken),
    'unauthenticated',
    'a refresh token would have expired',
  )
  t.equal(await rows.client.session.count(), 1)
})

t.test('parallel logouts all succeed and revoke nothing else', async t => {
  const service = await startApp(t)
  const { app } = service
  const rows = await openRows(t, service.databaseUrl)
  const { email, password, accessToken } = await confirmedAccount(service)
  await app.inject({ method: 'POST', url: '/login', payload: { email, password } })
  const answers = await Promise.all(
    Array.from({ length: 10 }, () =>
      app.inject({ method: 'POST', url: '/logout', headers: { authorization: `Bearer ${accessToken}` } }),
    ),
  )
  for (const { statusCode } of answers) t.ok(statusCode === 204 || statusCode === 401)
  t.ok(answers.some(({ statusCode }) => statusCode === 204))
  t.equal(await rows.client.session.count(), 1)
})

t.test('logout requires a token', async t => {
  const service = await startApp(t)
  const rows = await openRows(t, service.databaseUrl)
  await confirmedAccount(service)
  const out = await service.app.inject({ method: 'POST', url: '/logout' })
  isProblemOf(t, out, 'unauthenticated')
  t.equal(out.headers['www-authenticate'], 'Bearer')
  t.equal(await rows.client.session.count(), 1)
})

t.test('the body is optional; an invalid body is refused and revokes nothing', async t => {
  const service = await startApp(t)
  const { app } = service
  const rows = await openRows(t, service.databaseUrl)
  const { email, password, accessToken } = await confirmedAccount(service)
  const authorization = `Bearer ${accessToken}`
  const json = { 'content-type': 'application/json' }
  const junk: [payload: string, code: 'validation_failed' | 'malformed_json'][] = [
    ['[]', 'validation_failed'],
    ['""', 'validation_failed'],
    ['{"everywhere":true}', 'validation_failed'],
    ['{"mode":"json"}', 'validation_failed'],
    ['{"mode":null}', 'validation_failed'],
    ['{"refreshToken":"x"}', 'validation_failed'],
    ['{', 'malformed_json'],
  ]
  for (const [payload, code] of junk) {
    const headers = { authorization, ...json }
    const answer = await app.inject({ method: 'POST', url: '/logout', headers, payload })
    isProblemOf(t, answer, code, payload)
    t.notOk('set-cookie' in answer.headers)
  }
  const text = { authorization, 'content-type': 'text/plain' }
  const typed = await app.inject({ method: 'POST', url: '/logout', headers: text, payload: 'bye' })
  isProblemOf(t, typed, 'unsupported_media_type')
  t.equal(await rows.client.session.count(), 1)

  const form = { 'content-type': 'application/x-www-form-urlencoded' }
  for (const body of [
    {},
    { headers: json },
    { headers: json, payload: '' },
    { headers: json, payload: 'null' },
    { headers: form, payload: '' },
    { payload: {} },
  ] as const) {
    const session = await app.inject({ method: 'POST', url: '/login', payload: { email, password } })
    const headers = {
      ...('headers' in body && body.headers),
      authorization: `Bearer ${session.json().accessToken}`,
    }
    const out = await app.inject({ ...body, method: 'POST', url: '/logout', headers })
    t.equal(out.statusCode, 204, JSON.stringify(body))
    t.notOk('set-cookie' in out.headers, 'no cookie mode, no cookie')
    t.equal(await rows.client.session.count(), 1)
  }
})
