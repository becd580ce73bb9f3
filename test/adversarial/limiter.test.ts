// Attempts to bypass the limits: other addresses, other spellings of a path or an email.
import { setTimeout as delay } from 'node:timers/promises'
import type { FastifyInstance, InjectOptions } from 'fastify'
import t, { type Test } from 'tap'
import { addressesIn } from '../../src/http/client-address.ts'
import { confirmedAccount, startApp, tokenIn } from '../harness/app.ts'
import { countHashes } from '../harness/hash-count.ts'
import { isProblemOf } from '../harness/problem.ts'
import { onTheWire, requestText } from '../harness/raw-http.ts'
import { openRows } from '../harness/rows.ts'

const limits = { RATE_LIMIT: 'on' }
const PASSWORD = 'correct horse battery staple'
const NOTHING = { statusCode: 0, headers: {}, body: '' }

interface From {
  remoteAddress?: string
  forwarded?: string
}

/** A login without a body: 400 until it is rate-limited, and no hash. */
function logIn(app: FastifyInstance, { remoteAddress = '10.0.0.1', forwarded }: From) {
  const headers = forwarded === undefined ? {} : { 'x-forwarded-for': forwarded }
  return app.inject({ method: 'POST', url: '/login', remoteAddress, headers })
}

/** Asserts that these requests share one limit: ten logins pass, then none. */
async function isOneClient(t: Test, app: FastifyInstance, clients: From[], name: string) {
  for (let i = 0; i < 10; i++) {
    const { statusCode } = await logIn(app, clients[i % clients.length] as From)
    t.equal(statusCode, 400, `${name}: log in ${i + 1} passes`)
  }
  for (const client of clients) {
    t.equal((await logIn(app, client)).statusCode, 429, `${name}: ${JSON.stringify(client).slice(0, 120)}`)
  }
}

const SPOOFED = [
  '192.0.2.1',
  '127.0.0.1',
  '::1',
  '10.0.0.2',
  '192.0.2.1, 192.0.2.2, 192.0.2.3',
  '192.0.2.1:4321',
  '[2001:db8::1]:80',
  'unknown',
  '',
  ',',
  '<script>alert(1)</script>',
  "' OR 1=1 --",
  '0x7f.1',
  '\u00e4\u00f6',
  'x'.repeat(10_000),
  '192.0.2.9,'.repeat(1000),
]

t.test("without TRUST_PROXY no header changes the client's address", async t => {
  const { app, log } = await startApp(t, { env: limits })
  await isOneClient(
    t,
    app,
    SPOOFED.map(forwarded => ({ forwarded })),
    'X-Forwarded-For',
  )
  const fields = [
    'forwarded',
    'x-real-ip',
    'x-client-ip',
    'true-client-ip',
    'cf-connecting-ip',
    'via',
    'host',
    'x-forwarded-host',
  ]
  for (const field of fields) {
    const headers = { [field]: field === 'forwarded' ? 'for=192.0.2.1' : '192.0.2.1' }
    const request: InjectOptions = { method: 'POST', url: '/login', remoteAddress: '10.0.0.1', headers }
    t.equal((await app.inject(request)).statusCode, 429, field)
  }
  t.strictSame(
    [...new Set(log.filter(line => line['msg'] === 'answered').map(line => line['ip']))],
    ['10.0.0.1'],
  )
})

