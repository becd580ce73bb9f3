import type { InjectOptions } from 'fastify'
import t, { type Test } from 'tap'
import { confirmedAccount, startApp } from '../../harness/app.ts'
import { onTheWire } from '../../harness/raw-http.ts'

const JSON_TYPE = { 'content-type': 'application/json' }

/** Of every response, after the OWASP REST security cheat sheet. */
const EXPECTED = {
  'content-security-policy': "default-src 'none';frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'strict-transport-security': 'max-age=63072000',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-store',
}
const REVEALING = ['server', 'x-powered-by', 'set-cookie', 'etag', 'last-modified']

interface Answer {
  statusCode: number
  headers: Record<string, unknown>
}

function isGuarded(t: Test, { statusCode, headers }: Answer, name: string) {
  for (const [field, value] of Object.entries(EXPECTED)) t.equal(headers[field], value, `${name}: ${field}`)
  t.match(headers['x-request-id'], /^[0-9a-f-]{36}$/, `${name}: x-request-id`)
  for (const field of REVEALING) t.notOk(field in headers, `${name}: no ${field}`)
  if (statusCode === 204) t.notOk('content-type' in headers, `${name}: nothing has no type`)
}

function hasNoCors(t: Test, { headers }: Answer, name: string) {
  const names = Object.keys(headers).filter(field => field.startsWith('access-control-allow'))
  t.strictSame(names, [], `${name}: no CORS`)
}

t.test('every response has the security headers', async t => {
  const service = await startApp(t)
  const { app } = service
  const account = await confirmedAccount(service)
  const bearer = { authorization: `Bearer ${account.accessToken}` }
  const { email, password } = account
  const requests: [status: number, options: InjectOptions][] = [
    [200, { method: 'POST', url: '/login', payload: { email, password } }],
    [200, { method: 'GET', url: '/me', headers: bearer }],
    [200, { method: 'HEAD', url: '/health/live' }],
    [200, { method: 'GET', url: '/health/ready' }],
    [200, { method: 'GET', url: '/me/events', headers: bearer }],
    [202, { method: 'POST', url: '/password-reset/request', payload: { email } }],
    [400, { method: 'POST', url: '/login', payload: {} }],
    [400, { method: 'POST', url: '/login', headers: JSON_TYPE, payload: '{' }],
    [400, { method: 'POST', url: '/password-reset/check', payload: { token: 'x' } }],
    [401, { method: 'POST', url: '/login', payload: { email, password: 'wrong' } }],
    [401, { method: 'GET', url: '/me' }],
    [404, { method: 'GET', url: '/nowhere' }],
    [404, { method: 'GET', url: '/%zz' }],
    [405, { method: 'GET', url: '/login' }],
    [405, { method: 'OPTIONS', url: '/login' }],
    [413, { method: 'POST', url: '/login', headers: JSON_TYPE, payload: 'x'.repeat(20_000) }],
    [415, { method: 'POST', url: '/login', headers: { 'content-type': 'text/plain' }, payload: 'x' }],
    [422, { method: 'POST', url: '/register', payload: { email: 'new@example.org', password: 'password' } }],
    [204, { method: 'POST', url: '/logout', headers: bearer }],
  ]
  for (const [status, options] of requests) {
    const response = await app.inject({
      ...options,
      headers: { origin: 'https://a.example', ...options.headers },
    })
    const name = `${options.method} ${options.url}`
    t.equal(response.statusCode, status, name)
    isGuarded(t, response, `${status} ${name}`)
    hasNoCors(t, response, `${status} ${name}`)
  }
  app.database.users.credentialsFor = () => {
    throw new Error('broken')
  }
  const broken = await app.inject({ method: 'POST', url: '/login', payload: { email, password } })
  t.equal(broken.statusCode, 500)
  isGuarded(t, broken, '500')
  app.drain()
  const draining = await app.inject('/health/ready')
  t.equal(draining.statusCode, 503)
  isGuarded(t, draining, '503')
})

t.test('a 429 has the security headers', async t => {
  const { app } = await startApp(t, { env: { RATE_LIMIT: 'on' } })
  const remoteAddress = `2001:db8:${process.pid.toString(16)}:${(Date.now() % 65536).toString(16)}::1`
  for (let i = 0; i < 100; i++) await app.inject({ url: '/nowhere', remoteAddress })
  const refused = await app.inject({ url: '/nowhere', remoteAddress })
  t.equal(refused.statusCode, 429)
  isGuarded(t, refused, '429')
})

t.test('HSTS_INCLUDE_SUBDOMAINS covers every subdomain, also in parser errors', async t => {
  const { app } = await startApp(t, { env: { HSTS_INCLUDE_SUBDOMAINS: 'true' } })
  const expected = 'max-age=63072000; includeSubDomains'
  t.equal((await app.inject('/health/live')).headers['strict-transport-security'], expected)
  const { exchange } = await onTheWire(app)
  const { answers } = await exchange('NOT HTTP\r\n\r\n')
  t.equal(answers[0]?.headers['strict-transport-security'], expected)
})

