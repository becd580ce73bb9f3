import { randomInt } from 'node:crypto'
import type { FastifyInstance, InjectOptions } from 'fastify'
import t, { type Test } from 'tap'
import { confirmedAccount, startApp, testClock } from '../../harness/app.ts'
import { countHashes } from '../../harness/hash-count.ts'
import { isProblemOf } from '../../harness/problem.ts'
import { onTheWire, requestText } from '../../harness/raw-http.ts'
import { openRows } from '../../harness/rows.ts'
import { until } from '../../harness/until.ts'

const shared = process.env['TEST_REDIS_URL'] || undefined
if (shared === undefined && process.env['TEST_REQUIRE_ALL']) {
  throw new Error('with TEST_REQUIRE_ALL set, TEST_REDIS_URL must be')
}

const stores: { store: string; env: Record<string, string>; skip: string | false }[] = [
  { store: 'memory', env: {}, skip: false },
  {
    store: 'Redis',
    env: { REDIS_URL: shared ?? '' },
    skip: shared === undefined && 'TEST_REDIS_URL is not set',
  },
]

/** An address that no other test or earlier run has used, because a shared Redis keeps counts. */
const client = () => `10.${randomInt(256)}.${randomInt(256)}.${randomInt(256)}`

/** Sends the same request `count` times, one after the other. */
async function send(app: FastifyInstance, times: number, request: InjectOptions) {
  const answers = []
  for (let i = 0; i < times; i++) answers.push(await app.inject(request))
  return answers
}

const post = (url: string, remoteAddress: string, payload: object = {}): InjectOptions => ({
  method: 'POST',
  url,
  remoteAddress,
  payload,
})

function isLimited(
  t: Test,
  answer: Awaited<ReturnType<FastifyInstance['inject']>>,
  max: number,
  seconds: number,
) {
  isProblemOf(t, answer, 'rate_limited')
  const retryAfter = Number(answer.headers['retry-after'])
  t.ok(retryAfter > seconds / 2 && retryAfter <= seconds, `Retry-After of a fresh ${seconds} s window`, {
    retryAfter,
  })
  t.match(answer.headers, {
    'ratelimit-limit': String(max),
    'ratelimit-remaining': '0',
    'ratelimit-reset': String(retryAfter),
  })
}