t.test('behind a trusted proxy the client is the one that the nearest proxy names', async t => {
  const env = { ...limits, TRUST_PROXY: '10.0.0.0/8, 2001:db8:ffff::/48' }
  const { app } = await startApp(t, { env })
  const spellings = [
    '192.0.2.1',
    '192.0.2.1:80',
    '192.0.2.1:61234',
    ' 192.0.2.1\t',
    '::ffff:192.0.2.1',
    '[::ffff:192.0.2.1]:443',
    '::FFFF:C000:0201',
    'x, 192.0.2.1',
    '203.0.113.5, 192.0.2.1',
    '192.0.2.1, 10.1.2.3',
    '192.0.2.1, 10.1.2.3:99, 10.3.2.1',
  ]
  const proxies = ['10.0.0.1', '::ffff:10.0.0.1', '10.200.0.9', '2001:db8:ffff::8']
  const clients = spellings.flatMap(forwarded => proxies.map(remoteAddress => ({ remoteAddress, forwarded })))
  await isOneClient(t, app, clients, 'IPv4')
  const six = [
    '2001:db8::1',
    '2001:db8::2',
    '2001:DB8:0:0:ffff::',
    '[2001:db8::3]',
    '[2001:db8::4]:5678',
    '2001:0db8:0000:0000:0000:0000:0000:0005',
    '2001:db8::6%eth0',
  ]
  await isOneClient(
    t,
    app,
    six.map(forwarded => ({ forwarded })),
    'one /64',
  )
  t.equal(
    (await logIn(app, { forwarded: '192.0.2.2' })).statusCode,
    400,
    'the next address is another client',
  )
  t.equal((await logIn(app, { forwarded: '2001:db8:0:1::1' })).statusCode, 400, 'so is the next /64')
  await isOneClient(
    t,
    app,
    SPOOFED.map(forwarded => ({ remoteAddress: '198.51.100.7', forwarded })),
    'past the proxy',
  )
})

// Regression: 3000 registrations from one /48 got 3000 × 202 and as many emails.
t.test('a /64 for each request of one /48 or /56 does not escape a limit', async t => {
  const service = await startApp(t, { env: { ...limits, RATE_LIMIT_ALL: '1000' } })
  const passed = async (url: string, networks: string[]) => {
    const statuses: number[] = []
    for (const remoteAddress of networks) {
      statuses.push((await service.app.inject({ method: 'POST', url, remoteAddress })).statusCode)
    }
    return statuses.filter(status => status === 400).length
  }
  const of48 = Array.from({ length: 1000 }, (_, i) => `2001:db8:77:${(i * 64).toString(16)}::1`)
  const of56 = Array.from({ length: 200 }, (_, i) => `2001:db8:78:${i.toString(16)}::1`)
  for (const [url, max] of [
    ['/register', 20],
    ['/password-reset/request', 10],
    ['/confirm-email', 10],
    ['/login', 10],
  ] as const) {
    t.equal(await passed(url, of48), 16 * max, `${url} from one /48`)
    t.equal(await passed(url, of56), 4 * max, `${url} from one /56`)
  }
})

t.test('without a valid address from a trusted proxy, requests count for the proxy', async t => {
  const { app, smtp, databaseUrl, log } = await startApp(t, { env: { ...limits, TRUST_PROXY: '10.0.0.1' } })
  const junk = [
    'unknown',
    '_hidden',
    '<script>',
    'x'.repeat(10_000),
    '192.0.2.1:port',
    '192.0.2.256',
    '1.2.3',
    '010.0.0.1',
    '[::1',
    '1',
    '192.0.2.1, unknown',
    `fe80::1%${'z'.repeat(5000)}x y`,
  ]
  await isOneClient(
    t,
    app,
    junk.map(forwarded => ({ forwarded })),
    'junk',
  )
  const { email } = await confirmedAccount({ app, smtp })
  const headers = { 'x-forwarded-for': `fe80::1%${'z'.repeat(5000)}` }
  const login = await app.inject({
    method: 'POST',
    url: '/login',
    remoteAddress: '10.0.0.1',
    headers,
    payload: { email, password: PASSWORD },
  })
  t.equal(login.statusCode, 200)
  const rows = await openRows(t, databaseUrl)
  const ips = [...(await rows.client.session.findMany()), ...(await rows.client.event.findMany())].map(
    ({ ip }) => ip,
  )
  for (const ip of [...ips, ...log.map(line => line['ip'])]) t.ok(String(ip ?? '').length <= 45, 'an address')
  t.ok(ips.includes('fe80::1'), 'without its zone')
})

