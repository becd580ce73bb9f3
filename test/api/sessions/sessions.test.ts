import { randomUUID } from 'node:crypto'
import t from 'tap'
import { confirmedAccount, startApp, type TestApp, testClock } from '../../harness/app.ts'
import { isProblemOf } from '../../harness/problem.ts'
import { openRows } from '../../harness/rows.ts'

const FIREFOX = 'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0'
const CURL = 'curl/8.5.0'

interface Pair {
  accessToken: string
  refreshToken: string
}

interface PublicSession {
  id: string
  device: string | null
  current: boolean
  ip: string
  lastUsedAt: string
}

const bearer = ({ accessToken }: Pick<Pair, 'accessToken'>) => ({ authorization: `Bearer ${accessToken}` })

async function logIn(
  { app }: Pick<TestApp, 'app'>,
  { email, password }: { email: string; password: string },
  userAgent = CURL,
  remoteAddress = '192.0.2.7',
): Promise<Pair> {
  const answer = await app.inject({
    method: 'POST',
    url: '/login',
    headers: { 'user-agent': userAgent },
    remoteAddress,
    payload: { email, password },
  })
  if (answer.statusCode !== 200) throw new Error(answer.body)
  return answer.json()
}

async function listOf({ app }: Pick<TestApp, 'app'>, pair: Pair): Promise<PublicSession[]> {
  const answer = await app.inject({ url: '/sessions', headers: bearer(pair) })
  if (answer.statusCode !== 200) throw new Error(answer.body)
  return answer.json().sessions
}

t.test('the owner sees each device, most recently used first, without secrets', async t => {
  const time = testClock(new Date('2030-01-01T00:00:00Z'))
  const service = await startApp(t, { overrides: { clock: time.clock } })
  const { app } = service
  const account = await confirmedAccount(service)
  const stranger = await confirmedAccount(service)
  time.advance(60)
  const firefox = await logIn(service, account, FIREFOX, '2001:db8::7')
  time.advance(60)
  const silent = await app.inject({
    method: 'POST',
    url: '/login',
    // `inject` sends a user agent of its own by default.
    headers: { 'user-agent': '' },
    payload: { email: account.email, password: account.password },
  })
  t.equal(silent.statusCode, 200)

  const answer = await app.inject({ url: '/sessions', headers: bearer(firefox) })
  t.equal(answer.statusCode, 200)
  const { sessions, ...rest } = answer.json()
  t.strictSame(rest, {})
  t.strictSame(
    sessions.map(({ id: _, ...session }: PublicSession) => session),
    [
      {
        createdAt: '2030-01-01T00:02:00.000Z',
        lastUsedAt: '2030-01-01T00:02:00.000Z',
        expiresAt: '2030-01-15T00:02:00.000Z',
        ip: '127.0.0.1',
        device: null,
        current: false,
      },
      {
        createdAt: '2030-01-01T00:01:00.000Z',
        lastUsedAt: '2030-01-01T00:01:00.000Z',
        expiresAt: '2030-01-15T00:01:00.000Z',
        ip: '2001:db8::7',
        device: 'Firefox on Linux',
        current: true,
      },
      {
        createdAt: '2030-01-01T00:00:00.000Z',
        lastUsedAt: '2030-01-01T00:00:00.000Z',
        expiresAt: '2030-01-15T00:00:00.000Z',
        ip: '127.0.0.1',
        device: 'Other client',
        current: false,
      },
    ],
  )
  for (const { id } of sessions) t.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-7/)
  const rows = await openRows(t, service.databaseUrl)
  for (const { refreshHash } of await rows.client.session.findMany())
    t.notOk(answer.body.includes(refreshHash))
  t.equal((await listOf(service, stranger)).length, 1, "nobody sees another's")
  isProblemOf(t, await app.inject({ url: '/sessions' }), 'unauthenticated')
})

t.test(
  'a refresh updates the origin and order of a session; a retry in the grace window does not',
  async t => {
    const time = testClock()
    const service = await startApp(t, { overrides: { clock: time.clock } })
    const { app } = service
    const account = await confirmedAccount(service)
    const other = await logIn(service, account, FIREFOX)
    time.advance(60)
    const refresh = (refreshToken: string, userAgent: string, remoteAddress: string) =>
      app.inject({
        method: 'POST',
        url: '/token/refresh',
        headers: { 'user-agent': userAgent },
        remoteAddress,
        payload: { refreshToken },
      })
    t.equal((await refresh(account.refreshToken, CURL, '198.51.100.9')).statusCode, 200)
    const [first, second] = await listOf(service, other)
    t.match(first, {
      device: 'curl',
      ip: '198.51.100.9',
      lastUsedAt: time.clock().toISOString(),
      current: false,
    })
    t.match(second, { device: 'Firefox on Linux', current: true })

    time.advance(5)
    t.equal((await refresh(account.refreshToken, FIREFOX, '203.0.113.5')).statusCode, 200, 'a second tab')
    t.strictSame((await listOf(service, other))[0], first)
  },
)

