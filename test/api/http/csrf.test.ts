/** Who may use cookie mode: every combination of Origin and Sec-Fetch-Site, at each endpoint that has it. */
import t, { type Test } from 'tap'
import { confirmedAccount, startApp, type TestApp, tokenIn } from '../../harness/app.ts'
import { cookieIn, showing } from '../../harness/cookie.ts'
import { isProblemOf } from '../../harness/problem.ts'
import { openRows } from '../../harness/rows.ts'

const APP_URL = 'https://example.org/accounts'
const OURS = ['https://example.org', 'https://app.example.org', 'http://localhost:5173']
const env = { APP_URL, CORS_ORIGINS: OURS.slice(1).join(', '), REFRESH_GRACE: '600' }
const mode = 'cookie'

const FOREIGN = [
  'https://evil.example',
  'null',
  '',
  '*',
  'file://',
  // Another port, another scheme, another host of the same site.
  'https://example.org:8443',
  'https://example.org:443',
  'http://example.org',
  'http://localhost:5174',
  'https://localhost:5173',
  'https://other.example.org',
  'https://x.app.example.org',
  // Origins that a careless comparison would accept.
  'https://example.org.evil.com',
  'https://app.example.org.evil.com',
  'https://evil-example.org',
  'https://example.org@evil.com',
  'https://example.org#',
  'https://example.org/',
  'https://example.org/accounts',
  'https://example.org.',
  'https://EXAMPLE.org',
  'example.org',
  'https://example.org https://evil.com',
  'https://evil.com https://example.org',
  'https://example.org, https://app.example.org',
  'https://example.org,https://evil.com',
  ' https://example.org\thttps://app.example.org',
]
const SITES = ['same-origin', 'same-site', 'cross-site', 'none', '', 'Same-Origin', 'same-origin, cross-site']

interface Combination {
  name: string
  headers: Record<string, string>
  allowed: boolean
}

/** Each origin with each site, and each of them alone. */
function combinations(): Combination[] {
  return [undefined, ...OURS, ...FOREIGN].flatMap(origin =>
    [undefined, ...SITES].map(site => ({
      name: `Origin ${JSON.stringify(origin)}, Sec-Fetch-Site ${JSON.stringify(site)}`,
      headers: {
        ...(origin !== undefined && { origin }),
        ...(site !== undefined && { 'sec-fetch-site': site }),
      },
      allowed:
        site === 'same-origin' ||
        OURS.includes(origin as string) ||
        (origin === undefined && site === undefined),
    })),
  )
}

/** The request in cookie mode, and the response if it is accepted. */
async function callsOf(service: TestApp) {
  const { email, password } = await confirmedAccount(service)
  // With a separate account, because many logins revoke old sessions.
  const { refreshToken } = await confirmedAccount(service)
  type Headers = Record<string, string>
  const post = (url: string, payload: object, headers: Headers = {}) =>
    service.app.inject({ method: 'POST', url, payload, headers })
  const session = async () => `Bearer ${(await post('/login', { email, password })).json().accessToken}`
  let authorization = await session()
  return [
    {
      url: '/login',
      passed: { status: 200, code: '' },
      send: (headers: Headers) => post('/login', { email, password, mode }, headers),
    },
    {
      url: '/confirm-email',
      // An accepted request fails because the token is not valid.
      passed: { status: 400, code: 'token_invalid' },
      send: (headers: Headers) => post('/confirm-email', { token: 'a.b.c', password, mode }, headers),
    },
    {
      url: '/token/refresh',
      passed: { status: 200, code: '' },
      send: (headers: Headers) => post('/token/refresh', { mode }, { ...headers, ...showing(refreshToken) }),
    },
    {
      url: '/logout',
      passed: { status: 204, code: '' },
      async send(headers: Headers) {
        const answer = await post('/logout', { mode }, { ...headers, authorization })
        if (answer.statusCode !== 403) authorization = await session()
        return answer
      },
      begin: async () => {
        authorization = await session()
      },
    },
  ]
}

/** Sends each combination to each endpoint; a refused request must have no effect. */
async function isDecided(t: Test, service: TestApp, cases: Combination[]) {
  const rows = await openRows(t, service.databaseUrl)
  for (const { url, passed, send, begin } of await callsOf(service)) {
    await begin?.()
    const state = async () => [
      await rows.client.event.count(),
      await rows.client.session.findMany({ orderBy: { id: 'asc' } }),
    ]
    let before = await state()
    const answered: Record<string, unknown> = {}
    const expected: Record<string, unknown> = {}
    for (const { name, headers, allowed } of cases) {
      const answer = await send(headers)
      const outcome = { status: answer.statusCode, code: answer.statusCode < 400 ? '' : answer.json().code }
      const cookie = 'set-cookie' in answer.headers
      answered[name] = { ...outcome, ...(outcome.status === 403 && { cookie }) }
      expected[name] = allowed ? passed : { status: 403, code: 'origin_not_allowed', cookie: false }
      if (allowed) before = await state()
    }
    t.strictSame(answered, expected, url)
    t.strictSame(await state(), before, `${url}: what was refused did nothing`)
  }
}

t.test('only allowed origins and clients other than browsers may use cookie mode', async t => {
  const service = await startApp(t, { env })
  // Accepted origins first, so that the refused ones must leave everything unchanged.
  const cases = combinations().sort((a, b) => Number(b.allowed) - Number(a.allowed))
  t.equal(cases.filter(({ allowed }) => allowed).length, 1 + 31 + 3 * 7)
  await isDecided(t, service, cases)
})

