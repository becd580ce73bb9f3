/** Contents and verification of access tokens; forged ones are in test/adversarial/forged-access-tokens.test.ts. */
import { generateKeyPairSync } from 'node:crypto'
import t from 'tap'
import { confirmedAccount, startApp, type TestApp, testClock, testEnvironment } from '../../harness/app.ts'
import { openRows } from '../../harness/rows.ts'
import { claimsOf } from '../../unit/tokens/forge.ts'
import { releaseBefore } from './release-before.ts'

const UUID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/
const pem = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({
  type: 'pkcs8',
  format: 'pem',
}) as string

const headerOf = (token: string) =>
  JSON.parse(Buffer.from(token.split('.', 1)[0] ?? '', 'base64url').toString())
const ask = ({ app }: TestApp, token: string) =>
  app.inject({ url: '/me', headers: { authorization: `Bearer ${token}` } })
const post = ({ app }: TestApp, url: string, payload: object) => app.inject({ method: 'POST', url, payload })

t.test('a token has the header and the claims of RFC 9068', async t => {
  const time = testClock(new Date('2030-01-01T00:00:00.700Z'))
  const service = await startApp(t, { overrides: { clock: time.clock } })
  const { email, password, accessToken, refreshToken } = await confirmedAccount(service)
  const { id } = (await ask(service, accessToken)).json()
  const { keys } = (await service.app.inject('/.well-known/jwks.json')).json()
  t.strictSame(headerOf(accessToken), { alg: 'ES256', typ: 'at+jwt', kid: keys[0].kid })
  const began = Date.parse('2030-01-01') / 1000
  const claims = claimsOf(accessToken)
  t.match(claims, { jti: UUID, sid: UUID })
  t.strictSame(claims, {
    ...{ iss: 'http://localhost:3000', aud: 'http://localhost:3000', sub: id, client_id: 'latchkey' },
    ...{ iat: began, exp: began + 900, jti: claims['jti'], sid: claims['sid'], auth_time: began },
  })

  time.advance(3600)
  const refreshed = claimsOf((await post(service, '/token/refresh', { refreshToken })).json().accessToken)
  t.match(refreshed, { iat: began + 3600, auth_time: began, sid: claims['sid'] }, 'a refresh is not a login')
  t.not(refreshed['jti'], claims['jti'])
  const again = claimsOf((await post(service, '/login', { email, password })).json().accessToken)
  t.match(again, { iat: began + 3600, auth_time: began + 3600 })
  t.not(again['sid'], claims['sid'])
})

t.test('audience and client id come from the configuration', async t => {
  const env = {
    ACCESS_TOKEN_AUDIENCE: 'urn:example:api',
    ACCESS_TOKEN_CLIENT_ID: 'shop',
    ACCESS_TOKEN_TTL: '60',
  }
  const service = await startApp(t, { env })
  const { accessToken } = await confirmedAccount(service)
  const claims = claimsOf(accessToken)
  t.match(claims, { iss: 'http://localhost:3000', aud: 'urn:example:api', client_id: 'shop' })
  t.equal(Number(claims['exp']) - Number(claims['iat']), 60)
  t.equal((await ask(service, accessToken)).statusCode, 200)
})

t.test('ACCESS_TOKEN_EMAIL puts the current email into the token', async t => {
  const service = await startApp(t, { env: { ACCESS_TOKEN_EMAIL: 'on' } })
  const rows = await openRows(t, service.databaseUrl)
  const { email, password, accessToken, refreshToken } = await confirmedAccount(service)
  t.match(claimsOf(accessToken), { email, email_verified: true }, 'of a confirmation')
  const login = (await post(service, '/login', { email, password })).json()
  t.match(claimsOf(login.accessToken), { email, email_verified: true }, 'of a login')
  t.equal((await ask(service, login.accessToken)).statusCode, 200)
  const moved = `moved-${email}`
  await rows.client.user.update({ where: { email }, data: { email: moved } })
  const refreshed = (await post(service, '/token/refresh', { refreshToken })).json()
  t.match(claimsOf(refreshed.accessToken), { email: moved, email_verified: true }, 'of a refresh')
  const repeated = (await post(service, '/token/refresh', { refreshToken })).json()
  t.match(claimsOf(repeated.accessToken), { email: moved }, 'of a refresh that is repeated')

  const small = await startApp(t, { env: { ACCESS_TOKEN_EMAIL: 'on', EMAIL_CONFIRMATION: 'off' } })
  const unproved = { email: 'ada@example.org', password: 'correct horse battery staple' }
  await post(small, '/register', unproved)
  const first = (await post(small, '/login', unproved)).json()
  t.match(claimsOf(first.accessToken), { email: unproved.email, email_verified: false })
})

