/** @latchkey/client against the service: staying logged in. */
import t from 'tap'
import { memoryStorage } from '../../../client/src/index.ts'
import { confirmedAccount, startApp, testClock } from '../../harness/app.ts'
import { until } from '../../harness/until.ts'
import { clientBy, refusal, wireTo } from './wire.ts'

const MODES = ['cookie', 'token'] as const

for (const mode of MODES) {
  t.test(`${mode} mode: logs in, reads, keeps the session across a reload, and logs out`, async t => {
    const service = await startApp(t)
    const { email, password } = await confirmedAccount(service)
    const wire = wireTo(service.app)
    const storage = memoryStorage()
    const options = mode === 'cookie' ? { mode } : { mode, storage }
    const client = clientBy(wire, options)
    const states: string[] = []
    const ends: string[] = []
    client.subscribe(() => states.push(client.getState().status))
    client.onSessionEnd(reason => ends.push(reason))

    t.match(await client.login({ email, password: 'not this one' }), {
      ok: false,
      problem: { code: 'invalid_credentials', status: 401 },
    })
    t.match(await client.login({ email, password }), { ok: true, data: { status: 'logged_in' } })
    const me = await client.me()
    t.match(me, { ok: true, data: { email } })
    t.equal(client.getState().userId, me.ok && me.data.id, 'the state names the account')
    t.equal(client.getState(), client.getState(), 'the state is the same object until it changes')

    const reloaded = clientBy(wire, options)
    t.strictSame(reloaded.getState(), { status: 'unknown' })
    t.match(await reloaded.restore(), { status: 'logged_in' })
    t.match(
      await reloaded.sessions(),
      { ok: true, data: { sessions: [{ current: true }] } },
      'the same session',
    )

    t.strictSame(await reloaded.logout(), { ok: true, data: undefined })
    t.strictSame(await reloaded.logout(), { ok: true, data: undefined }, 'a second call does nothing')
    wire.sent.length = 0
    t.match(await client.me(), { ok: false, problem: { code: 'unauthenticated' } })
    t.match(await client.me(), { ok: false, problem: { code: 'unauthenticated' } })
    t.strictSame(
      wire.sent,
      mode === 'cookie' ? ['GET /me', 'POST /token/refresh'] : ['GET /me'],
      'retries once',
    )
    t.strictSame(states, ['logged_in', 'logged_out'])
    t.strictSame(ends, ['revoked'], 'the other client notices at its next request')
    t.match(await clientBy(wire, options).restore(), { status: 'logged_out' }, 'after another reload too')
  })

  t.test(`${mode} mode: 50 parallel calls with an expired token make one refresh`, async t => {
    const time = testClock()
    const service = await startApp(t, { env: { REFRESH_GRACE: '0' }, overrides: { clock: time.clock } })
    const { email, password } = await confirmedAccount(service)
    const wire = wireTo(service.app)
    const client = clientBy(wire, { mode })
    await client.login({ email, password })
    for (const round of [1, 2]) {
      time.advance(1000)
      wire.sent.length = 0
      const results = await Promise.all(Array.from({ length: 50 }, () => client.me()))
      t.equal(results.filter(({ ok }) => ok).length, 50, `round ${round}`)
      t.equal(
        wire.sent.filter(line => line === 'GET /me').length,
        100,
        'each is refused once and retried once',
      )
      t.equal(wire.sent.filter(line => line === 'POST /token/refresh').length, 1)
    }
  })

  t.test(`${mode} mode: recovers from a lost response to a refresh within the grace window`, async t => {
    const time = testClock()
    const service = await startApp(t, { overrides: { clock: time.clock } })
    const { email, password } = await confirmedAccount(service)
    const wire = wireTo(service.app)
    const client = clientBy(wire, { mode })
    await client.login({ email, password })
    for (const lost of [1, 2]) {
      time.advance(1000)
      wire.sent.length = 0
      let left = lost
      wire.failure = ({ url }) => (url.endsWith('/token/refresh') && left-- > 0 ? 'response lost' : undefined)
      t.match(await client.me(), { ok: true, data: { email } }, `${lost} lost`)
      t.equal(wire.sent.filter(line => line === 'POST /token/refresh').length, lost + 1)
    }
    wire.failure = () => undefined
    time.advance(1000)
    t.match(await client.me(), { ok: true }, 'and the session stays active')
  })

  t.test(`${mode} mode: being offline does not log out`, async t => {
    const time = testClock()
    const service = await startApp(t, { overrides: { clock: time.clock } })
    const { email, password } = await confirmedAccount(service)
    const wire = wireTo(service.app)
    const client = clientBy(wire, { mode })
    await client.login({ email, password })
    time.advance(1000)
    wire.failure = () => 'never sent'
    t.match(await client.me(), { ok: false, problem: { code: 'network', status: 0 } })
    wire.failure = ({ url }) => (url.endsWith('/token/refresh') ? 'never sent' : undefined)
    t.match(await client.me(), { ok: false, problem: { code: 'network' } })
    t.equal(
      await client.accessToken().then(token => typeof token),
      'string',
      'by its own clock it is still valid',
    )
    for (const [status, code] of [
      [429, 'rate_limited'],
      [503, 'overloaded'],
      [500, 'internal_error'],
    ] as const) {
      wire.failure = ({ url }) => (url.endsWith('/token/refresh') ? refusal(status, code, 90) : undefined)
      t.match(await client.me(), { ok: false, problem: { code, status, retryAfter: 90 } }, code)
    }
    wire.failure = ({ url }) =>
      url.endsWith('/token/refresh') ? new Response('<p>Welcome to our hotel', { status: 200 }) : undefined
    t.match(await client.me(), { ok: false, problem: { code: 'unexpected_response' } })
    t.match(client.getState(), { status: 'logged_in' })
    wire.failure = () => undefined
    t.match(await client.me(), { ok: true, data: { email } })
  })
}

