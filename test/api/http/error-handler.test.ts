import t, { type Test } from 'tap'
import { toProblem } from '../../../src/http/error-handler.ts'
import { confirmedAccount, startApp } from '../../harness/app.ts'
import { isProblemOf } from '../../harness/problem.ts'

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE'] as const

t.test('an unsupported method is a 405 with Allow', async t => {
  const { app } = await startApp(t)
  const paths = Object.entries((await app.openapi()).paths ?? {})
  t.ok(paths.length >= 12)
  const hidden = ['/openapi.json', '/.well-known/change-password'].map(url => [url, { get: {} }] as const)
  for (const [url, operations] of [...paths, ...hidden]) {
    const allowed = Object.keys(operations ?? {}).map(method => method.toUpperCase())
    if (allowed.includes('GET')) allowed.push('HEAD')
    for (const method of METHODS.filter(method => !allowed.includes(method))) {
      const response = await app.inject({ method, url })
      const name = `${method} ${url}`
      t.equal(response.statusCode, 405, name)
      t.equal(response.headers.allow, allowed.sort().join(', '), `${name}: Allow`)
      if (method !== 'HEAD') isProblemOf(t, response, 'method_not_allowed', name)
    }
    for (const method of (['PUT', 'DELETE'] as const).filter(method => !allowed.includes(method))) {
      const headers = { 'content-type': 'text/plain' }
      const response = await app.inject({ method, url: `${url}?x=y`, headers, payload: '{' })
      isProblemOf(t, response, 'method_not_allowed', `${method} ${url} with a body that nobody reads`)
    }
  }
})

/** Redirects to the pages, or 404 without them. */
const HOME = ['/', '/login/..']

for (const PAGES of ['on', 'off']) {
  t.test(`PAGES=${PAGES}: an unknown path is a 404 in every spelling`, t => isNotFound(t, PAGES))
}

async function isNotFound(t: Test, PAGES: string) {
  const { app, log } = await startApp(t, { env: { PAGES } })
  const nowhere = [
    ...(PAGES === 'off' ? HOME : []),
    '/nowhere',
    '/LOGIN',
    '/login/',
    '//login',
    '/login;x=y',
    '/login%2f',
    '/login%00',
    '/%',
    '/%zz',
    '/%c3',
    '/login%',
    '/%u0061',
    '/%ff%fe',
    '/health',
    '/health/live/',
    '/__proto__',
    '/constructor',
    `/${'x'.repeat(4000)}`,
    '/.env',
    '/../package.json',
    '/docs/../package.json',
    '/docs/static/nothing.js',
    '/docs/static/..%2f..%2fpackage.json',
    '/docs/static/%2e%2e/%2e%2e/package.json',
  ]
  for (const url of nowhere) {
    for (const method of ['GET', 'POST'] as const) {
      const payload = method === 'POST' ? '{ not JSON' : undefined
      const headers = { 'content-type': 'application/json' }
      const response = await app.inject({ method, url, headers, ...(payload && { payload }) })
      if (method === 'POST' && url.startsWith('/docs/static/')) continue
      const problem = isProblemOf(t, response, 'not_found', `${method} ${url.slice(0, 40)}`)
      t.notOk(problem.detail.includes(url.slice(1) || '\0'), 'the path is not quoted')
    }
  }
  const answered = log.filter(line => line['msg'] === 'answered').length
  t.equal(answered, nowhere.length * 2, 'each of them logs a line')
  t.equal((await app.inject('/%6cogin')).statusCode, 405, 'and an encoded letter is that letter (RFC 3986)')
}

t.test('an undeclared query is ignored', async t => {
  const { app } = await startApp(t)
  const query = 'email=ada@example.org&password=correct+horse+battery'
  isProblemOf(t, await app.inject({ method: 'POST', url: `/login?${query}` }), 'validation_failed')
  t.equal((await app.inject('/health/live?%zz')).statusCode, 200)
})

