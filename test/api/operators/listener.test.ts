/** The operators' listener: apart from the public one, and closed to whatever is no API key with the right scope. */
import { crc32 } from 'node:zlib'
import t from 'tap'
import { makeKey } from '../../../src/operators/api-key.ts'
import { createKey, SCOPES, type Scope } from '../../../src/operators/keys.ts'
import { confirmedAccount, startApp, testClock } from '../../harness/app.ts'
import { BY_COMMAND_LINE, type Method, startOperators } from '../../harness/operators.ts'
import { isProblemOf } from '../../harness/problem.ts'

const ID = '01936f3e-8a77-7c3b-9d0e-4f1f2f0c6a55'

/** The scope of each operation. */
const MATRIX: Record<string, Scope | 'any'> = {
  'GET /version': 'any',
  'GET /events': 'events:read',
  'GET /mails': 'mails:read',
  'GET /mails/{id}': 'mails:read',
  'POST /mails/{id}/retry': 'mails:write',
  'POST /mails/{id}/cancel': 'mails:write',
  'GET /users': 'users:read',
  'POST /users': 'users:write',
  'GET /users/{id}': 'users:read',
  'DELETE /users/{id}': 'users:write',
  'POST /users/{id}/disable': 'users:write',
  'POST /users/{id}/enable': 'users:write',
  'POST /users/{id}/require-reset': 'users:write',
  'POST /users/{id}/unlock': 'users:write',
  'POST /users/{id}/invitation': 'users:write',
  'PUT /users/{id}/claims': 'users:claims',
  'GET /users/{id}/export': 'users:read',
  'DELETE /users/{id}/sessions': 'sessions:write',
  'POST /introspect': 'tokens:introspect',
  'GET /keys': 'keys:write',
  'POST /keys': 'keys:write',
  'DELETE /keys/{id}': 'keys:write',
}

type Documented = { openapi(): Promise<{ paths?: Record<string, object> }> }

/** Every operation that a document names, with an id in its path. */
const operationsOf = async (app: unknown) =>
  Object.entries((await (app as Documented).openapi()).paths ?? {}).flatMap(([path, methods]) =>
    Object.keys(methods).map(method => ({
      name: `${method.toUpperCase()} ${path}`,
      method: method.toUpperCase() as Method,
      url: path.replace('{id}', ID),
    })),
  )

/** What every listener has. */
const isCommon = ({ url }: { url: string }) => url.startsWith('/health/')

t.test('neither listener has a route of the other', async t => {
  const service = await startApp(t)
  const operators = await startOperators(t, service)
  const faults: string[] = []
  const asked = async (app: typeof service.app, name: string, request: { method: Method; url: string }) => {
    const { statusCode } = await app.inject({
      ...request,
      headers: { authorization: `Bearer ${await operators.keyWith(...SCOPES)}` },
    })
    if (statusCode !== 404) faults.push(`${name}: ${statusCode}`)
  }
  const theirs = (await operationsOf(operators.app)).filter(one => !isCommon(one))
  t.ok(theirs.length >= 3)
  for (const { name, ...request } of theirs) await asked(service.app, `public ${name}`, request)
  const ours = (await operationsOf(service.app)).filter(one => !isCommon(one))
  t.ok(ours.length > 15)
  for (const { name, ...request } of ours) await asked(operators.app, `operators ${name}`, request)
  for (const url of ['/app', '/app/login', '/.well-known/change-password']) {
    await asked(operators.app, url, { method: 'GET', url })
  }
  t.strictSame(faults, [])
})

t.test('each route takes its scope and no other', async t => {
  const service = await startApp(t)
  const { app, ask, keyWith } = await startOperators(t, service)
  const operations = (await operationsOf(app)).filter(one => !isCommon(one))
  t.strictSame(operations.map(({ name }) => name).sort(), Object.keys(MATRIX).sort())
  const keys = new Map<Scope, string>()
  for (const scope of SCOPES) keys.set(scope, await keyWith(scope))
  const faults: string[] = []
  for (const { name, method, url } of operations) {
    for (const [scope, key] of keys) {
      const { statusCode, headers, body } = await ask(method, url, undefined, key)
      const isRefused = statusCode === 403
      const fits = MATRIX[name] === scope || MATRIX[name] === 'any'
      if (isRefused === fits) faults.push(`${name} with ${scope}: ${statusCode} ${body}`)
      const challenge = `Bearer error="insufficient_scope", scope="${MATRIX[name]}"`
      if (isRefused && headers['www-authenticate'] !== challenge) faults.push(`${name}: ${body}`)
    }
  }
  t.strictSame(faults, [])
})