for (const { store, env, skip } of stores) {
  t.test(`limits counted in ${store}`, { skip }, async t => {
    const { app, smtp, databaseUrl } = await startApp(t, { env: { ...env, RATE_LIMIT: 'on' } })
    const rows = await openRows(t, databaseUrl)

    const limits: { what: string; urls: string[]; max: number; seconds: number }[] = [
      { what: 'log in: 10 in 3 minutes', urls: ['/login'], max: 10, seconds: 180 },
      { what: 'registration: 20 an hour', urls: ['/register'], max: 20, seconds: 3600 },
      {
        what: 'requests for emails: 10 an hour, resets and resends together',
        urls: ['/password-reset/request', '/confirm-email/resend'],
        max: 10,
        seconds: 3600,
      },
      {
        what: 'confirmations: 10 in 3 minutes, of whatever kind',
        urls: ['/confirm-email', '/password-reset/check', '/password-reset/confirm'],
        max: 10,
        seconds: 180,
      },
    ]
    for (const { what, urls, max, seconds } of limits) {
      t.test(what, async t => {
        const from = client()
        for (let i = 0; i < max; i++) {
          const answer = await app.inject(post(urls[i % urls.length] as string, from))
          t.equal(answer.statusCode, 400, `request ${i + 1} comes through to the check of its body`)
          t.equal(answer.headers['ratelimit-limit'], String(max))
          t.equal(answer.headers['ratelimit-remaining'], String(max - 1 - i))
          t.equal(answer.headers['retry-after'], undefined)
        }
        for (const url of urls) isLimited(t, await app.inject(post(url, from)), max, seconds)
        t.equal(
          (await app.inject(post(urls[0] as string, client()))).statusCode,
          400,
          'others are not affected',
        )
        t.equal((await app.inject({ url: '/me', remoteAddress: from })).statusCode, 401, 'nor is the rest')
      })
    }

    t.test('all requests: 100 a minute, with 404s and without health probes', async t => {
      const from = client()
      const urls = ['/nowhere', '/me', '/docs', '/openapi.json', '/%ZZ', '/%ff?x=%', '/login']
      for (let i = 0; i < 99; i++) {
        const { statusCode } = await app.inject({ url: urls[i % 7] as string, remoteAddress: from })
        if (statusCode === 429) t.fail(`request ${i + 1} was limited`)
      }
      const last = await app.inject({ url: '/nowhere', remoteAddress: from })
      t.equal(last.statusCode, 404)
      t.equal(last.headers['ratelimit-remaining'], '0')
      for (const url of urls) isLimited(t, await app.inject({ url, remoteAddress: from }), 100, 60)
      for (const url of ['/health/live', '/health/ready']) {
        const answer = await app.inject({ url, remoteAddress: from })
        t.equal(answer.statusCode, 200, url)
        t.equal(answer.headers['ratelimit-limit'], undefined)
      }
      for (const url of ['/health', '/healthy', '/health/../login', '//health/live']) {
        t.equal((await app.inject({ url, remoteAddress: from })).statusCode, 429, `${url} is not a probe`)
      }
    })

    t.test('IPv6 counts by /64, and an IPv4-mapped address as the IPv4 address', async t => {
      const net = `2001:db8:${randomInt(65536).toString(16)}:${randomInt(65536).toString(16)}`
      for (let i = 1; i <= 10; i++) await app.inject(post('/login', `${net}::${i.toString(16)}`))
      isLimited(t, await app.inject(post('/login', `${net}:ffff:ffff:ffff:ffff`)), 10, 180)
      const next = `2001:db9:${randomInt(65536).toString(16)}::1`
      t.equal((await app.inject(post('/login', next))).statusCode, 400, 'another /64 is another client')

      const from = client()
      for (let i = 0; i < 10; i++) await app.inject(post('/login', i % 2 ? from : `::ffff:${from}`))
      isLimited(t, await app.inject(post('/login', from)), 10, 180)
      isLimited(t, await app.inject(post('/login', `::ffff:${from}`)), 10, 180)
    })

    t.test('a /56 counts with four times the limit of a /64, a /48 with sixteen times', async t => {
      const isRefusedBy = async (url: string, from: string, max: number, network: string) => {
        const refused = await app.inject(post(url, from))
        isLimited(t, refused, max, 180)
        t.match(refused.json().detail, new RegExp(`in 3 minutes from ${network}\\.`))
      }
      for (const url of ['/login', '/confirm-email']) {
        const net = `2001:${randomInt(65536).toString(16)}:${randomInt(65536).toString(16)}`
        const ip = (of56: number, of64: number) => `${net}:${(of56 * 256 + of64).toString(16)}::1`
        const passes = async (from: string) => {
          for (const { statusCode } of await send(app, 10, post(url, from))) t.equal(statusCode, 400, from)
        }
        await passes(ip(0, 1))
        // Otherwise one client would use up the limits of its neighbours.
        for (let i = 0; i < 50; i++) await app.inject(post(url, ip(0, 1)))
        await isRefusedBy(url, ip(0, 1), 10, 'one network')
        for (const of64 of [2, 3, 4]) await passes(ip(0, of64))
        for (let i = 0; i < 50; i++) await app.inject(post(url, ip(0, 5 + i)))
        await isRefusedBy(url, ip(0, 100), 40, 'one IPv6 /56')
        for (let of64 = 0; of64 < 12; of64++) await passes(ip(1 + of64, of64))
        await isRefusedBy(url, ip(100, 100), 160, 'one IPv6 /48')
        const next = await app.inject(post(url, `2001:db8:${randomInt(65536).toString(16)}::1`))
        t.equal(next.statusCode, 400, 'another /48 is not affected')
        t.equal(next.headers['ratelimit-remaining'], '9', 'the nearest limit is that of the /64')
      }
    })

    t.test('another spelling of a path has no limit of its own', async t => {
      const from = client()
      await send(app, 10, post('/login', from))
      for (const url of ['/login', '/login?x=1', '/login#x', '/%6cogin', '/login?']) {
        t.equal((await app.inject(post(url, from))).statusCode, 429, url)
      }
      for (const url of ['//login', '/login/', '/LOGIN', '/./login', '/login;x', '/login%2f']) {
        const answer = await app.inject(post(url, from, { email: 'a@example.org', password: 'x' }))
        t.ok(
          [404, 429].includes(answer.statusCode),
          `${url} leads nowhere, or to the same bucket: ${answer.statusCode}`,
        )
      }
    })

    t.test('a limited request costs no hash, email or row, for known and unknown emails', async t => {
      const { email, password } = await confirmedAccount({ app, smtp })
      const from = client()
      await send(app, 10, post('/login', from))
      await send(app, 20, post('/register', from))
      await send(app, 10, post('/password-reset/request', from))
      const before = { rows: await rows.dump(), mails: smtp.mails.length }
      const hashes = countHashes(t)
      const bodies = []
      for (const address of [email, 'nobody@example.org']) {
        for (const url of ['/login', '/register', '/password-reset/request', '/confirm-email/resend']) {
          const payload = /login|register/.test(url) ? { email: address, password } : { email: address }
          const answer = await app.inject(post(url, from, payload))
          const problem = isProblemOf(t, answer, 'rate_limited', `${url} for ${address}`)
          const { requestId, detail, ...rest } = problem
          // Rounded up to a second, which may pass between two requests.
          const body = { ...rest, detail: String(detail).replace(/:\d\dZ\.$/, '') }
          bodies.push({ url, body, headers: Object.keys(answer.headers).sort() })
        }
      }
      t.strictSame(bodies.slice(0, 4), bodies.slice(4), 'equal for a known and an unknown address')
      t.equal(hashes(), 0)
      t.strictSame({ rows: await rows.dump(), mails: smtp.mails.length }, before)
    })
  })
}