t.test("an access token that has expired by the client's clock is refreshed before a call", async t => {
  const service = await startApp(t, { env: { ACCESS_TOKEN_TTL: '60' } })
  const { email, password } = await confirmedAccount(service)
  const wire = wireTo(service.app)
  const client = clientBy(wire)
  await client.login({ email, password })
  const now = Date.now
  t.teardown(() => {
    Date.now = now
  })
  Date.now = () => now() + 61_000
  wire.sent.length = 0
  t.match(await client.me(), { ok: true })
  t.strictSame(wire.sent, ['POST /token/refresh', 'GET /me'])
})

t.test('logout works with an expired access token, and offline it changes nothing', async t => {
  const time = testClock()
  const service = await startApp(t, { overrides: { clock: time.clock } })
  const { email, password } = await confirmedAccount(service)
  const wire = wireTo(service.app)
  const client = clientBy(wire)
  const ends: string[] = []
  client.onSessionEnd(reason => ends.push(reason))
  await client.login({ email, password })
  time.advance(1000)
  wire.failure = () => 'never sent'
  t.match(await client.logout(), { ok: false, problem: { code: 'network' } })
  t.match(client.getState(), { status: 'logged_in' })
  wire.failure = () => undefined
  wire.sent.length = 0
  t.match(await client.logout(), { ok: true })
  t.strictSame(wire.sent, ['POST /logout'])
  t.strictSame(ends, ['logged_out'])
})

t.test('a refresh whose response comes after a log out does not bring the session back', async t => {
  const service = await startApp(t)
  const { email, password } = await confirmedAccount(service)
  const wire = wireTo(service.app)
  let arrive = () => {}
  const arrival = new Promise<void>(resolve => {
    arrive = resolve
  })
  let refreshed: Promise<Response> | undefined
  const fetch = (request: Request) => {
    const answer = wire.fetch(request)
    if (!request.url.endsWith('/token/refresh')) return answer
    refreshed = answer
    return arrival.then(() => answer)
  }
  const client = clientBy({ ...wire, fetch })
  await client.login({ email, password })
  const refreshing = client.refresh()
  await until('it was sent', () => refreshed !== undefined)
  await refreshed
  t.match(await client.logout(), { ok: true })
  arrive()
  t.match(await refreshing, { ok: false, problem: { code: 'unauthenticated' } })
  t.match(client.getState(), { status: 'logged_out' })
  t.equal(await client.accessToken(), undefined)
})