t.test('whatever is no living key is refused on every route', async t => {
  const { clock, advance } = testClock()
  const service = await startApp(t, { overrides: { clock } })
  const { app, ask, keyWith } = await startOperators(t, service)
  const { accessToken, refreshToken } = await confirmedAccount(service)
  const inAnHour = new Date(clock().getTime() + 3_600_000)
  const short = { name: 'short', scopes: SCOPES, expiresAt: inAnHour }
  const expiring = await createKey(service.app, short, BY_COMMAND_LINE)
  t.equal((await ask('GET', '/keys', undefined, expiring.key)).statusCode, 200)
  advance(3600)
  const good = await keyWith(...SCOPES)
  const revoked = await createKey(service.app, { name: 'revoked', scopes: SCOPES }, BY_COMMAND_LINE)
  t.equal((await ask('GET', '/keys', undefined, revoked.key)).statusCode, 200)
  t.equal((await ask('DELETE', `/keys/${revoked.row.id}`, undefined, good)).statusCode, 204)
  const stranger = makeKey().key
  /** The id of a real key, a secret of a stranger, and the checksum of neither. */
  const mixed = good.slice(0, 36) + stranger.slice(36)
  const checked = mixed.slice(0, -8)

  const shown: Record<string, string | undefined> = {
    nothing: undefined,
    'an access token': `Bearer ${accessToken}`,
    'a refresh token': `Bearer ${refreshToken}`,
    'a key that is not there': `Bearer ${stranger}`,
    'a secret of another': `Bearer ${mixed}`,
    'a secret of another with the right checksum': `Bearer ${checked}${crc32(checked).toString(16).padStart(8, '0')}`,
    'a mistyped key': `Bearer ${good.replace(/.$/, last => (last === '0' ? '1' : '0'))}`,
    'a key that is too short': `Bearer ${good.slice(0, -1)}`,
    'an expired key': `Bearer ${expiring.key}`,
    'a revoked key': `Bearer ${revoked.key}`,
    'another scheme': `Basic ${Buffer.from(`x:${good}`).toString('base64')}`,
    'two keys': `Bearer ${good} ${good}`,
  }
  const faults: string[] = []
  for (const { name, method, url } of (await operationsOf(app)).filter(one => !isCommon(one))) {
    for (const [what, authorization] of Object.entries(shown)) {
      const response = await app.inject({ method, url, headers: { ...(authorization && { authorization }) } })
      if (response.statusCode !== 401 || response.json().code !== 'api_key_invalid') {
        faults.push(`${name} with ${what}: ${response.body}`)
      }
      if (!/^Bearer( error="invalid_token")?$/.test(String(response.headers['www-authenticate']))) {
        faults.push(`${name} with ${what}: no challenge`)
      }
    }
  }
  t.strictSame(faults, [])
  t.equal((await ask('GET', '/keys', undefined, good)).statusCode, 200, 'the right one is taken')
})

t.test('a key is nothing to the public API', async t => {
  const service = await startApp(t)
  const { keyWith } = await startOperators(t, service)
  const headers = { authorization: `Bearer ${await keyWith(...SCOPES)}` }
  isProblemOf(t, await service.app.inject({ url: '/me', headers }), 'unauthenticated')
})

t.test('wrong keys count like wrong passwords, and lock out no right one', async t => {
  const service = await startApp(t, { env: { RATE_LIMIT: 'on' } })
  const { ask, app, keyWith } = await startOperators(t, service)
  const good = await keyWith('keys:write')
  for (let i = 0; i < 10; i++) {
    isProblemOf(t, await ask('GET', '/keys', undefined, makeKey().key), 'api_key_invalid')
  }
  const refused = await ask('GET', '/keys', undefined, makeKey().key)
  isProblemOf(t, refused, 'rate_limited')
  t.ok(refused.headers['retry-after'])
  t.equal((await ask('GET', '/keys', undefined, good)).statusCode, 200)
  for (let i = 0; i < 120; i++) await ask('GET', '/keys', undefined, good)
  t.equal((await ask('GET', '/keys', undefined, good)).statusCode, 200, 'a key has no limit of 100 a minute')
  const statuses = new Set<number>()
  for (let i = 0; i < 101; i++) statuses.add((await app.inject('/nowhere')).statusCode)
  t.strictSame([...statuses], [404, 429], 'whoever shows none has')
  const login = { email: 'ada@example.org', password: 'a wrong password' }
  isProblemOf(
    t,
    await service.app.inject({ method: 'POST', url: '/login', payload: login }),
    'rate_limited',
    'from the same network',
  )
})

t.test('the listener is as strict as the public one', async t => {
  const service = await startApp(t, { env: { CORS_ORIGINS: 'https://app.example.org' } })
  const { app, ask, keyWith } = await startOperators(t, service)
  const name = 'strict'
  isProblemOf(t, await ask('POST', '/keys', { name, scopes: ['keys:write'], more: 1 }), 'validation_failed')
  isProblemOf(t, await ask('POST', '/keys', { name, scopes: ['everything'] }), 'validation_failed')
  isProblemOf(t, await ask('POST', '/keys', { name, scopes: [] }), 'validation_failed')
  const authorization = `Bearer ${await keyWith('keys:write')}`
  const twice = await app.inject({
    method: 'POST',
    url: '/keys',
    headers: { authorization, 'content-type': 'application/json' },
    payload: '{"name":"a","name":"b","scopes":["keys:write"]}',
  })
  isProblemOf(t, twice, 'malformed_json')
  const put = await app.inject({ method: 'PUT', url: '/keys', headers: { authorization } })
  isProblemOf(t, put, 'method_not_allowed')
  t.equal(put.headers['allow'], 'GET, HEAD, POST')
  const list = await app.inject({
    url: '/keys',
    headers: { authorization, origin: 'https://app.example.org' },
  })
  t.equal(list.headers['cache-control'], 'no-store')
  t.equal(list.headers['access-control-allow-origin'], undefined, 'no page of another origin reads it')
})

t.test('it has health, a document and Swagger UI of its own', async t => {
  const service = await startApp(t)
  const { app } = await startOperators(t, service)
  t.equal((await app.inject('/health/live')).statusCode, 200)
  t.match((await app.inject('/health/ready')).json(), { status: 'ready' })
  const document = (await app.inject('/openapi.json')).json()
  t.equal(document.info.title, 'latchkey for operators')
  t.ok(document.paths['/keys'])
  t.equal((await app.inject('/docs')).statusCode, 200)
  app.drain()
  isProblemOf(t, await app.inject('/health/ready'), 'not_ready')
})

t.test('closing it leaves the service as it was', async t => {
  const service = await startApp(t)
  const { app } = await startOperators(t, service)
  await app.close()
  await confirmedAccount(service)
})