t.test('claims of the account are added to those of the token and never replace them', async t => {
  const service = await startApp(t)
  const { access } = service.app.tokens
  const session = { id: crypto.randomUUID(), userId: crypto.randomUUID(), createdAt: new Date() }
  const planted = {
    iss: 'x',
    aud: 'x',
    sub: 'x',
    client_id: 'x',
    iat: 1,
    exp: 9e9,
    jti: 'x',
    sid: 'x',
    auth_time: 1,
  }
  const roles = { roles: ['editor'], 'https://example.org/plan': 'gold' }
  const token = access.mint(session, { ...planted, ...roles })
  const claims = claimsOf(token)
  t.match(claims, { ...roles, sub: session.userId, sid: session.id, iss: 'http://localhost:3000' })
  t.strictSame(
    Object.keys(planted).filter(name => claims[name] === planted[name as keyof typeof planted]),
    [],
  )
  const { claims: verified, ...who } = access.verify(token)
  t.strictSame(who, { sessionId: session.id, userId: session.userId })
  t.match(verified, { sid: session.id, sub: session.userId })
})

t.test('a cached token expires by the clock of the service, and with its session', async t => {
  const time = testClock()
  const service = await startApp(t, { overrides: { clock: time.clock } })
  const [first, second] = [await confirmedAccount(service), await confirmedAccount(service)]
  for (let i = 0; i < 3; i++) t.equal((await ask(service, first.accessToken)).statusCode, 200)
  time.advance(899)
  t.equal((await ask(service, first.accessToken)).statusCode, 200)
  time.advance(1)
  t.equal((await ask(service, first.accessToken)).statusCode, 401, 'from its exp on')
  time.advance(-60)
  t.equal((await ask(service, first.accessToken)).statusCode, 200, 'only the time makes it invalid')

  t.equal((await ask(service, second.accessToken)).statusCode, 200)
  const headers = { authorization: `Bearer ${second.accessToken}` }
  t.equal((await service.app.inject({ method: 'POST', url: '/logout', headers })).statusCode, 204)
  t.equal((await ask(service, second.accessToken)).statusCode, 401)
})

t.test('no two tokens share a cache entry', async t => {
  const service = await startApp(t)
  const accounts = [await confirmedAccount(service), await confirmedAccount(service)]
  for (let round = 0; round < 2; round++) {
    for (const { email, accessToken } of accounts) {
      t.equal((await ask(service, accessToken)).json().email, email)
      const [header, body] = accessToken.split('.')
      const signature = accounts.find(other => other.email !== email)?.accessToken.split('.')[2]
      t.equal(
        (await ask(service, `${header}.${body}.${signature}`)).statusCode,
        401,
        'the signature of another',
      )
    }
  }
})

t.test('a configured key signs, and keys are swapped without refusing a token', async t => {
  const { databaseUrl, smtp } = await startApp(t, { overrides: { housekeeping: {} } })
  const tokens: string[] = []
  // As in docs/deploy.md: publish the new key, sign with it, and drop the old one when its last token has expired.
  for (const env of [
    {},
    { ACCESS_TOKEN_PRIVATE_KEY_PREVIOUS: pem },
    { ACCESS_TOKEN_PRIVATE_KEY: pem, ACCESS_TOKEN_PRIVATE_KEY_PREVIOUS: 'derived' },
    { ACCESS_TOKEN_PRIVATE_KEY: pem },
  ]) {
    const service = await startApp(t, { databaseUrl, smtp, env })
    tokens.push((await confirmedAccount(service)).accessToken)
    const kid = headerOf(tokens.at(-1) ?? '').kid
    t.equal(kid, (await service.app.inject('/.well-known/jwks.json')).json().keys[0].kid)
    // All except those of the derived key.
    const statuses = await Promise.all(tokens.map(async token => (await ask(service, token)).statusCode))
    t.strictSame(statuses, tokens.length < 4 ? tokens.map(() => 200) : [401, 401, 200, 200])
    await service.app.close()
  }
})

