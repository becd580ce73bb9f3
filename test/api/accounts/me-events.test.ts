import type { LightMyRequestResponse as Response } from 'fastify'
import t from 'tap'
import { v7 as uuidv7 } from 'uuid'
import { EVENT_KINDS } from '../../../src/database/queries/events.ts'
import type { Event, PrismaClient } from '../../../src/generated/sqlite/client.ts'
import { housekeeper } from '../../../src/jobs/housekeeping.ts'
import { bearer, confirmedAccount, post, startApp, testClock, tokenIn } from '../../harness/app.ts'
import { codeIn, otherThan } from '../../harness/mailbox.ts'
import { isProblemOf } from '../../harness/problem.ts'
import { until } from '../../harness/until.ts'

const password = 'correct horse battery staple'
const email = 'ada@example.org'
/** Each pair of user agents counts as two devices. */
const PROGRAMS = ['curl', 'Wget', 'HTTPie', 'Dart', 'Insomnia']
const SYSTEMS = [
  ['Windows NT 10.0', 'Windows'],
  ['X11; Linux x86_64', 'Linux'],
  ['Linux; Android 14', 'Android'],
  ['iPhone; CPU iPhone OS 17_5 like Mac OS X', 'iOS'],
]

const noOrigin = { ip: null, device: null, requestId: null, actor: null, target: null, position: null }

/** Events are written after the response. */
const eventually = (client: PrismaClient, kind: string, count: number) =>
  until(`${count} events ${kind}`, async () => (await client.event.count({ where: { kind } })) === count)