t.test('the CSP of Swagger UI allows its own scripts only', async t => {
  const { app } = await startApp(t)
  const page = await app.inject('/docs')
  const policy = String(page.headers['content-security-policy'])
  t.equal(page.statusCode, 200)
  t.match(policy, /default-src 'none'/)
  t.match(policy, /script-src 'self'(;|$)/, 'no inline script, no eval, no other host')
  t.match(policy, /frame-ancestors 'none'/)
  t.notMatch(policy, /https?:|\*/)
  t.equal(page.headers['x-content-type-options'], 'nosniff')
  t.equal(page.headers['referrer-policy'], 'no-referrer')
})

const HOSTILE = [
  'https://evil.example',
  'http://app.example.org',
  'https://app.example.org:8443',
  'https://app.example.org.evil.example',
  'https://evil-app.example.org',
  'https://x.app.example.org',
  'https://appxexample.org',
  'https://example.org',
  'https://app.example.org/',
  'https://app.example.org@evil.example',
  'https://app.example.org, https://evil.example',
  'https://app.example.org https://evil.example',
  'HTTPS://APP.EXAMPLE.ORG',
  'https://app.example.org.',
  'null',
  '*',
  'file://',
]

t.test('only the origins of CORS_ORIGINS may read responses', async t => {
  const origins = ['https://app.example.org', 'http://localhost:5173', 'capacitor://localhost']
  const { app } = await startApp(t, { env: { CORS_ORIGINS: origins.join(', ') } })
  const requests = [
    { method: 'GET', url: '/health/live' },
    { method: 'GET', url: '/me' },
    { method: 'POST', url: '/login' },
    { method: 'GET', url: '/nowhere' },
    { method: 'OPTIONS', url: '/login', headers: { 'access-control-request-method': 'POST' } },
    { method: 'OPTIONS', url: '/nowhere', headers: { 'access-control-request-method': 'POST' } },
  ] as const
  for (const request of requests) {
    const preflight = request.method === 'OPTIONS'
    const name = `${request.method} ${request.url}`
    const given = 'headers' in request ? request.headers : {}
    for (const origin of origins) {
      const response = await app.inject({ ...request, headers: { ...given, origin } })
      t.equal(response.headers['access-control-allow-origin'], origin, `${name} from ${origin}`)
      t.match(response.headers['vary'], /\bOrigin\b/, `${name}: caches keep origins apart`)
      t.equal(response.headers['access-control-allow-credentials'], 'true', `${name}: for cookie mode`)
      isGuarded(t, response, `${name} from ${origin}`)
      if (!preflight) continue
      t.equal(response.statusCode, 204, name)
      t.match(response.headers['access-control-allow-headers'], /^authorization, content-type$/)
      t.match(response.headers['access-control-allow-methods'], /\bGET, POST\b/)
    }
    for (const origin of HOSTILE) {
      const response = await app.inject({ ...request, headers: { ...given, origin } })
      t.notOk('access-control-allow-origin' in response.headers, `${name} from ${origin}`)
      t.match(response.headers['vary'], /\bOrigin\b/, `${name} from ${origin}: caches keep origins apart`)
    }
  }
  const exposed = (await app.inject({ url: '/me', headers: { origin: origins[0] } })).headers
  t.match(exposed['access-control-expose-headers'], /retry-after.*x-request-id/)
})

t.test('the same origins may send CORS_ALLOWED_HEADERS', async t => {
  const env = { CORS_ORIGINS: 'HTTPS://App.Example.org:443', CORS_ALLOWED_HEADERS: 'traceparent, X-Trace' }
  const { app } = await startApp(t, { env })
  const allowed = async (origin: string) => {
    const headers = { origin, 'access-control-request-method': 'POST' }
    const { headers: answered } = await app.inject({ method: 'OPTIONS', url: '/login', headers })
    return answered['access-control-allow-origin'] && answered['access-control-allow-headers']
  }
  t.equal(await allowed('https://app.example.org'), 'authorization, content-type, traceparent, X-Trace')
  t.equal(await allowed('https://evil.example'), undefined)
})

t.test('CORS adds no path and no method', async t => {
  const { app } = await startApp(t, { env: { CORS_ORIGINS: 'https://app.example.org' } })
  t.equal((await app.inject('/nowhere')).statusCode, 404)
  const response = await app.inject('/login')
  t.equal(response.statusCode, 405)
  t.equal(response.headers.allow, 'POST')
  const plain = await app.inject({ method: 'OPTIONS', url: '/login' })
  t.equal(plain.statusCode, 204, 'an OPTIONS without a preflight is not an error')
  isGuarded(t, plain, 'OPTIONS')
})