t.test('the addresses of X-Forwarded-For', async t => {
  const cases: [field: string, addresses: string[]][] = [
    ['', []],
    [',,', []],
    ['192.0.2.1', ['192.0.2.1']],
    ['a, 192.0.2.1', ['192.0.2.1']],
    ['192.0.2.1, a', []],
    ['192.0.2.1, , 192.0.2.2', ['192.0.2.2']],
    ['192.0.2.1:1,[2001:db8::1]:2, 2001:db8::2', ['192.0.2.1', '2001:db8::1', '2001:db8::2']],
    ['192.0.2.1:', []],
    ['2001:db8::1:80', ['2001:db8::1:80']],
  ]
  for (const [field, addresses] of cases) t.strictSame(addressesIn(field), addresses, field)
})

t.test('an IPv4-mapped address counts as its IPv4 address', async t => {
  const { app } = await startApp(t, { env: limits })
  for (let i = 0; i < 10; i++) await logIn(app, { remoteAddress: '::ffff:127.0.0.1' })
  const { exchange } = await onTheWire(app)
  const bytes = requestText('POST /login', { fields: ['Connection: close'] })
  isProblemOf(t, (await exchange(bytes)).answers[0] ?? NOTHING, 'rate_limited')
})

/** Spellings of `/login` that the limiter might treat as another path and the router as the same. */
const SPELLINGS = [
  '/login',
  '/login?',
  '/login?x=1',
  '/login#x',
  '/%6cogin',
  '/%6C%6F%67%69%6E',
  '/l%6fgin?/x',
  'http://localhost/login',
  'https://evil.example/login',
  'http://a:b@evil.example/login?x',
]
const ELSEWHERE = [
  '//login',
  '///login',
  '/login/',
  '/login//',
  '/LOGIN',
  '/Login',
  '/./login',
  '/x/../login',
  '/login/.',
  '/login;x',
  '/login;x=y',
  '/login%00',
  '/login%2f',
  '/login%3fx',
  '/login%20',
  '/%2flogin',
  '/%2e/login',
  '/login.json',
  '/login,',
  '\\login',
  '/%5clogin',
  '/login%ff',
  '/%256cogin',
  '/health/live/../../login',
  '/health/../login',
  '/health/live%2f..%2f..%2flogin',
  'http://localhost//login',
  'http://localhost/health/../login',
]

t.test('no spelling of a path escapes its limit', async t => {
  const { app } = await startApp(t, { env: limits })
  const { exchange } = await onTheWire(app)
  const post = async (target: string, length = '') =>
    (await exchange(`POST ${target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n${length}\r\n`))
      .answers[0] ?? NOTHING
  for (const [i, target] of SPELLINGS.entries()) {
    const answer = await post(target)
    isProblemOf(t, answer, 'validation_failed', target)
    t.equal(
      (answer.headers as Record<string, string>)['ratelimit-remaining'],
      String(9 - i),
      `${target} counts as a login`,
    )
  }
  for (const target of SPELLINGS) isProblemOf(t, await post(target), 'rate_limited', target)
  let left = 100 - 2 * SPELLINGS.length
  for (const target of ELSEWHERE) {
    const answer = await post(target)
    left--
    if (answer.statusCode === 400) isProblemOf(t, answer, 'bad_request', `${target} is no target`)
    else {
      isProblemOf(t, answer, 'not_found', target)
      const { headers } = answer as { headers: Record<string, string> }
      t.equal(headers['ratelimit-remaining'], String(left), `${target} counts among everything`)
    }
    if (answer.statusCode === 400) left++
  }
  while (left-- > 0) await post('/nowhere')
  for (const target of [
    ...SPELLINGS,
    ...ELSEWHERE,
    '/health/',
    '/health/x',
    '/health/live/',
    '/health/live/x',
  ]) {
    const { statusCode } = await post(target)
    t.ok([400, 429].includes(statusCode), `${target}: ${statusCode}, now that everything is used up`)
  }
  for (const probe of ['/health/live', '/health/ready']) {
    const { statusCode } = await app.inject({ url: probe, remoteAddress: '127.0.0.1' })
    t.equal(statusCode, 200, `${probe} is for whoever probes`)
    t.equal((await post(probe)).statusCode, 429, `POST ${probe} is no probe`)
  }
})

