import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { bearer, confirmedAccount, post, startApp, testClock, tokenIn } from '../../harness/app.ts'
import { isProblemOf } from '../../harness/problem.ts'
import { until } from '../../harness/until.ts'

t.test('the export contains all data of the account and of nobody else', async t => {
  const time = testClock(new Date('2030-01-01T00:00:00Z'))
  const service = await startApp(t, { overrides: { clock: time.clock } })
  const { app, log, rows } = service
  const ada = await confirmedAccount(service, 'ada@example.org')
  const { email, password } = ada
  const eve = await confirmedAccount(service, 'eve@example.org', 'the words of another person')
  time.advance(60)
  const eves = { email: eve.email, password: eve.password }
  await app.inject({
    method: 'POST',
    url: '/login',
    payload: eves,
    headers: { 'user-agent': 'HTTPie/3.2.2' },
    remoteAddress: '198.51.100.66',
  })
  const login = await app.inject({
    method: 'POST',
    url: '/login',
    payload: { email, password },
    headers: { 'user-agent': 'curl/8.5.0' },
    remoteAddress: '192.0.2.7',
  })
  await app.inject({ method: 'PATCH', url: '/me', headers: bearer(ada), payload: { locale: 'de-at' } })
  await rows.settled()
  await post(app, '/password-reset/request', { email })
  await rows.settled()
  // In German, like every email from now on.
  const link = tokenIn(service.smtp.mails.at(-1))
  time.advance(60)

  const answer = await app.inject({ url: '/me/export', headers: bearer(login.json()) })
  t.equal(answer.statusCode, 200)
  t.equal(answer.headers['cache-control'], 'no-store')
  t.match(answer.headers['content-disposition'], /^attachment; filename="[\w.]+\.json"$/)
  t.match(answer.headers['content-type'], /^application\/json/)
  const { account, sessions, events, mails, ...rest } = answer.json()
  t.strictSame(rest, {
    exportedAt: '2030-01-01T00:02:00.000Z',
    lastLoginAt: '2030-01-01T00:01:00.000Z',
    securedAt: null,
    notices: [{ recipient: email, expiresAt: '2030-01-08T00:01:00.000Z' }],
    familiarNetworks: [
      { network: '127.0.0.1', expiresAt: '2030-04-01T00:00:00.000Z' },
      { network: '192.0.2.7', expiresAt: '2030-04-01T00:01:00.000Z' },
    ],
  })
  const me = (await app.inject({ url: '/me', headers: bearer(ada) })).json()
  t.strictSame(account, me)
  t.equal(account.locale, 'de-AT')
  const listed = (await app.inject({ url: '/sessions', headers: bearer(login.json()) })).json()
  t.strictSame(sessions, listed.sessions)
  t.equal(sessions.length, 2)
  const page = (await app.inject({ url: '/me/events?limit=100', headers: bearer(ada) })).json()
  t.strictSame(events, page.events.reverse(), 'the whole history, the export itself included')
  t.match(events.at(-1), { kind: 'exported', requestId: answer.headers['x-request-id'] })
  t.strictSame(
    mails.map(({ kind, recipient, state }: Record<string, string>) => [kind, recipient, state]),
    ['registration', 'new_device', 'reset_request'].map(kind => [kind, email, 'sent']),
  )

  const dump = await rows.dump()
  const secrets = [
    ...(dump.users as { passwordHash: string }[]).map(({ passwordHash }) => passwordHash),
    ...(dump.sessions as { refreshHash: string }[]).map(({ refreshHash }) => refreshHash),
    ...[ada, eve, login.json()].flatMap(({ accessToken, refreshToken }) => [accessToken, refreshToken]),
    ...[password, eve.password, link],
  ]
  for (const secret of secrets) t.notOk(answer.body.includes(secret))
  t.notMatch(answer.body, /argon2|eyJ|[hH]ash|challenge/)
  t.notMatch(answer.body, /eve@|198\.51\.100\.66|HTTPie/, "nothing of the other's")
  const stranger = await rows.client.user.findUniqueOrThrow({ where: { email: eve.email } })
  t.notOk(answer.body.includes(stranger.id))
  t.notMatch(JSON.stringify(log), /content-disposition|exportedAt/, 'and it is not in the log')
})

t.test('an export is recorded once an hour per device and IP address; a refused one never', async t => {
  const time = testClock()
  const service = await startApp(t, { env: { ACCESS_TOKEN_TTL: '7200' }, overrides: { clock: time.clock } })
  const { app, rows } = service
  const ada = await confirmedAccount(service)
  const [curl, wget, home, elsewhere] = ['curl/8.5.0', 'Wget/1.21', '192.0.2.7', '198.51.100.66']
  const exported = () => rows.client.event.count({ where: { kind: 'exported' } })
  const table: [seconds: number, remoteAddress: string, agent: string, recorded: number][] = [
    [0, home, curl, 1],
    [1, home, curl, 1],
    [0, elsewhere, curl, 2],
    [0, home, wget, 3],
    [0, home, '', 4],
    [0, home, '', 4],
    [3598, home, curl, 4],
    [1, home, curl, 5],
  ]
  for (const [seconds, remoteAddress, agent, recorded] of table) {
    time.advance(seconds)
    const headers = { ...bearer(ada), 'user-agent': agent }
    t.equal((await app.inject({ url: '/me/export', remoteAddress, headers })).statusCode, 200)
    t.equal(await exported(), recorded, `after ${seconds} s, ${remoteAddress} ${agent}`)
  }
  isProblemOf(t, await app.inject({ url: '/me/export' }), 'unauthenticated')
  await app.inject({ method: 'POST', url: '/logout', headers: bearer(ada) })
  isProblemOf(t, await app.inject({ url: '/me/export', headers: bearer(ada) }), 'unauthenticated')
  t.equal(await exported(), 5)
})