t.test('each cause adds one event with its origin, and events never change', async t => {
  const time = testClock()
  const service = await startApp(t, { overrides: { clock: time.clock } })
  const { app, smtp, rows } = service
  let history: Event[] = []
  let steps = 0
  const all = () => rows.client.event.findMany({ orderBy: { id: 'asc' } })

  /** Sends a request from a separate device and network, and compares its events with `kinds`. */
  async function step(
    kinds: string[],
    request: {
      method?: 'GET' | 'POST' | 'PATCH' | 'DELETE'
      url: string
      payload?: object
      accessToken?: string
    },
    status: number,
  ): Promise<Response> {
    time.advance(20)
    const remoteAddress = `192.0.2.${++steps}`
    const program = PROGRAMS[steps % PROGRAMS.length]
    const [system, name] = SYSTEMS[Math.floor(steps / PROGRAMS.length) % SYSTEMS.length] ?? []
    const device = `${program} on ${name}`
    const { method = 'POST', url, payload, accessToken } = request
    const answer = await app.inject({
      method,
      url,
      headers: { 'user-agent': `${program}/1.0 (${system})`, ...(accessToken && bearer(accessToken)) },
      remoteAddress,
      ...(payload && { payload }),
    })
    t.equal(answer.statusCode, status, `${method} ${url}`)
    await rows.settled()
    if (kinds.includes('log_in_refused')) await eventually(rows.client, 'log_in_refused', 1)
    const now = await all()
    const [user] = await rows.client.user.findMany({ where: { email: { startsWith: 'ada' } } })
    t.strictSame(now.slice(0, history.length), history, `${url}: the past stays as it was`)
    t.strictSame(
      now.slice(history.length).map(({ id: _, at: __, ...event }) => event),
      kinds.map(kind => ({
        ...{ userId: user?.id ?? null, kind },
        ...{ ...noOrigin, ip: remoteAddress, device, requestId: answer.headers['x-request-id'] },
      })),
      `${method} ${url}: ${kinds.join(', ') || 'nothing'}`,
    )
    history = now
    return answer
  }
  const pairOf = (answer: Response): { accessToken: string; refreshToken: string } => answer.json()
  const lastMail = () => smtp.mails.at(-1)

  await step([], { url: '/register', payload: { email, password } }, 202)
  const confirmation = { token: tokenIn(lastMail()), password }
  const first = pairOf(
    await step(['registered', 'confirmed'], { url: '/confirm-email', payload: confirmation }, 200),
  )
  await step([], { url: '/confirm-email', payload: confirmation }, 400)
  await step([], { url: '/register', payload: { email, password } }, 202)
  await step(['log_in_refused'], { url: '/login', payload: { email, password: 'not this one at all' } }, 401)
  await step([], { url: '/login', payload: { email: 'nobody@example.org', password } }, 401)
  const logIn = async (word = password, address = email) =>
    pairOf(await step(['logged_in'], { url: '/login', payload: { email: address, password: word } }, 200))
  const second = await logIn()
  const { refreshToken } = second
  await step([], { url: '/token/refresh', payload: { refreshToken } }, 200)
  await step(['refresh_token_reused'], { url: '/token/refresh', payload: { refreshToken } }, 401)
  await step([], { url: '/token/refresh', payload: { refreshToken } }, 401)
  await step(['session_ended'], { url: '/logout', accessToken: (await logIn()).accessToken }, 204)
  const third = await logIn()
  const listed = await step([], { method: 'GET', url: '/sessions', accessToken: third.accessToken }, 200)
  const id = listed.json().sessions.find(({ current }: { current: boolean }) => current).id
  const { accessToken } = first
  await step(['session_ended'], { method: 'DELETE', url: `/sessions/${id}`, accessToken }, 204)
  await step([], { method: 'DELETE', url: `/sessions/${id}`, accessToken }, 404)
  await logIn()
  await step(['session_ended'], { method: 'DELETE', url: '/sessions', accessToken }, 204)
  await step([], { method: 'PATCH', url: '/me', payload: { locale: 'en' }, accessToken }, 200)
  await step(['exported'], { method: 'GET', url: '/me/export', accessToken }, 200)

  await step(
    [],
    { url: '/password-change/request', payload: { currentPassword: 'not this one' }, accessToken },
    403,
  )
  const { changeToken } = (
    await step(
      [],
      { url: '/password-change/request', payload: { currentPassword: password }, accessToken },
      202,
    )
  ).json()
  const code = codeIn(lastMail())
  const change = { changeToken, code, newPassword: 'the second password of hers' }
  const wrong = { ...change, code: otherThan(code) }
  await step([], { url: '/password-change/confirm', payload: wrong, accessToken }, 400)
  await step(['password_changed'], { url: '/password-change/confirm', payload: change, accessToken }, 204)

  await step(['reset_requested'], { url: '/password-reset/request', payload: { email } }, 202)
  await step([], { url: '/password-reset/request', payload: { email: 'nobody@example.org' } }, 202)
  const reset = { token: tokenIn(lastMail()), newPassword: 'the third password of hers' }
  await step([], { url: '/password-reset/check', payload: { token: reset.token } }, 200)
  await step([], { url: '/password-reset/confirm', payload: { ...reset, newPassword: 'password' } }, 422)
  await step(['password_reset'], { url: '/password-reset/confirm', payload: reset }, 204)

  const fourth = await logIn(reset.newPassword)
  const newEmail = 'ada.lovelace@example.org'
  const asked = { currentPassword: reset.newPassword, newEmail }
  await step([], { url: '/email-change/request', payload: asked, accessToken: fourth.accessToken }, 202)
  const link = tokenIn(smtp.mails.findLast(({ to }) => to.includes(newEmail)))
  const confirm = { token: link, password: reset.newPassword }
  await step(['email_changed'], { url: '/email-change/confirm', payload: confirm }, 204)
  const secure = { token: tokenIn(lastMail()), email }
  await step([], { url: '/account/secure', payload: { ...secure, email: newEmail } }, 400)
  await step(['secured'], { url: '/account/secure', payload: secure }, 204)
  await step([], { url: '/account/secure', payload: secure }, 400)
  const last = { token: tokenIn(lastMail()), newPassword: 'the fourth password of hers' }
  await step(['password_reset'], { url: '/password-reset/confirm', payload: last }, 204)
  const fifth = await logIn(last.newPassword)

  const page = await app.inject({ url: '/me/events?limit=100', headers: bearer(fifth.accessToken) })
  const { events, nextCursor } = page.json()
  t.equal(nextCursor, null)
  t.strictSame(
    events,
    history
      .map(({ id, kind, at, ip, device, requestId }) => ({
        ...{ id, kind, at: at.toISOString(), ip, device, requestId, byOperator: false },
      }))
      .reverse(),
    'the owner sees all of it, newest first',
  )
  t.strictSame(
    [...new Set(history.map(({ kind }) => kind))].sort(),
    EVENT_KINDS.filter(kind => kind !== 'deleted').sort(),
    'every kind occurs',
  )

  const left = await app.inject({
    method: 'DELETE',
    url: '/me',
    headers: bearer(fifth.accessToken),
    payload: { currentPassword: last.newPassword },
  })
  t.equal(left.statusCode, 204)
  // Until then a notice could undo the deletion.
  time.advance(app.config.SECURE_TOKEN_TTL + 60)
  await housekeeper(app, { rest: 0 }).sweep()
  t.strictSame(
    (await all()).map(({ id: _, at: __, ...event }) => event),
    [...history.map(({ kind }) => kind), 'deleted'].map(kind => ({ userId: null, kind, ...noOrigin })),
    'the remaining rows contain no personal data',
  )
})