t.test('every spelling of an email shares one count of failures', async t => {
  const service = await startApp(t, { env: limits })
  const { app } = service
  await confirmedAccount(service, 'ada@b\u00fccher.example')
  const families = [
    [
      'ada@b\u00fccher.example',
      'ADA@B\u00dcCHER.EXAMPLE',
      'ada@bu\u0308cher.example',
      ' Ada@xn--bcher-kva.example ',
      '\u00a0ada@XN--BCHER-KVA.example\t'.replace('\t', ' '),
    ],
    [
      'nobody@example.org',
      'NOBODY@example.org',
      ' nobody@EXAMPLE.org',
      'NoBody@Example.Org ',
      '\u3000nobody@example.org',
    ],
  ]
  for (const [i, family] of families.entries()) {
    const guess = (email: string) =>
      app.inject({
        method: 'POST',
        url: '/login',
        remoteAddress: `10.5.0.${i}`,
        payload: { email, password: 'wrong wrong' },
      })
    for (const email of family)
      t.equal((await guess(email)).statusCode, 401, `${JSON.stringify(email)} is checked`)
    const hashes = countHashes(t)
    for (const email of family) isProblemOf(t, await guess(email), 'rate_limited', JSON.stringify(email))
    t.equal(hashes(), 0)
  }
})

t.test('every spelling of an email shares one cap', async t => {
  const service = await startApp(t, { env: limits })
  const rows = await openRows(t, service.databaseUrl)
  await confirmedAccount(service, 'ada@b\u00fccher.example')
  await rows.settled()
  const before = service.smtp.mails.length
  const spellings = [
    'ada@b\u00fccher.example',
    'ADA@B\u00dcCHER.example',
    'ada@bu\u0308cher.example',
    ' ada@xn--bcher-kva.example',
  ]
  for (const [i, email] of spellings.entries()) {
    const request = {
      method: 'POST',
      url: '/password-reset/request',
      remoteAddress: `10.6.0.${i}`,
      payload: { email },
    } as const
    t.equal((await service.app.inject(request)).statusCode, 202)
    // Queued requests share one email; later ones get another.
    if (i === 0) await rows.settled()
  }
  const asked = () => rows.client.outbox.findMany({ where: { kind: 'reset_request' } })
  // The next attempt is most of a minute away, and the row is not claimed.
  const decided = (row: Awaited<ReturnType<typeof asked>>[number]) =>
    row.state !== 'queued' || (row.leasedUntil === null && row.nextAttemptAt.getTime() > Date.now() + 20_000)
  for (let waited = 0; waited < 20_000 && !(await asked()).every(decided); waited += 20) await delay(20)
  const outcomes = (await asked()).map(({ state, recipient }) => `${state} to ${recipient}`).sort()
  const canonical = 'ada@xn--bcher-kva.example'
  t.strictSame(
    outcomes,
    ['queued', 'queued', 'queued', 'sent'].map(state => `${state} to ${canonical}`),
  )
  t.equal(service.smtp.mails.length, before + 1, 'one mail')
})