t.test('an expired session is not listed', async t => {
  const time = testClock()
  const service = await startApp(t, { overrides: { clock: time.clock } })
  const account = await confirmedAccount(service)
  time.advance(14 * 24 * 3600)
  const today = await logIn(service, account)
  t.match(await listOf(service, today), [{ current: true }])
  t.equal((await listOf(service, today)).length, 1)
})

t.test('revokes one session at once, and no other', async t => {
  const service = await startApp(t)
  const { app } = service
  const here = await confirmedAccount(service)
  const lost = await logIn(service, here, FIREFOX)
  const kept = await logIn(service, here)
  const id = (await listOf(service, lost)).find(({ current }) => current)?.id

  const ended = await app.inject({ method: 'DELETE', url: `/sessions/${id}`, headers: bearer(here) })
  t.equal(ended.statusCode, 204)
  t.equal(ended.body, '')
  for (const url of ['/me', '/sessions']) {
    isProblemOf(t, await app.inject({ url, headers: bearer(lost) }), 'unauthenticated')
  }
  const { refreshToken } = lost
  const refreshed = await app.inject({ method: 'POST', url: '/token/refresh', payload: { refreshToken } })
  isProblemOf(t, refreshed, 'refresh_token_invalid')
  for (const pair of [here, kept]) {
    t.equal((await app.inject({ url: '/me', headers: bearer(pair) })).statusCode, 200)
  }
  const again = await app.inject({ method: 'DELETE', url: `/sessions/${id}`, headers: bearer(here) })
  isProblemOf(t, again, 'not_found', 'it is gone')
})

t.test('the current session can be revoked like any other', async t => {
  const service = await startApp(t)
  const { app } = service
  const here = await confirmedAccount(service)
  const other = await logIn(service, here)
  const id = (await listOf(service, here)).find(({ current }) => current)?.id
  const ended = await app.inject({ method: 'DELETE', url: `/sessions/${id}`, headers: bearer(here) })
  t.equal(ended.statusCode, 204)
  isProblemOf(t, await app.inject({ url: '/me', headers: bearer(here) }), 'unauthenticated')
  t.equal((await listOf(service, other)).length, 1)
})

t.test('a session of another account is not found and stays active', async t => {
  const service = await startApp(t)
  const { app } = service
  const rows = await openRows(t, service.databaseUrl)
  const ada = await confirmedAccount(service)
  const eve = await confirmedAccount(service)
  const [session] = await listOf(service, ada)
  const before = await rows.client.event.count()
  const known = await app.inject({ method: 'DELETE', url: `/sessions/${session?.id}`, headers: bearer(eve) })
  const unknown = await app.inject({
    method: 'DELETE',
    url: `/sessions/${randomUUID()}`,
    headers: bearer(eve),
  })
  const strip = ({ requestId: _, ...document }: object & { requestId: string }) => document
  t.strictSame(
    strip(isProblemOf(t, known, 'not_found') as never),
    strip(isProblemOf(t, unknown, 'not_found') as never),
    'indistinguishable from an unknown one',
  )
  t.equal((await app.inject({ url: '/me', headers: bearer(ada) })).statusCode, 200)
  t.equal(await rows.client.event.count(), before, 'and nothing is recorded')
  isProblemOf(t, await app.inject({ method: 'DELETE', url: `/sessions/${session?.id}` }), 'unauthenticated')
})

t.test('an invalid id is refused and revokes nothing', async t => {
  const service = await startApp(t)
  const rows = await openRows(t, service.databaseUrl)
  const here = await confirmedAccount(service)
  const bad = ['', '1', 'null', '%00', '*', '%25', '..%2fme', '%27%20OR%201=1--', `${randomUUID()}x`]
  for (const id of [...bad, 'a'.repeat(36), 'a'.repeat(101), 'a'.repeat(10_000)]) {
    const answer = await service.app.inject({
      method: 'DELETE',
      url: `/sessions/${id}`,
      headers: bearer(here),
    })
    isProblemOf(t, answer, 'validation_failed', id.slice(0, 40))
  }
  t.equal(await rows.client.session.count(), 1)
})