t.test('a refused login is recorded after the response, and only for an account', async t => {
  const service = await startApp(t)
  const { app, rows } = service
  await confirmedAccount(service, email, password)
  const pending = { email: 'pending@example.org', password }
  await post(app, '/register', pending)
  const before = await rows.client.event.count()
  const { recordInEqualTime } = app.database.events
  let nextPage = () => {}
  app.database.events.recordInEqualTime = async event => {
    await new Promise<void>(resolve => {
      nextPage = resolve
    })
    return recordInEqualTime(event)
  }
  const payload = { email, password: 'not this one at all' }
  isProblemOf(t, await post(app, '/login', payload), 'invalid_credentials')
  t.equal(await rows.client.event.count(), before, 'the response did not wait for it')
  nextPage()
  await eventually(rows.client, 'log_in_refused', 1)
  app.database.events.recordInEqualTime = recordInEqualTime
  for (const address of ['nobody@example.org', pending.email]) {
    const answer = await post(app, '/login', { ...payload, email: address })
    isProblemOf(t, answer, 'invalid_credentials')
  }
  // Closing waits for jobs after responses.
  await app.close()
  t.equal(await rows.client.event.count(), before + 1)
})

t.test('a failure to record a refusal is logged and does not change the response', async t => {
  const service = await startApp(t)
  const { app, log } = service
  await confirmedAccount(service, email, password)
  app.database.events.recordInEqualTime = () => Promise.reject(new Error('the disk is full'))
  const payload = { email, password: 'not this one at all' }
  isProblemOf(t, await post(app, '/login', payload), 'invalid_credentials')
  await app.close()
  t.match(
    log.find(line => (line['err'] as Error | undefined)?.message === 'the disk is full'),
    { level: 50 },
  )
  t.notMatch(JSON.stringify(log), /not this one at all/)
})

t.test('nothing is recorded for an account that was deleted in the meantime', async t => {
  const service = await startApp(t)
  const { app, rows } = service
  await confirmedAccount(service, email, password)
  const { recordInEqualTime } = app.database.events
  app.database.events.recordInEqualTime = async event => {
    await rows.client.user.delete({ where: { email } })
    return recordInEqualTime(event)
  }
  const before = await rows.client.event.count()
  const payload = { email, password: 'not this one at all' }
  isProblemOf(t, await post(app, '/login', payload), 'invalid_credentials')
  await app.close()
  t.equal(await rows.client.user.count(), 0)
  t.equal(await rows.client.event.count(), before, 'no row with an address and a device but no account')
})

