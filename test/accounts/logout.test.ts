import t from 'tap'
import { confirmedAccount, startApp } from '../harness/app.ts'
import { isProblemOf } from '../harness/problem.ts'
import { openRows } from '../harness/rows.ts'

t.test('logging out ends this session at once, and only this one', async t => {
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
    t.equal(answer.headers['www-authenticate'], 'Bearer')
  }
  const { refreshToken } = first
  const refreshed = await app.inject({ method: 'POST', url: '/token/refresh', payload: { refreshToken } })
  isProblemOf(t, refreshed, 'refresh_token_invalid')

  for (const { accessToken } of [second, stranger]) {
    const me = await app.inject({ url: '/me', headers: { authorization: `Bearer ${accessToken}` } })
    t.equal(me.statusCode, 200)
  }
})

t.test('logging out with an access token from before a refresh ends the session too', async t => {
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

t.test('of several log outs at once none fails and nothing else ends', async t => {
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

t.test('nobody logs out without a token', async t => {
  const service = await startApp(t)
  const rows = await openRows(t, service.databaseUrl)
  await confirmedAccount(service)
  const out = await service.app.inject({ method: 'POST', url: '/logout' })
  isProblemOf(t, out, 'unauthenticated')
  t.equal(out.headers['www-authenticate'], 'Bearer')
  t.equal(await rows.client.session.count(), 1)
})