t.test('an invalid or missing bearer is a 401 that says how to authenticate', async t => {
  const service = await startApp(t)
  const { app } = service
  const { accessToken } = await confirmedAccount(service)
  const headers: Record<string, string>[] = [
    {},
    { authorization: '' },
    { authorization: 'Bearer' },
    { authorization: 'Bearer ' },
    { authorization: accessToken },
    { authorization: `Basic ${accessToken}` },
    { authorization: `Bearer ${accessToken}x` },
    { authorization: `Bearer ${accessToken} x` },
    { authorization: `Bearer "${accessToken}"` },
    { authorization: `Bearer ${'a'.repeat(5000)}` },
    { cookie: `accessToken=${accessToken}` },
    { 'x-authorization': `Bearer ${accessToken}` },
  ]
  for (const [method, url] of [
    ['GET', '/me'],
    ['POST', '/logout'],
  ] as const) {
    for (const one of headers) {
      const response = await app.inject({ method, url, headers: one })
      isProblemOf(t, response, 'unauthenticated', `${url} with ${JSON.stringify(one).slice(0, 60)}`)
      const refused = /^Bearer +[^ ]/.test(one['authorization'] ?? '')
      t.equal(response.headers['www-authenticate'], refused ? 'Bearer error="invalid_token"' : 'Bearer')
    }
    const inQuery = await app.inject({ method, url: `${url}?access_token=${accessToken}` })
    isProblemOf(t, inQuery, 'unauthenticated', `${url} with the token in the query`)
  }
  const good = { authorization: `bearer ${accessToken}` }
  t.equal((await app.inject({ method: 'GET', url: '/me', headers: good })).statusCode, 200, 'in any case')
  const login = await app.inject({
    method: 'POST',
    url: '/login',
    payload: { email: 'a@b.co', password: 'x' },
  })
  t.equal(login.statusCode, 401)
  t.equal(login.headers['www-authenticate'], 'Bearer', 'every 401 has a challenge (RFC 9110)')
})

t.test('an unexpected error is a 500 that reveals nothing', async t => {
  const { app, log } = await startApp(t)
  const secret = 'relation "users" does not exist at 10.0.0.5'
  app.database.users.credentialsFor = () => {
    throw Object.assign(new Error(secret), { code: 'XX000' })
  }
  const payload = { email: 'ada@example.org', password: 'correct horse battery' }
  const response = await app.inject({ method: 'POST', url: '/login', payload })
  const { requestId } = isProblemOf(t, response, 'internal_error')
  t.notMatch(response.body, /users|10\.0|XX000|stack|\.ts|\.js/, 'the response does not contain the cause')
  const line = log.find(({ level, requestId: id }) => level === 50 && id === requestId)
  t.match(line, { err: { message: secret } }, 'and the log has it with the request id')
})

t.test('classifies errors by their type', t => {
  const code = (error: object) => toProblem(Object.assign(new Error('x'), error) as never).code
  t.equal(code({ code: 'FST_ERR_CTP_BODY_TOO_LARGE', statusCode: 413 }), 'payload_too_large')
  t.equal(code({ code: 'FST_ERR_CTP_INVALID_CONTENT_LENGTH', statusCode: 400 }), 'bad_request')
  t.equal(code({ code: 'P1001' }), 'overloaded', 'an unreachable database')
  t.equal(code({ code: 'P2024' }), 'overloaded', 'a pool without a free connection')
  t.equal(code({ code: 'P2002' }), 'internal_error', 'an unhandled unique violation')
  t.equal(code({ statusCode: 418 }), 'bad_request')
  t.equal(code({ statusCode: 503 }), 'internal_error')
  t.equal(code({ statusCode: 200 }), 'internal_error')
  t.equal(code({}), 'internal_error')
  t.match(toProblem(Object.assign(new Error('x'), { code: 'P1001' }) as never), { retryAfter: 2 })
  t.end()
})

t.test('unknown properties do not hide other faults', async t => {
  const { app } = await startApp(t)
  for (const count of [1, 7, 8, 9, 100]) {
    const unknown = Object.fromEntries(Array.from({ length: count }, (_, i) => [`unknown${i}`, 0]))
    const payload = { ...unknown, email: 5, password: '' }
    const { errors } = isProblemOf(
      t,
      await app.inject({ method: 'POST', url: '/login', payload }),
      'validation_failed',
    )
    const paths = errors?.map(({ path }) => path) ?? []
    t.strictSame(paths.slice(0, 2), ['/email', '/password'], `before ${count} unknown ones`)
    t.equal(paths.length, Math.min(2 + count, 64))
  }
})