/** Two accounts, each with a history of `length` events. */
async function withHistory(t: Parameters<typeof startApp>[0], length: number) {
  const service = await startApp(t)
  const { rows } = service
  const ada = await confirmedAccount(service, email, password)
  const eve = await confirmedAccount(service, 'eve@example.org', password)
  const idOf = async (address: string) =>
    (await rows.client.user.findUniqueOrThrow({ where: { email: address } })).id
  const owners = [await idOf(email), await idOf('eve@example.org')]
  const add = (count: number) =>
    rows.client.event.createMany({
      data: Array.from({ length: count }, () =>
        owners.map(userId => ({ id: uuidv7(), userId, kind: 'logged_in', at: new Date(), ...noOrigin })),
      ).flat(),
    })
  await add(length - 2)
  const history = async (owner = 0) =>
    (
      await rows.client.event.findMany({
        where: { userId: owners[owner] as string },
        orderBy: { id: 'desc' },
      })
    ).map(({ id }) => id)
  const pageOf = (query: string, accessToken = ada.accessToken) =>
    service.app.inject({ url: `/me/events${query}`, headers: bearer(accessToken) })
  return { ...service, rows, ada, eve, add, history, pageOf }
}

const idsOf = (answer: Response): string[] => answer.json().events.map(({ id }: { id: string }) => id)

t.test('pages have no gap and no repetition while events are added', async t => {
  const { add, history, pageOf } = await withHistory(t, 130)
  const begun = await history()
  t.equal(begun.length, 130)
  for (const limit of [undefined, 1, 7, 64, 65, 100]) {
    const size = limit ?? 20
    const expected = await history()
    const seen: string[] = []
    let cursor: string | null = null
    do {
      const query = new URLSearchParams({
        ...(limit && { limit: String(limit) }),
        ...(cursor && { cursor }),
      })
      const answer: Response = await pageOf(`?${query}`)
      t.equal(answer.statusCode, 200)
      const ids = idsOf(answer)
      cursor = answer.json().nextCursor
      if (cursor !== null) t.equal(ids.length, size, 'only the last page may be short')
      t.ok(ids.length > 0, 'and none is empty')
      seen.push(...ids)
      if (seen.length <= 21) await add(1)
    } while (cursor !== null && seen.length <= expected.length)
    t.strictSame(seen, expected, `pages of ${size}`)
  }
})

t.test('the last page has no cursor', async t => {
  const { history, pageOf } = await withHistory(t, 10)
  const whole = await pageOf('?limit=10')
  t.equal(whole.json().nextCursor, null)
  t.strictSame(idsOf(whole), await history())
  const most = await pageOf('?limit=9')
  t.equal(most.json().nextCursor, idsOf(most).at(-1))
  const oldest = (await history()).at(-1)
  t.strictSame((await pageOf(`?cursor=${oldest}`)).json(), { events: [], nextCursor: null })
})

t.test('a cursor of another account reveals nothing', async t => {
  const { eve, history, pageOf } = await withHistory(t, 10)
  const [own, foreign] = [await history(0), await history(1)]
  for (const cursor of [
    ...foreign,
    '00000000-0000-0000-0000-000000000000',
    'ffffffff-ffff-ffff-ffff-ffffffffffff',
  ]) {
    const answer = await pageOf(`?limit=100&cursor=${cursor}`)
    t.strictSame(
      idsOf(answer),
      own.filter(id => id < cursor),
    )
  }
  t.strictSame(idsOf(await pageOf('', eve.accessToken)), foreign)
})

