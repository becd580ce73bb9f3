import t from 'tap'
import { confirmedAccount, startApp, testClock } from '../../harness/app.ts'
import { isProblemOf } from '../../harness/problem.ts'
import { openRows } from '../../harness/rows.ts'

t.test('anything but the access token of an active session is a 401 with WWW-Authenticate', async t => {
  const world = await startApp(t)
  const { app } = world
  const { accessToken, refreshToken } = await confirmedAccount(world)
  const fields: Record<string, string | undefined> = {
    'no header field': undefined,
    'an empty one': '',
    'the scheme alone': 'Bearer',
    'the scheme and a space': 'Bearer ',
    'no scheme': accessToken,
    'another scheme': `Basic ${accessToken}`,
    'Token scheme': `Token ${accessToken}`,
    'two tokens': `Bearer ${accessToken} ${accessToken}`,
    'two schemes': `Bearer Bearer ${accessToken}`,
    'two credentials': `Bearer ${accessToken}, Bearer ${accessToken}`,
    'a tab': `Bearer\t${accessToken}`,
    'a quoted token': `Bearer "${accessToken}"`,
    'a token without signature': `Bearer ${accessToken.split('.').slice(0, 2).join('.')}.`,
    'a changed token': `Bearer ${accessToken.slice(0, -4)}AAAA`,
    'a refresh token': `Bearer ${refreshToken}`,
    'too long a token': `Bearer ${accessToken}${'a'.repeat(4096)}`,
  }
  for (const [name, authorization] of Object.entries(fields)) {
    for (const [method, url] of [
      ['GET', '/me'],
      ['POST', '/logout'],
    ] as const) {
      const headers = authorization === undefined ? {} : { authorization }
      const answer = await app.inject({ method, url, headers })
      isProblemOf(t, answer, 'unauthenticated', `${name}, ${url}`)
      const challenge = /^bearer +[^ ]/i.test(authorization ?? '') ? 'Bearer error="invalid_token"' : 'Bearer'
      t.equal(answer.headers['www-authenticate'], challenge, name)
    }
  }
  const elsewhere = [
    { url: `/me?access_token=${accessToken}` },
    { url: '/me', headers: { cookie: `accessToken=${accessToken}` } },
    { url: '/me', headers: { 'x-access-token': accessToken } },
  ]
  for (const request of elsewhere)
    t.equal((await app.inject(request)).statusCode, 401, 'only Authorization counts')

  for (const authorization of [`Bearer ${accessToken}`, `bearer ${accessToken}`, `BEARER   ${accessToken}`]) {
    const answer = await app.inject({ url: '/me', headers: { authorization } })
    t.equal(answer.statusCode, 200, 'the scheme is case-insensitive, and the session is still alive')
    t.equal(answer.headers['www-authenticate'], undefined)
  }
})

t.test('an access token is valid only while its session and account are active', async t => {
  const { clock, advance } = testClock()
  const world = await startApp(t, { env: { ACCESS_TOKEN_TTL: '31536000' }, overrides: { clock } })
  const { app, databaseUrl } = world
  const rows = await openRows(t, databaseUrl)
  const me = async (accessToken: string) =>
    (await app.inject({ url: '/me', headers: { authorization: `Bearer ${accessToken}` } })).statusCode
  const [ended, disabled, deleted, other, expired] = [
    await confirmedAccount(world),
    await confirmedAccount(world),
    await confirmedAccount(world),
    await confirmedAccount(world),
    await confirmedAccount(world),
  ]
  for (const account of [ended, disabled, deleted, other, expired])
    t.equal(await me(account.accessToken), 200)

  await rows.client.session.deleteMany({ where: { user: { email: ended.email } } })
  t.equal(await me(ended.accessToken), 401, 'the session is gone')
  await rows.disable(disabled.email)
  t.equal(await me(disabled.accessToken), 401, 'the account is disabled')
  await rows.client.user.delete({ where: { email: deleted.email } })
  t.equal(await me(deleted.accessToken), 401, 'the account is deleted')

  const stranger = await rows.client.user.findUniqueOrThrow({ where: { email: ended.email } })
  const session = await rows.client.session.findFirstOrThrow({ where: { user: { email: other.email } } })
  const mixed = app.tokens.access.mint({ ...session, userId: stranger.id })
  t.equal(await me(mixed), 401, "a token that names somebody else's session")
  t.equal(await me(other.accessToken), 200)

  advance(1_209_600 - 1)
  t.equal(await me(expired.accessToken), 200)
  advance(1)
  t.equal(await me(expired.accessToken), 401, 'the session has been idle for too long')
})