t.test('a session that ended elsewhere is told once, with the reason', async t => {
  const service = await startApp(t)
  const { email, password } = await confirmedAccount(service)
  const open = async () => {
    const client = clientBy(wireTo(service.app))
    const ends: string[] = []
    client.onSessionEnd(reason => ends.push(reason))
    t.match(await client.login({ email, password }), { ok: true })
    return { client, ends }
  }
  const here = await open()
  const there = await open()
  t.match(await there.client.endOtherSessions(), { ok: true })
  const results = await Promise.all([here.client.me(), here.client.sessions(), here.client.me()])
  for (const result of results) t.match(result, { ok: false, problem: { code: 'unauthenticated' } })
  t.strictSame(here.ends, ['revoked'])
  t.match(here.client.getState(), { status: 'logged_out' })
  t.match(await there.client.deleteMe({ currentPassword: password }), { ok: true })
  t.strictSame(there.ends, ['account_deleted'])
})

t.test('a login in a browser that keeps no cookie fails, and the session is revoked', async t => {
  const service = await startApp(t)
  const { email, password } = await confirmedAccount(service)
  const wire = wireTo(service.app)
  wire.keepsCookies = false
  const client = clientBy(wire, { mode: 'cookie' })
  t.match(await client.login({ email, password }), { ok: false, problem: { code: 'cookie_refused' } })
  t.strictSame(wire.sent, ['POST /login', 'POST /token/refresh', 'POST /logout'])
  t.strictSame(client.getState(), { status: 'unknown' })
  const other = clientBy(wireTo(service.app))
  await other.login({ email, password })
  const sessions = await other.sessions()
  t.equal(
    sessions.ok && sessions.data.sessions.filter(({ current }) => !current).length,
    1,
    'that of the confirmation',
  )
})

t.test('a failing storage does not log out', async t => {
  const service = await startApp(t)
  const { email, password } = await confirmedAccount(service)
  const inner = memoryStorage()
  let broken = false
  const check = <T>(done: T): T => {
    if (broken) throw new Error('the key chain is locked')
    return done
  }
  const storage = {
    get: async () => check(inner.get()),
    set: async (token: string) => check(broken ? undefined : inner.set(token)),
    remove: async () => check(broken ? undefined : inner.remove()),
  }
  const client = clientBy(wireTo(service.app), { storage })
  t.match(await client.login({ email, password }), { ok: true })
  broken = true
  t.match(await client.refresh(), { ok: false, problem: { code: 'storage' } })
  t.match(client.getState(), { status: 'logged_in' })
  t.match(await client.me(), { ok: true })
  broken = false
  t.match(await client.refresh(), { ok: true })
  const token = await inner.get()
  t.type(token, 'string')
  broken = true
  t.match(await client.logout(), { ok: true })
})

t.test('a refresh is repeated with back-off and jitter, within the grace window', async t => {
  const service = await startApp(t)
  const { email, password } = await confirmedAccount(service)
  const wire = wireTo(service.app)
  const clients = await Promise.all(
    Array.from({ length: 8 }, async () => {
      const client = clientBy(wire)
      await client.login({ email, password })
      return client
    }),
  )
  wire.failure = ({ url }) => (url.endsWith('/token/refresh') ? 'never sent' : undefined)
  const { setTimeout } = globalThis
  const pauses: number[] = []
  t.teardown(() => Object.assign(globalThis, { setTimeout }))
  Object.assign(globalThis, {
    setTimeout: (callback: () => void, milliseconds = 0) => {
      // Shorter than a timeout.
      if (milliseconds > 100 && milliseconds < 2000) pauses.push(milliseconds)
      return setTimeout(callback, milliseconds)
    },
  })
  for (const result of await Promise.all(clients.map(client => client.refresh()))) {
    t.match(result, { ok: false, problem: { code: 'network' } })
  }
  Object.assign(globalThis, { setTimeout })
  t.equal(pauses.length, 16, 'two a client')
  const [first, second] = [pauses.slice(0, 8), pauses.slice(8)]
  t.ok(
    first.every(pause => pause >= 225 && pause <= 375),
    'about 300 ms',
    { first },
  )
  t.ok(
    second.every(pause => pause >= 450 && pause <= 750),
    'then about 600 ms',
    { second },
  )
  t.ok(new Set(pauses).size > 8, 'clients that failed together do not retry together', { pauses })
})