t.test('invalid limits and cursors are refused', async t => {
  const { pageOf, app } = await withHistory(t, 2)
  const bad = [
    '0',
    '101',
    '-1',
    '1.5',
    '1e1',
    '01',
    '+1',
    '%201',
    '0x10',
    '',
    'all',
    '1000',
    '99999999999999999999',
  ]
  for (const limit of bad)
    isProblemOf(t, await pageOf(`?limit=${limit}`), 'validation_failed', `limit ${limit}`)
  for (const [limit, message] of [
    ['0', 'must be at least 1'],
    ['-1', 'must be at least 1'],
    ['101', 'must be at most 100'],
    ['1.5', 'must be an integer'],
  ]) {
    const { errors } = (await pageOf(`?limit=${limit}`)).json()
    t.strictSame(errors, [{ path: '/limit', message }], `limit ${limit}: in words`)
  }
  for (const cursor of [
    '',
    '1',
    'null',
    '*',
    '%00',
    "'%20OR%201=1--",
    `${uuidv7()}x`,
    'a'.repeat(36),
    'a'.repeat(5000),
  ]) {
    isProblemOf(t, await pageOf(`?cursor=${cursor}`), 'validation_failed', `cursor ${cursor.slice(0, 40)}`)
  }
  for (const query of [
    '?limit=1&limit=2',
    `?cursor=${uuidv7()}&cursor=${uuidv7()}`,
    '?limit[]=1',
    '?userId=1',
    '?page=2',
  ]) {
    isProblemOf(t, await pageOf(query), 'validation_failed', query)
  }
  isProblemOf(t, await app.inject({ url: '/me/events' }), 'unauthenticated')
  for (const method of ['POST', 'PUT', 'PATCH', 'DELETE'] as const) {
    isProblemOf(
      t,
      await app.inject({ method, url: '/me/events' }),
      'method_not_allowed',
      'no method changes a history',
    )
  }
})

t.test('a flood of failed logins does not fill the history, and the bound reveals nothing', async t => {
  const { clock, advance } = testClock()
  const overrides = { clock, uptime: () => clock().getTime() }
  const service = await startApp(t, { env: { RATE_LIMIT: 'on' }, overrides })
  const { app, rows } = service
  const owner = await confirmedAccount(service)
  const user = await rows.client.user.findUniqueOrThrow({ where: { email: owner.email } })
  const logIn = (email: string, remoteAddress: string, password: string, device = 'curl/8.5.0') =>
    app.inject({
      method: 'POST',
      url: '/login',
      payload: { email, password },
      headers: { 'user-agent': device },
      remoteAddress,
    })
  const faults: string[] = []
  const guess = async (remoteAddress: string, device?: string) => {
    for (const email of [owner.email, 'nobody@example.org']) {
      const { statusCode } = await logIn(email, remoteAddress, 'a wrong guess', device)
      if (statusCode !== 401) faults.push(`${email} from ${remoteAddress}: ${statusCode}`)
    }
  }
  const recorded = () => rows.client.event.count({ where: { userId: user.id, kind: 'log_in_refused' } })
  const isRecorded = (count: number) =>
    until(`${count} refusals are recorded`, async () => (await recorded()) === count)

  for (const address of ['2001:db8::1', '2001:db8::1', '2001:db8::2']) await guess(address)
  await isRecorded(1)
  await guess('2001:db8::1', 'Wget/1.21')
  await isRecorded(2)
  advance(3600)
  await guess('2001:db8::1')
  await isRecorded(3)
  for (let network = 1; network <= 60; network++) await guess(`192.0.2.${network}`)
  await isRecorded(50)
  advance(86_400)
  await guess('192.0.2.1')
  await isRecorded(51)
  t.equal((await logIn(owner.email, '198.51.100.1', owner.password)).statusCode, 200)
  await app.close()
  t.equal(await recorded(), 51, 'no event is recorded later')
  t.strictSame(faults, [])
  t.equal(await rows.client.event.count({ where: { userId: null } }), 0, 'no history has an event')
})