t.test('an account is exported at most five times an hour, from any network', async t => {
  const service = await startApp(t, { env: { RATE_LIMIT: 'on' } })
  const { app, rows } = service
  const [ada, eve] = [await confirmedAccount(service), await confirmedAccount(service)]
  const exportOf = (account: { accessToken: string }, n: number, method: 'GET' | 'HEAD' = 'GET') =>
    app.inject({ method, url: '/me/export', remoteAddress: `192.0.2.${n}`, headers: bearer(account) })
  for (const n of [1, 2, 3]) t.equal((await exportOf(ada, n)).statusCode, 200)
  t.equal((await exportOf(ada, 4, 'HEAD')).statusCode, 200)
  t.equal((await exportOf(ada, 5)).headers['ratelimit-remaining'], '0')
  for (const n of [6, 7]) {
    const refused = await exportOf(ada, n)
    isProblemOf(t, refused, 'rate_limited')
    t.ok(Number(refused.headers['retry-after']) > 3500)
  }
  t.equal((await exportOf(eve, 6)).statusCode, 200, 'another account has its own limit')
  t.equal((await app.inject({ url: '/me', headers: bearer(ada) })).statusCode, 200, 'nothing else is limited')
  t.equal(await rows.client.event.count({ where: { kind: 'exported' } }), 6, 'a refused one is not recorded')
})

t.test('an endless export stops when its client disconnects', async t => {
  const service = await startApp(t)
  const { app, log } = service
  const ada = await confirmedAccount(service)
  const { next } = app.database.events
  t.teardown(() => Object.assign(app.database.events, { next }))
  const reads: number[] = []
  const facts = { ip: null, device: null, requestId: null, actor: null }
  const event = { id: 'x', userId: null, kind: 'logged_in', at: new Date(), ...facts }
  app.database.events.next = async (_userId, _after, _upTo, limit) => {
    reads.push(limit)
    return Array.from({ length: limit }, () => event)
  }
  const address = await app.listen({ host: '127.0.0.1', port: 0 })
  const giveUp = new AbortController()
  const response = await fetch(`${address}/me/export`, { headers: bearer(ada), signal: giveUp.signal })
  await response.body?.getReader().read()
  await until('the history is being read', () => reads.length > 0)
  giveUp.abort()
  await until('nothing is read any more', async () => {
    const sofar = reads.length
    await delay(20)
    return reads.length === sofar
  })
  t.ok(reads.length < 100, `${reads.length} pages`)
  t.strictSame([...new Set(reads)], [500])
  const lines = () => log.filter(line => line['msg'] === 'answered' && line['path'] === '/me/export')
  await until('it is logged', () => lines().length > 0)
  t.match(lines(), [{ level: 30, status: 200, complete: false }])
  t.notOk(
    log.some(({ level }) => Number(level) >= 40),
    'and logs no alert',
  )

  const failures: [Error & { code?: string }, object, RegExp][] = [
    [
      new Error('Connection terminated unexpectedly'),
      { code: 'overloaded', complete: false },
      /the database cannot be used/,
    ],
    [new TypeError('a bug'), { code: 'internal_error', complete: false }, /went wrong|internal|bug/i],
  ]
  for (const [error, line, cause] of failures) {
    const before = log.length
    app.database.events.next = () => Promise.reject(error)
    const whole = fetch(`${address}/me/export`, { headers: bearer(ada) }).then(cut => cut.text())
    await t.rejects(whole, `${error.message}: the client sees that the document is not whole`)
    await until('it is logged', () => log.slice(before).some(({ msg }) => msg === 'answered'))
    const said = log.slice(before).filter(({ level }) => Number(level) >= 30)
    t.match(
      said.filter(({ msg }) => msg === 'answered'),
      [line],
      error.message,
    )
    t.match(
      said.filter(({ level }) => level === 50).map(({ msg }) => msg),
      [cause],
      `${error.message}: its cause`,
    )
  }
})

t.test('the export contains emails about the account to other addresses', async t => {
  const service = await startApp(t)
  const { app, rows } = service
  const ada = await confirmedAccount(service, 'ada@example.org')
  const payload = { currentPassword: ada.password, newEmail: 'countess@example.org' }
  await post(app, '/email-change/request', payload, bearer(ada))
  await rows.settled()
  const { mails } = (await app.inject({ url: '/me/export', headers: bearer(ada) })).json()
  t.strictSame(
    mails.map(({ kind, recipient }: Record<string, string>) => [kind, recipient]).sort(),
    [
      ['registration', 'ada@example.org'],
      ['email_change', 'countess@example.org'],
      ['email_change_requested', 'ada@example.org'],
    ].sort(),
  )
})