t.test('a limited request costs no hash, email or row', async t => {
  const service = await startApp(t, { env: limits })
  const { app, smtp, databaseUrl } = service
  const rows = await openRows(t, databaseUrl)
  const { email, password, accessToken } = await confirmedAccount(service)
  await app.inject({
    method: 'POST',
    url: '/password-reset/request',
    remoteAddress: '10.9.9.9',
    payload: { email },
  })
  const reset = tokenIn((await smtp.waitForMails(2)).find(({ subject }) => /reset/i.test(subject)))
  await rows.settled()
  const from = '10.7.0.1'
  const headers = { authorization: `Bearer ${accessToken}` }
  const requests: [method: 'POST' | 'DELETE', url: string, payload: object, bearer?: boolean][] = [
    ['POST', '/register', { email: 'new@example.org', password }],
    ['POST', '/confirm-email', { token: reset, password }],
    ['POST', '/invitation/accept', { token: reset, password }],
    ['POST', '/confirm-email/resend', { email }],
    ['POST', '/login', { email, password }],
    ['POST', '/password-reset/request', { email }],
    ['POST', '/password-reset/check', { token: reset }],
    ['POST', '/password-reset/confirm', { token: reset, newPassword: 'a password nobody had' }],
    ['POST', '/email-change/confirm', { token: reset, password }],
    ['POST', '/account/secure', { token: reset, email }],
    ['POST', '/email-change/request', { currentPassword: password, newEmail: 'other@example.org' }, true],
    ['POST', '/password-change/request', { currentPassword: password }, true],
    [
      'POST',
      '/password-change/confirm',
      { changeToken: reset, code: '123456', newPassword: 'a password nobody had' },
      true,
    ],
    ['DELETE', '/me', { currentPassword: password }, true],
  ]
  // Requests that are rejected before they cost anything use up the limit too.
  for (const [url, times] of [
    ['/login', 10],
    ['/register', 20],
    ['/confirm-email/resend', 10],
    ['/confirm-email', 10],
  ] as const) {
    for (let i = 0; i < times; i++) await app.inject({ method: 'POST', url, remoteAddress: from })
  }
  const before = {
    rows: await rows.dump(),
    guesses: await rows.client.guess.findMany(),
    mails: smtp.mails.length,
  }
  const hashes = countHashes(t)
  for (const [method, url, payload, bearer] of requests) {
    const answer = await app.inject({ method, url, remoteAddress: from, payload, ...(bearer && { headers }) })
    isProblemOf(t, answer, 'rate_limited', `${method} ${url}`)
    const unread = { ...(bearer && headers), 'content-type': 'application/json' }
    const broken = await app.inject({ method, url, remoteAddress: from, payload: '{', headers: unread })
    isProblemOf(t, broken, 'rate_limited', `${method} ${url}, before its body is read`)
  }
  t.equal(hashes(), 0, 'no hash')
  await rows.settled()
  const after = {
    rows: await rows.dump(),
    guesses: await rows.client.guess.findMany(),
    mails: smtp.mails.length,
  }
  t.strictSame(after, before, 'no row and no mail')
  const documented = Object.entries(
    ((await app.openapi()).paths ?? {}) as Record<string, Record<string, { requestBody?: object }>>,
  ).flatMap(([path, operations]) =>
    Object.entries(operations ?? {})
      .filter(([, { requestBody }]) => requestBody)
      .map(([method]) => `${method.toUpperCase()} ${path}`),
  )
  const unlimited = documented.filter(name => !requests.some(([method, url]) => name === `${method} ${url}`))
  t.strictSame(
    unlimited,
    ['POST /token/refresh', 'POST /logout', 'PATCH /me'],
    'all except those that cost neither hash nor email',
  )
})

/** The routes of each limit. Requests without a body to the first one use it up. */
const ROUTES_OF = {
  login: ['POST /login', 'POST /email-change/request', 'POST /password-change/request', 'DELETE /me'],
  mail: [
    'POST /confirm-email/resend',
    'POST /password-reset/request',
    'POST /email-change/request',
    'POST /password-change/request',
  ],
  register: ['POST /register'],
  confirm: [
    'POST /confirm-email',
    'POST /invitation/accept',
    'POST /password-reset/check',
    'POST /password-reset/confirm',
    'POST /email-change/confirm',
    'POST /password-change/confirm',
    'POST /account/secure',
  ],
}

t.test('a used-up limit refuses its own routes and no other', async t => {
  const service = await startApp(t, { env: limits })
  const { app } = service
  const headers = { authorization: `Bearer ${(await confirmedAccount(service)).accessToken}` }
  const routes = [...new Set(Object.values(ROUTES_OF).flat())]
  for (const [i, [name, own]] of Object.entries(ROUTES_OF).entries()) {
    const send = (route: string) => {
      const [method, url] = route.split(' ') as ['POST', string]
      return app.inject({ method, url, headers, remoteAddress: `10.8.0.${i}` })
    }
    for (let times = 0; times < (name === 'register' ? 20 : 10); times++) await send(own[0] as string)
    const refused: string[] = []
    for (const route of routes) {
      const { statusCode } = await send(route)
      t.ok([400, 429].includes(statusCode), `${route}: ${statusCode}`)
      if (statusCode === 429) refused.push(route)
    }
    t.strictSame(refused.sort(), own.toSorted(), name)
  }
})
