import t from 'tap'
import { confirmedAccount, resetToken, startApp, testClock } from '../../harness/app.ts'
import { isProblemOf } from '../../harness/problem.ts'
import { openRows } from '../../harness/rows.ts'

const bearer = ({ accessToken }: { accessToken: string }) => ({ authorization: `Bearer ${accessToken}` })

t.test('the export holds everything about the person, and of nobody else', async t => {
  const time = testClock(new Date('2030-01-01T00:00:00Z'))
  const service = await startApp(t, { overrides: { clock: time.clock } })
  const { app, log } = service
  const rows = await openRows(t, service.databaseUrl)
  const ada = await confirmedAccount(service, 'ada@example.org')
  const { email, password } = ada
  const eve = await confirmedAccount(service, 'eve@example.org', 'the words of somebody else')
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
  const link = await resetToken(service, email).catch(() => 'in German')
  await rows.settled()
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

t.test('each export is recorded, and a refused one is not', async t => {
  const service = await startApp(t)
  const { app } = service
  const rows = await openRows(t, service.databaseUrl)
  const ada = await confirmedAccount(service)
  const exported = () => rows.client.event.count({ where: { kind: 'exported' } })
  for (const count of [1, 2]) {
    t.equal((await app.inject({ url: '/me/export', headers: bearer(ada) })).statusCode, 200)
    t.equal(await exported(), count)
  }
  isProblemOf(t, await app.inject({ url: '/me/export' }), 'unauthenticated')
  await app.inject({ method: 'POST', url: '/logout', headers: bearer(ada) })
  isProblemOf(t, await app.inject({ url: '/me/export', headers: bearer(ada) }), 'unauthenticated')
  t.equal(await exported(), 2)
})

t.test('mails about the account that went to other addresses are in it too', async t => {
  const service = await startApp(t)
  const { app } = service
  const rows = await openRows(t, service.databaseUrl)
  const ada = await confirmedAccount(service, 'ada@example.org')
  const payload = { currentPassword: ada.password, newEmail: 'countess@example.org' }
  await app.inject({ method: 'POST', url: '/email-change/request', headers: bearer(ada), payload })
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