t.test('registrations: 100 a day', async t => {
  let uptime = 0
  const { app } = await startApp(t, { env: { RATE_LIMIT: 'on' }, overrides: { uptime: () => uptime } })
  const from = client()
  for (let hour = 0; hour < 5; hour++) {
    for (const { statusCode } of await send(app, 20, post('/register', from))) t.equal(statusCode, 400)
    uptime += 3_600_000
  }
  const answer = await app.inject(post('/register', from))
  t.match(
    isProblemOf(t, answer, 'rate_limited').detail,
    /^At most 100 registrations a day from one network\./,
  )
  t.equal(answer.headers['retry-after'], String(19 * 3600))
})

t.test('successful logins do not count, and refused ones do', async t => {
  const { clock, advance } = testClock(new Date('2026-03-01T10:00:00.000Z'))
  const overrides = { clock, uptime: () => clock().getTime() }
  const world = await startApp(t, { env: { RATE_LIMIT: 'on', RATE_LIMIT_ALL: '1000' }, overrides })
  const { app } = world
  const { email, password } = await confirmedAccount(world)
  const from = client()
  const logIn = (word: string, as = email) => app.inject(post('/login', from, { email: as, password: word }))
  for (let i = 0; i < 30; i++) t.equal((await logIn(password)).statusCode, 200)
  for (let i = 0; i < 10; i++) t.equal((await logIn('wrong', `nobody-${i}@example.org`)).statusCode, 401)
  const refused = await logIn(password)
  t.match(
    isProblemOf(t, refused, 'rate_limited').detail,
    'At most 10 refused logins or password checks in 3 minutes from one network. Try again at 2026-03-01T10:03:00Z.',
  )
  advance(180)
  t.equal((await logIn(password)).statusCode, 200)
  // Parallel guesses count before their outcome is known.
  const parallel = await Promise.all(
    Array.from({ length: 30 }, (_, i) => logIn('wrong', `other-${i}@example.org`)),
  )
  t.equal(parallel.filter(({ statusCode }) => statusCode === 401).length, 10)
})

// Regression: a success counted as refused until its response had ended, and one behind an unread response never ends.
t.test('a login whose response is not read counts by its outcome', async t => {
  const world = await startApp(t, { env: { RATE_LIMIT: 'on', RATE_LIMIT_ALL: '1000' } })
  const { app, log } = world
  const { email, password } = await confirmedAccount(world)
  const { open } = await onTheWire(app)
  const socket = await open()
  t.teardown(() => socket.destroy())
  socket.pause()
  const logIn = (word: string) => {
    const body = JSON.stringify({ email, password: word })
    const fields = ['Content-Type: application/json', `Content-Length: ${body.length}`]
    return requestText('POST /login', { fields, body })
  }
  // Larger than the socket buffers of the kernel.
  const unread = requestText('GET /docs/static/swagger-ui-bundle.js').repeat(8)
  socket.write(unread + logIn(password).repeat(4) + logIn('a wrong password').repeat(2))
  const outcomes = () =>
    log.filter(({ event, path }) => path === '/login' && /^authn_login_/.test(String(event))).length
  await until('the logins are done', () => outcomes() === 6)
  t.notOk(
    log.some(({ msg, path }) => msg === 'answered' && path === '/login'),
    'their responses have not ended',
  )
  const next = await app.inject(post('/login', '127.0.0.1'))
  t.equal(next.headers['ratelimit-remaining'], '7', 'two refused logins, and this one')
})

t.test('variables set the limits, and development allows ten times as much', async t => {
  const limitOf = async (env: Record<string, string>, url: string, payload: object = {}) => {
    const { app } = await startApp(t, { env: { RATE_LIMIT: 'on', ...env } })
    return (await app.inject(post(url, client(), payload))).headers['ratelimit-limit']
  }
  const of = { RATE_LIMIT_LOGIN: '7', RATE_LIMIT_REGISTER: '3', RATE_LIMIT_MAIL: '4', RATE_LIMIT_ALL: '50' }
  const { app } = await startApp(t, { env: { RATE_LIMIT: 'on', NODE_ENV: 'development', ...of } })
  const limit = async (url: string) => (await app.inject(post(url, client()))).headers['ratelimit-limit']
  t.equal(await limit('/login'), '7')
  t.equal(await limit('/register'), '3')
  t.equal(await limit('/password-reset/request'), '4')
  t.equal(await limit('/nowhere'), '50')
  t.equal(await limitOf({ NODE_ENV: 'development' }, '/login'), '100')
})

