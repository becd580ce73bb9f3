import t from 'tap'
import { bearer, post, startApp, tokenIn } from '../../harness/app.ts'

t.test('the lifecycle of an account', async t => {
  const { app, smtp } = await startApp(t)
  const email = 'ada@example.org'
  const password = 'correct horse battery staple'

  const registered = await post(app, '/register', { email })
  t.equal(registered.statusCode, 202)
  t.match(registered.json(), { status: 'confirmation_sent', requestToken: /^eyJ/ })

  const early = await post(app, '/login', { email, password })
  t.equal(early.statusCode, 401)
  t.equal(early.json().code, 'invalid_credentials')

  const [confirmation] = await smtp.waitForMails(1)
  t.strictSame(confirmation?.to, [email])
  const confirmed = await post(app, '/confirm-email', { token: tokenIn(confirmation), password })
  t.equal(confirmed.statusCode, 200)
  t.equal(confirmed.headers['cache-control'], 'no-store')

  const first = confirmed.json()
  const me = await app.inject({
    method: 'GET',
    url: '/me',
    headers: bearer(first),
  })
  t.equal(me.statusCode, 200)
  t.match(me.json(), {
    email,
    locale: null,
    emailConfirmedAt: String,
    passwordChangedAt: String,
    createdAt: String,
  })
  t.notMatch(me.body, /argon2/, 'no response contains the hash')

  const refreshed = await post(app, '/token/refresh', { refreshToken: first.refreshToken })
  t.equal(refreshed.statusCode, 200)
  const second = refreshed.json()
  t.not(second.refreshToken, first.refreshToken)

  const out = await app.inject({
    method: 'POST',
    url: '/logout',
    headers: bearer(second),
  })
  t.equal(out.statusCode, 204)
  for (const { accessToken } of [first, second]) {
    const after = await app.inject({
      method: 'GET',
      url: '/me',
      headers: bearer(accessToken),
    })
    t.equal(after.statusCode, 401, 'both access tokens of the session are invalid')
    t.equal(after.headers['www-authenticate'], 'Bearer error="invalid_token"')
  }

  const asked = await post(app, '/password-reset/request', { email })
  t.equal(asked.statusCode, 202)
  t.match(asked.json(), { status: 'reset_sent', requestToken: /^eyJ/ })
  t.equal(Object.keys(asked.json()).length, 2)
  const [, reset] = await smtp.waitForMails(2)
  const token = tokenIn(reset)

  const check = await post(app, '/password-reset/check', { token })
  t.equal(check.statusCode, 200)
  const newPassword = 'a password that nobody had before'
  const set = await post(app, '/password-reset/confirm', { token, newPassword })
  t.equal(set.statusCode, 204)
  t.equal(set.body, '')

  const [, , notice] = await smtp.waitForMails(3)
  t.match(notice?.subject, /password .*was changed/i)

  const old = await post(app, '/login', { email, password })
  t.equal(old.statusCode, 401)
  t.equal(old.json().code, 'invalid_credentials')
  const back = await post(app, '/login', { email, password: newPassword })
  t.equal(back.statusCode, 200)
  t.equal(smtp.mails.length, 3, 'and no other mail was sent')
})