t.test('`*` in CORS_ORIGINS allows no cookies', async t => {
  const service = await startApp(t, { env: { ...env, CORS_ORIGINS: '*, https://app.example.org' } })
  await isDecided(t, service, [
    { name: 'a named one', headers: { origin: 'https://app.example.org' }, allowed: true },
    { name: 'https://evil.example', headers: { origin: 'https://evil.example' }, allowed: false },
    { name: '*', headers: { origin: '*' }, allowed: false },
  ])
  for (const request of [
    { method: 'POST', url: '/login', payload: {} },
    { method: 'OPTIONS', url: '/login', headers: { 'access-control-request-method': 'POST' } },
  ] as const) {
    const headers = { ...('headers' in request && request.headers), origin: 'https://app.example.org' }
    const answer = await service.app.inject({ ...request, headers })
    t.equal(answer.headers['access-control-allow-origin'], '*')
    t.notOk('access-control-allow-credentials' in answer.headers, request.method)
  }
})

t.test('without CORS_ORIGINS only the origin of APP_URL is allowed', async t => {
  const service = await startApp(t, { env: { APP_URL: 'https://example.org:3000/x', REFRESH_GRACE: '600' } })
  await isDecided(
    t,
    service,
    [
      'https://example.org:3000',
      'https://example.org',
      'http://example.org:3000',
      'https://localhost:3000',
    ].map((origin, index) => ({ name: origin, headers: { origin }, allowed: index === 0 })),
  )
})

t.test('on a local service localhost, 127.0.0.1 and [::1] are the same origin for each port', async t => {
  const service = await startApp(t, { env: { CORS_ORIGINS: 'http://127.0.0.1:5173', REFRESH_GRACE: '600' } })
  const ours = ['localhost', '127.0.0.1', '[::1]'].flatMap(name =>
    [3000, 5173].map(port => `http://${name}:${port}`),
  )
  const foreign = [
    'http://localhost:3001',
    'https://localhost:3000',
    'http://127.0.0.2:3000',
    'http://localhost',
  ]
  const cases = (origins: string[], allowed: boolean) =>
    origins.map(origin => ({ name: origin, headers: { origin }, allowed }))
  await isDecided(t, service, [...cases(ours, true), ...cases(foreign, false)])
  const granted = async (origin: string) =>
    (await service.app.inject({ url: '/me', headers: { origin } })).headers['access-control-allow-origin']
  t.equal(await granted('http://localhost:5173'), 'http://localhost:5173')
  t.equal(await granted('http://localhost:3001'), undefined)
})

t.test('a preflight for cookie mode succeeds for allowed origins only', async t => {
  const { app } = await startApp(t, { env })
  for (const url of ['/login', '/confirm-email', '/token/refresh', '/logout']) {
    for (const origin of [...OURS.slice(1), ...FOREIGN.filter(origin => origin !== '')]) {
      const answer = await app.inject({
        method: 'OPTIONS',
        url,
        headers: {
          origin,
          'access-control-request-method': 'POST',
          'access-control-request-headers': 'content-type',
        },
      })
      const ours = OURS.includes(origin)
      const granted = answer.headers['access-control-allow-origin']
      t.equal(granted, ours ? origin : undefined, `${url} from ${origin}`)
      if (ours) t.equal(answer.headers['access-control-allow-credentials'], 'true', `${url} from ${origin}`)
    }
  }
})

t.test('a refused origin does not spend the link', async t => {
  const { app, smtp } = await startApp(t, { env })
  const password = 'correct horse battery staple'
  await app.inject({ method: 'POST', url: '/register', payload: { email: 'ada@example.org', password } })
  const token = tokenIn((await smtp.waitForMails(1))[0])
  const payload = { token, password, mode }
  const confirm = (origin: string) =>
    app.inject({ method: 'POST', url: '/confirm-email', headers: { origin }, payload })
  isProblemOf(t, await confirm('https://evil.example'), 'origin_not_allowed')
  t.equal((await confirm('https://app.example.org')).statusCode, 200)
})

t.test('a refused refresh or logout does not revoke the session', async t => {
  const service = await startApp(t, { env: { ...env, REFRESH_GRACE: '0' } })
  const { app } = service
  const { email, password } = await confirmedAccount(service)
  const session = await app.inject({ method: 'POST', url: '/login', payload: { email, password, mode } })
  const cookie = showing(cookieIn(session))
  const authorization = `Bearer ${session.json().accessToken}`
  const post = (url: string, headers: Record<string, string>) =>
    app.inject({ method: 'POST', url, headers, payload: { mode } })
  for (const headers of [
    { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' },
    { 'sec-fetch-site': 'same-site', origin: 'https://other.example.org' },
  ]) {
    isProblemOf(t, await post('/token/refresh', { ...headers, ...cookie }), 'origin_not_allowed')
    isProblemOf(t, await post('/logout', { ...headers, authorization }), 'origin_not_allowed')
  }
  const kept = await post('/token/refresh', { 'sec-fetch-site': 'same-origin', ...cookie })
  t.equal(kept.statusCode, 200, 'with no grace: the token was not spent')
})

t.test('without cookie mode the origin does not matter', async t => {
  const service = await startApp(t, { env })
  const { app } = service
  const { email, password } = await confirmedAccount(service)
  const headers = { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }
  const post = (url: string, payload: object | undefined, more: Record<string, string> = {}) =>
    app.inject({ method: 'POST', url, headers: { ...headers, ...more }, ...(payload && { payload }) })
  const session = await post('/login', { email, password })
  t.equal(session.statusCode, 200)
  const { accessToken, refreshToken } = session.json()
  t.equal((await post('/token/refresh', { refreshToken })).statusCode, 200)
  isProblemOf(t, await post('/confirm-email', { token: 'a.b.c', password }), 'token_invalid')
  const authorization = `Bearer ${accessToken}`
  t.equal((await post('/logout', undefined, { authorization })).statusCode, 204)
})