t.test('warns once an hour of a proxy that TRUST_PROXY does not name', async t => {
  for (const [env, reason] of [
    [{}, /TRUST_PROXY is not set/],
    [{ TRUST_PROXY: '10.9.0.1' }, /TRUST_PROXY does not name that address/],
  ] as const) {
    let uptime = 0
    const { app, log } = await startApp(t, { env, overrides: { uptime: () => uptime } })
    const ask = (remoteAddress: string, by: string) =>
      app.inject({ url: '/health/live', remoteAddress, headers: { 'x-forwarded-for': by } })
    const warnings = () => log.filter(({ level, msg }) => level === 40 && reason.test(String(msg)))
    await app.inject('/health/live')
    await ask('10.9.0.2', 'unknown')
    t.equal(warnings().length, 0, 'nothing without an address')
    for (let i = 0; i < 3; i++) await ask('10.9.0.2', '192.0.2.1')
    t.match(warnings(), [{ peer: '10.9.0.2' }])
    uptime += 3_600_000
    await ask('10.9.0.2', '192.0.2.1')
    t.equal(warnings().length, 2)
    if (!('TRUST_PROXY' in env)) continue
    uptime += 3_600_000
    await ask('10.9.0.1', '192.0.2.1')
    t.equal(warnings().length, 2, 'a proxy that it names is fine')
  }
})

t.test('X-Forwarded-For counts only from a trusted proxy', async t => {
  const forwarded = (remoteAddress: string, by: string): InjectOptions => ({
    ...post('/login', remoteAddress),
    headers: { 'x-forwarded-for': by },
  })
  const untrusting = (await startApp(t, { env: { RATE_LIMIT: 'on' } })).app
  for (let i = 0; i < 10; i++) await untrusting.inject(forwarded('10.1.1.1', `192.0.2.${i}`))
  isLimited(t, await untrusting.inject(forwarded('10.1.1.1', '192.0.2.99')), 10, 180)

  const { app, log } = await startApp(t, { env: { RATE_LIMIT: 'on', TRUST_PROXY: '10.9.0.0/16, 10.8.0.1' } })
  for (let i = 0; i < 10; i++) await app.inject(forwarded(i % 2 ? '10.9.3.4' : '10.8.0.1', '192.0.2.1'))
  isLimited(t, await app.inject(forwarded('10.9.3.4', '192.0.2.1')), 10, 180)
  t.equal(
    (await app.inject(forwarded('10.9.3.4', '192.0.2.2'))).statusCode,
    400,
    'clients behind it count separately',
  )
  t.equal(log.at(-1)?.['ip'], '192.0.2.2', 'the log names the client')
  isLimited(t, await app.inject(forwarded('10.9.3.4', '203.0.113.7, 192.0.2.1')), 10, 180)
  for (let i = 0; i < 10; i++) await app.inject(forwarded('10.7.0.1', `192.0.2.${100 + i}`))
  isLimited(t, await app.inject(forwarded('10.7.0.1', '192.0.2.200')), 10, 180)
})

t.test('RATE_LIMIT=off removes every limit', async t => {
  const { app } = await startApp(t)
  for (const url of ['/login', '/register', '/password-reset/request', '/confirm-email', '/nowhere']) {
    const answers = await send(app, 130, post(url, '10.2.2.2'))
    t.notOk(
      answers.some(({ statusCode }) => statusCode === 429),
      url,
    )
    t.equal(answers[0]?.headers['ratelimit-limit'], undefined)
  }
})

t.test('files of the pages have a limit of their own', async t => {
  const { app } = await startApp(t, { env: { RATE_LIMIT: 'on' } })
  const remoteAddress = client()
  const page = await app.inject({ url: '/app/login', remoteAddress })
  const file = /app\/assets\/[^"]+\.css/.exec(page.body)?.[0]
  const asked = await send(app, 1000, { url: `/${file}`, remoteAddress })
  t.ok(asked.every(({ statusCode }) => statusCode === 200))
  isLimited(t, await app.inject({ url: `/${file}`, remoteAddress }), 1000, 60)
  t.equal((await app.inject({ url: '/app/login', remoteAddress })).headers['ratelimit-remaining'], '98')
  const nowhere = await app.inject({ url: '/app/nowhere.css', remoteAddress })
  t.equal(nowhere.headers['ratelimit-remaining'], '97', 'other paths count for the general limit')
})