/** Minted by a build of commit 6b91267, the release before ES256. */
const RELEASE_BEFORE = {
  secret: 'a signing secret of thirty-two bytes',
  token:
    'eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIwMWEyMjY0My0xNGMxLTczYzUtOWY0My1kOWE0Mjc0M2Q4NzciLCJzaWQiOiIwMWEyMjY0My0yNzMwLTczYjAtOTFiNS1kYTljZjUzZTg5MzMiLCJpc3MiOiJsYXRjaGtleSIsImF1ZCI6ImFjY2VzcyIsImlhdCI6MTc5NTkzODI2NSwiZXhwIjoxNzk1OTM5MTY1fQ.A_hy-pzJrIoDKm-SQYBN9KQ0M8OG7iTDYKIUtHlcC2o',
}

t.test('a token that the release before minted is good until it expires', async t => {
  const { secret, token } = RELEASE_BEFORE
  const { sub, sid, iat } = claimsOf(token) as { sub: string; sid: string; iat: number }
  const mintedAt = new Date(iat * 1000)
  t.equal(releaseBefore(secret).mint({ sub, sid }, mintedAt), token, 'the harness mints the same')
  for (const ACCESS_TOKEN_ALG of ['ES256', 'HS256']) {
    const time = testClock(mintedAt)
    const env = { JWT_SECRET: secret, ACCESS_TOKEN_ALG }
    const service = await startApp(t, { env, overrides: { clock: time.clock } })
    const rows = await openRows(t, service.databaseUrl)
    const { email } = await confirmedAccount(service)
    await rows.client.user.update({ where: { email }, data: { id: sub } })
    await rows.client.session.updateMany({ data: { id: sid } })
    t.equal((await ask(service, token)).json().email, email, ACCESS_TOKEN_ALG)
    time.advance(899)
    t.equal((await ask(service, token)).statusCode, 200, `${ACCESS_TOKEN_ALG}: in its last second`)
    time.advance(1)
    t.equal((await ask(service, token)).statusCode, 401, `${ACCESS_TOKEN_ALG}: from its exp on`)
    time.advance(-900)
    const session = { id: sid, userId: sub, createdAt: mintedAt }
    t.equal(
      service.app.tokens.access.mint(session) === token,
      ACCESS_TOKEN_ALG === 'HS256',
      'HS256 mints the same',
    )
  }
})

t.test('a rolling upgrade by way of HS256 refuses no token', async t => {
  const before = releaseBefore(testEnvironment.JWT_SECRET)
  const { databaseUrl, smtp } = await startApp(t, { overrides: { housekeeping: {} } })
  const first = await startApp(t, { databaseUrl, smtp, env: { ACCESS_TOKEN_ALG: 'HS256' } })
  const account = await confirmedAccount(first)
  t.strictSame(headerOf(account.accessToken), { alg: 'HS256', typ: 'JWT' })
  t.strictSame(Object.keys(claimsOf(account.accessToken)).sort(), ['aud', 'exp', 'iat', 'iss', 'sid', 'sub'])
  t.ok(before.accepts(account.accessToken), 'step 1: the previous release accepts tokens of the new one')
  const { sub, sid } = claimsOf(account.accessToken) as { sub: string; sid: string }
  const old = before.mint({ sub, sid })
  t.equal((await ask(first, old)).statusCode, 200, 'and the other way')
  await first.app.close()

  const second = await startApp(t, { databaseUrl, smtp })
  t.equal((await ask(second, old)).statusCode, 200, 'step 2: HS256 tokens are valid until they expire')
  t.equal((await ask(second, account.accessToken)).statusCode, 200)
  const refreshed = (await post(second, '/token/refresh', { refreshToken: account.refreshToken })).json()
  t.equal(headerOf(refreshed.accessToken).alg, 'ES256')
  t.notOk(before.accepts(refreshed.accessToken), 'which is why step 1 comes first')
  await second.app.close()

  const back = await startApp(t, { databaseUrl, smtp, env: { ACCESS_TOKEN_ALG: 'HS256' } })
  t.equal(
    (await ask(back, refreshed.accessToken)).statusCode,
    200,
    'an instance with the old setting accepts both',
  )
  const gone = before.mint({ sub, sid }, new Date(Date.now() - 900_000))
  t.equal((await ask(back, gone)).statusCode, 401, 'an old token that has expired')
  await back.app.close()
})
