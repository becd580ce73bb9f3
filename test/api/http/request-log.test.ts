import t from 'tap'
import { confirmedAccount, startApp } from '../../harness/app.ts'

t.test(
  'each request logs one line with id, method, path, status, time and address, whatever its outcome',
  async t => {
    const { app, log } = await startApp(t)
    const requests = [
      { url: '/health/live', status: 200, level: 20 },
      { url: '/health/ready?token=geheim', path: '/health/ready', status: 200, level: 20 },
      { url: '/health/elsewhere', status: 404, code: 'not_found' },
      { url: '/nowhere?token=geheim', path: '/nowhere', status: 404 },
      { url: 'http://geheim@example.org/health/live', path: '/health/live', status: 200, level: 20 },
      { url: '/app/ada%40example.org', path: '/app/[address]', status: 404 },
      { url: '/me', status: 401, code: 'unauthenticated' },
      { url: '/login', status: 405 },
      { url: '/%ZZ?token=geheim', path: '/%25ZZ', status: 404 },
      { url: '/login?x=geheim', path: '/login', method: 'POST' as const, payload: '{"email":', status: 400 },
    ]
    for (const { url, status, level = 30, code, path = url, method = 'GET' as const, ...rest } of requests) {
      const before = log.length
      const headers = { 'content-type': 'application/json', cookie: 'geheim' }
      const answer = await app.inject({ url, method, headers, remoteAddress: '10.1.2.3', ...rest })
      t.equal(answer.statusCode, status, url)
      const lines = log.slice(before).filter(({ msg }) => msg === 'answered')
      t.match(lines, [{ level, method, path, status, ms: Number, ip: '10.1.2.3' }], url)
      if (code) t.equal(lines[0]?.['code'], code, `${url}: its code`)
      t.equal(lines[0]?.['requestId'], answer.headers['x-request-id'], `${url}: the id of the answer`)
    }
    t.notMatch(JSON.stringify(log), /geheim/, 'no query, no header field, no body')
  },
)

t.test('secrets that are logged by accident are redacted', async t => {
  const { app, log } = await startApp(t)
  const secrets = {
    password: 'geheim',
    newPassword: 'geheim',
    currentPassword: 'geheim',
    token: 'geheim',
    refreshToken: 'geheim',
    accessToken: 'geheim',
  }
  app.log.info(secrets, 'one')
  app.log.info({ body: { ...secrets, code: 'geheim' } }, 'two')
  app.log.info({ headers: { authorization: 'Bearer geheim' } }, 'three')
  app.log.info({ anything: secrets }, 'four')
  const cookies = { cookie: 'x=geheim', 'set-cookie': ['x=geheim; Path=/'] }
  app.log.info(cookies, 'five')
  app.log.info({ headers: cookies }, 'six')
  app.log.info({ anything: cookies }, 'seven')
  for (const msg of ['one', 'two', 'three', 'four', 'five', 'six', 'seven']) {
    const line = JSON.stringify(log.find(line => line['msg'] === msg))
    t.match(line, /\[redacted\]/, msg)
    t.notMatch(line, /geheim/, msg)
  }
})

t.test('no password, token, hash or link is in the log at its most verbose level', async t => {
  const world = await startApp(t)
  const { app, smtp, log } = world
  const { email, password, accessToken, refreshToken } = await confirmedAccount(world)
  await app.inject({ url: '/me', headers: { authorization: `Bearer ${accessToken}` } })
  await app.inject({ method: 'POST', url: '/token/refresh', payload: { refreshToken } })
  await app.inject({ method: 'POST', url: '/login', payload: { email, password: 'a wrong password' } })
  const text = JSON.stringify(log)
  for (const secret of [
    password,
    'a wrong password',
    accessToken,
    refreshToken,
    email,
    '#token=',
    '$argon2',
  ]) {
    t.notOk(text.includes(secret), `${secret.slice(0, 20)} is not in the log`)
  }
  t.ok(log.length > 5 && smtp.mails.length === 1, 'the log has lines')
})

t.test('LOG_LEVEL sets the lowest level', async t => {
  const { app, log } = await startApp(t, { env: { LOG_LEVEL: 'warn' } })
  await app.inject('/health/live')
  app.log.info('quiet')
  app.log.warn('loud')
  t.strictSame(
    log.map(({ msg }) => msg),
    ['loud'],
  )
})
