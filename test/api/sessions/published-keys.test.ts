import { createLocalJWKSet, createRemoteJWKSet, type JSONWebKeySet, jwtVerify } from 'jose'
import t from 'tap'
import { confirmedAccount, startApp, testEnvironment } from '../../harness/app.ts'

const KEYS = '/.well-known/jwks.json'
const METADATA = '/.well-known/oauth-authorization-server'
const previous = 'the signing secret before, of 32 bytes'

t.test('the key set starts with the current key and has no private members', async t => {
  const { app } = await startApp(t, { env: { JWT_SECRET_PREVIOUS: previous } })
  const response = await app.inject(KEYS)
  t.equal(response.statusCode, 200)
  t.match(response.headers['content-type'], /^application\/jwk-set\+json/)
  const { keys } = response.json()
  t.strictSame(
    keys.map((key: object) => Object.keys(key).sort()),
    Array(2).fill(['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y']),
  )
  for (const key of keys) t.match(key, { kty: 'EC', crv: 'P-256', alg: 'ES256', use: 'sig' })
  const former = await startApp(t, { env: { JWT_SECRET: previous } })
  t.strictSame(
    (await former.app.inject(KEYS)).json().keys,
    [keys[1]],
    'the same key as while its secret was current',
  )
  const shared = await startApp(t, { env: { ACCESS_TOKEN_ALG: 'HS256', JWT_SECRET_PREVIOUS: previous } })
  t.strictSame((await shared.app.inject(KEYS)).json().keys, keys, 'published before it signs')
})

t.test('the metadata names the issuer and its key set, from configuration only', async t => {
  const cases: [appUrl: string, keys: string][] = [
    ['https://accounts.example.org', 'https://accounts.example.org/.well-known/jwks.json'],
    ['https://accounts.example.org/', 'https://accounts.example.org/.well-known/jwks.json'],
    ['https://example.org/accounts', 'https://example.org/accounts/.well-known/jwks.json'],
  ]
  for (const [APP_URL, jwks_uri] of cases) {
    const { app } = await startApp(t, { env: { APP_URL } })
    const hostile = { host: 'evil.example', 'x-forwarded-host': 'evil.example' }
    const response = await app.inject({ url: METADATA, headers: hostile })
    t.strictSame(response.json(), {
      issuer: APP_URL,
      jwks_uri,
      response_types_supported: [],
      grant_types_supported: [],
    })
    t.match(response.headers['content-type'], /^application\/json/)
    const path = new URL(jwks_uri).pathname
    t.equal((await app.inject(path)).statusCode, 200, 'also where a proxy passes the path on')
  }
})

t.test('any origin may read both, and cache them for five minutes', async t => {
  for (const CORS_ORIGINS of ['', 'https://app.example.org', '*']) {
    const { app } = await startApp(t, { env: { CORS_ORIGINS } })
    for (const url of [KEYS, METADATA]) {
      for (const origin of [undefined, 'https://app.example.org', 'https://other.example', 'null']) {
        const { statusCode, headers } = await app.inject({ url, headers: origin ? { origin } : {} })
        const name = `${url} for ${origin} with ${CORS_ORIGINS}`
        t.equal(statusCode, 200, name)
        t.equal(headers['access-control-allow-origin'], '*', name)
        t.notOk('access-control-allow-credentials' in headers, name)
        t.equal(headers['cross-origin-resource-policy'], 'cross-origin', name)
        t.equal(headers['cache-control'], 'public, max-age=300', name)
        t.notOk('set-cookie' in headers, name)
      }
    }
  }
  const { app } = await startApp(t)
  for (const url of [KEYS, METADATA]) {
    const { etag = '', 'content-length': length } = (await app.inject(url)).headers
    const again = await app.inject({ url, headers: { 'if-none-match': etag } })
    t.strictSame([again.statusCode, again.body], [304, ''])
    t.equal(again.headers['cache-control'], 'public, max-age=300')
    const head = await app.inject({ method: 'HEAD', url })
    t.strictSame([head.statusCode, head.headers['content-length'], head.body], [200, length, ''])
    t.equal((await app.inject({ method: 'POST', url })).statusCode, 405)
  }
})

t.test('no rate limit applies to them', async t => {
  const { app } = await startApp(t, { env: { RATE_LIMIT: 'on', RATE_LIMIT_ALL: '1' } })
  const remoteAddress = '192.0.2.77'
  const ask = async (url: string) => (await app.inject({ url, remoteAddress })).statusCode
  for (let i = 0; i < 10; i++) for (const url of [KEYS, METADATA]) t.equal(await ask(url), 200)
  t.equal(await ask('/me'), 401)
  t.equal(await ask('/me'), 429, 'the limit is on')
  t.equal(await ask(KEYS), 200)
  t.equal(await ask(`${KEYS}/x`), 429, 'a path below is nothing, and counts')
})

t.test('jose verifies a token by the issuer alone', async t => {
  const service = await startApp(t, { env: { ACCESS_TOKEN_AUDIENCE: 'https://api.example.org' } })
  const { accessToken } = await confirmedAccount(service)
  const base = await service.app.listen({ host: '127.0.0.1', port: 0 })
  const keys = createRemoteJWKSet(new URL(KEYS, base))
  const options = {
    issuer: 'http://localhost:3000',
    audience: 'https://api.example.org',
    typ: 'at+jwt',
    algorithms: ['ES256'],
    requiredClaims: ['sub', 'iat', 'exp', 'jti', 'sid', 'client_id', 'auth_time'],
  }
  const { payload, protectedHeader } = await jwtVerify(accessToken, keys, options)
  const headers = { authorization: `Bearer ${accessToken}` }
  t.equal(payload.sub, (await service.app.inject({ url: '/me', headers })).json().id)
  t.equal(protectedHeader.kid, (await service.app.inject(KEYS)).json().keys[0].kid)
  await t.rejects(jwtVerify(accessToken, keys, { ...options, audience: 'https://other.example' }))
  await t.rejects(jwtVerify(accessToken, keys, { ...options, issuer: 'https://other.example' }))
  await t.rejects(jwtVerify(`${accessToken.slice(0, -4)}AAAA`, keys, options))
})

t.test('a token of the previous secret verifies until that secret is removed', async t => {
  const keysOf = async (env: Record<string, string>) => {
    const { app } = await startApp(t, { env })
    return createLocalJWKSet((await app.inject(KEYS)).json() as JSONWebKeySet)
  }
  const { accessToken } = await confirmedAccount(await startApp(t))
  const old = testEnvironment.JWT_SECRET
  t.ok(await jwtVerify(accessToken, await keysOf({ JWT_SECRET: previous, JWT_SECRET_PREVIOUS: old })))
  await t.rejects(jwtVerify(accessToken, await keysOf({ JWT_SECRET: previous })), {
    code: 'ERR_JWKS_NO_MATCHING_KEY',
  })
})
