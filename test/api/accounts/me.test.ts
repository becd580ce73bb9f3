import t from 'tap'
import { bearer, confirmedAccount, post, startApp, testClock } from '../../harness/app.ts'
import { isProblemOf } from '../../harness/problem.ts'

t.test("returns the public properties of the bearer's account", async t => {
  const { clock } = testClock(new Date('2030-01-01T00:00:00Z'))
  const service = await startApp(t, { overrides: { clock } })
  await confirmedAccount(service, 'somebody.else@example.org')
  const { accessToken } = await confirmedAccount(service, 'ada@example.org')
  const me = await service.app.inject({ url: '/me', headers: bearer(accessToken) })
  t.equal(me.statusCode, 200)
  t.equal(me.headers['content-type'], 'application/json; charset=utf-8')
  const { id, ...rest } = me.json()
  t.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  t.strictSame(rest, {
    email: 'ada@example.org',
    emailConfirmedAt: '2030-01-01T00:00:00.000Z',
    passwordChangedAt: '2030-01-01T00:00:00.000Z',
    createdAt: '2030-01-01T00:00:00.000Z',
    locale: null,
    roles: [],
    claims: {},
  })
})

t.test('the locale is the registered one', async t => {
  const { app, smtp } = await startApp(t)
  const password = 'correct horse battery staple'
  const payload = { email: 'ada@example.org', password, locale: 'en-gb' }
  await post(app, '/register', payload)
  const [mail] = await smtp.waitForMails(1)
  const token = /#token=(\S+)/.exec(mail?.text ?? '')?.[1]
  const session = await post(app, '/confirm-email', { token, password })
  const { accessToken } = session.json()
  const me = await app.inject({ url: '/me', headers: bearer(accessToken) })
  t.equal(me.json().locale, 'en-GB')
})

t.test('requires a valid access token', async t => {
  const time = testClock()
  const service = await startApp(t, { overrides: { clock: time.clock } })
  const { email, password, accessToken, refreshToken } = await confirmedAccount(service)
  const me = (authorization?: string) =>
    service.app.inject({ url: '/me', headers: authorization === undefined ? {} : { authorization } })

  const basic = Buffer.from(`${email}:${password}`).toString('base64')
  for (const authorization of [
    undefined,
    '',
    'Bearer',
    'Bearer ',
    accessToken,
    `Basic ${basic}`,
    `Token ${accessToken}`,
    `Bearer\t${accessToken}`,
    `Bearer ${accessToken}, Bearer ${accessToken}`,
    `Bearer ${accessToken} ${accessToken}`,
    `Bearer "${accessToken}"`,
    `Bearer ${refreshToken}`,
    'Bearer undefined',
  ]) {
    const answer = await me(authorization)
    isProblemOf(t, answer, 'unauthenticated', String(authorization))
    t.match(answer.headers['www-authenticate'], /^Bearer\b/)
    t.notMatch(answer.body, email)
  }
  for (const url of [`/me?access_token=${accessToken}`, `/me?token=${accessToken}`]) {
    isProblemOf(t, await service.app.inject({ url }), 'unauthenticated', 'no token in a URL')
  }
  isProblemOf(
    t,
    await service.app.inject({ url: '/me', headers: { cookie: `accessToken=${accessToken}` } }),
    'unauthenticated',
  )

  t.equal((await me(`Bearer ${accessToken}`)).statusCode, 200)
  t.equal((await me(`bearer ${accessToken}`)).statusCode, 200, 'schemes have no case (RFC 9110 11.1)')
  time.advance(900 + 30)
  isProblemOf(t, await me(`Bearer ${accessToken}`), 'unauthenticated', 'its time is over')
})