t.test('revokes all other sessions of the account, and none of another account', async t => {
  const service = await startApp(t)
  const { app } = service
  const rows = await openRows(t, service.databaseUrl)
  const stranger = await confirmedAccount(service)
  const here = await confirmedAccount(service)
  const others = [await logIn(service, here), await logIn(service, here, FIREFOX)]
  const events = () => rows.client.event.count({ where: { kind: 'session_ended' } })
  for (const round of [1, 2]) {
    const ended = await app.inject({ method: 'DELETE', url: '/sessions', headers: bearer(here) })
    t.equal(ended.statusCode, 204)
    t.equal(await events(), 1, `round ${round}: where nothing ended, nothing is recorded`)
  }
  for (const pair of others) {
    isProblemOf(t, await app.inject({ url: '/me', headers: bearer(pair) }), 'unauthenticated')
  }
  for (const pair of [here, stranger]) t.equal((await listOf(service, pair)).length, 1)
  isProblemOf(t, await app.inject({ method: 'DELETE', url: '/sessions' }), 'unauthenticated')
})

t.test('the 51st session ends the oldest, also for parallel logins', async t => {
  const time = testClock()
  const service = await startApp(t, {
    env: { HASH_QUEUE_TIMEOUT: '60' },
    overrides: { clock: time.clock },
  })
  const { app } = service
  const rows = await openRows(t, service.databaseUrl)
  const stranger = await confirmedAccount(service)
  const oldest = await confirmedAccount(service)
  time.advance(1)
  const second = await logIn(service, oldest)
  for (let i = 3; i <= 50; i++) {
    time.advance(1)
    await logIn(service, oldest)
  }
  t.equal((await listOf(service, oldest)).length, 50, 'fifty sessions are active')
  const endings = () => rows.client.event.findMany({ where: { kind: 'session_ended' } })
  t.strictSame(await endings(), [])
  time.advance(1)
  const newest = await logIn(service, oldest, FIREFOX, '203.0.113.9')
  const [ending, ...others] = await endings()
  t.match(
    ending,
    { at: time.clock(), ip: '203.0.113.9', device: 'Firefox on Linux', requestId: String },
    'the history contains it, with the login that caused it',
  )
  t.strictSame(others, [])
  t.equal((await listOf(service, newest)).length, 50)
  isProblemOf(t, await app.inject({ url: '/me', headers: bearer(oldest) }), 'unauthenticated')
  t.equal((await app.inject({ url: '/me', headers: bearer(second) })).statusCode, 200)

  time.advance(1)
  const many = await Promise.all(Array.from({ length: 20 }, () => logIn(service, oldest)))
  t.equal((await listOf(service, many[0] as Pair)).length, 50)
  for (const pair of [newest, ...many]) {
    t.equal((await app.inject({ url: '/me', headers: bearer(pair) })).statusCode, 200, 'the newest live')
  }
  t.equal((await app.inject({ url: '/me', headers: bearer(stranger) })).statusCode, 200)
  t.equal(await rows.client.session.count(), 51, "of the stranger's account none ended")
  t.equal((await endings()).length, 21, 'one revoked for each new one')
})

t.test('an expired session makes room without an event in the history', async t => {
  const service = await startApp(t)
  const rows = await openRows(t, service.databaseUrl)
  const account = await confirmedAccount(service)
  const session = await rows.client.session.findFirstOrThrow()
  const past = { createdAt: new Date(0), refreshedAt: new Date(0), expiresAt: new Date(1) }
  const over = Array.from({ length: 50 }, (_, i) => ({
    ...session,
    ...past,
    id: randomUUID(),
    refreshHash: `hash ${i}`,
  }))
  await rows.client.session.createMany({ data: over })
  await logIn(service, account)
  t.equal(await rows.client.session.count(), 50, 'two are gone')
  t.equal((await listOf(service, account)).length, 2)
  t.equal(await rows.client.event.count({ where: { kind: 'session_ended' } }), 0)
})

t.test('of 20 parallel revocations of a session one succeeds', async t => {
  const service = await startApp(t)
  const rows = await openRows(t, service.databaseUrl)
  const here = await confirmedAccount(service)
  const lost = await logIn(service, here)
  const id = (await listOf(service, lost)).find(({ current }) => current)?.id
  const answers = await Promise.all(
    Array.from({ length: 20 }, () =>
      service.app.inject({ method: 'DELETE', url: `/sessions/${id}`, headers: bearer(here) }),
    ),
  )
  t.equal(answers.filter(({ statusCode }) => statusCode === 204).length, 1)
  t.equal(answers.filter(({ statusCode }) => statusCode === 404).length, 19)
  t.equal(await rows.client.event.count({ where: { kind: 'session_ended' } }), 1)
  t.equal(await rows.client.session.count(), 1)
})
