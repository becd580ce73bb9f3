// No secret is in a response of the operators' API, in the log or in the database, whatever operators request or
// mistype.
import t from 'tap'
import { SCOPES } from '../../src/operators/keys.ts'
import { confirmedAccount, resetToken, startApp, tokenIn } from '../harness/app.ts'
import { isFreeOf, wholeDatabase } from '../harness/canary.ts'
import { type Method, startOperators } from '../harness/operators.ts'
import { openRows } from '../harness/rows.ts'

const PASSWORD = 'the canary of a secret'
const email = 'ada@example.org'

t.test("no operation of the operators' API leaks a secret", async t => {
  const service = await startApp(t, { env: { LOG_LEVEL: 'trace' } })
  const rows = await openRows(t, service.databaseUrl)
  const { app, ask, keyWith } = await startOperators(t, service)
  const secrets = new Map([
    ['password', PASSWORD],
    ['signing secret', service.env['JWT_SECRET'] as string],
  ])
  const asked = new Set<string>()
  const bodies: string[] = []
  const told = async (operation: string, url: string, payload?: object, key?: string) => {
    asked.add(operation)
    const [method] = operation.split(' ') as [Method]
    const response = await ask(method, url, payload, key)
    bodies.push(`${JSON.stringify(response.headers)}${response.body}`)
    return response
  }

  const ada = await confirmedAccount(service, email, PASSWORD)
  secrets.set('access token', ada.accessToken)
  secrets.set('refresh token', ada.refreshToken)
  secrets.set('token of a reset', await resetToken(service, email))
  const { id, passwordHash } = await rows.client.user.findUniqueOrThrow({ where: { email } })
  const hashes = new Map([['stored hash', passwordHash as string]])

  // The one response that contains a key.
  const created = await ask('POST', '/keys', { name: 'desk', scopes: [...SCOPES] })
  asked.add('POST /keys')
  const { key, id: keyId } = created.json()
  secrets.set('key', key)
  secrets.set('random part of the key', key.slice(-50))
  secrets.set('another key', await keyWith('users:read'))

  const invited = await told('POST /users', '/users', { email: 'grace@example.org', roles: ['editor'] })
  t.equal(invited.statusCode, 201)
  const mail = await service.smtp.waitForMail('grace@example.org', /./, 0)
  secrets.set('token of an invitation', tokenIn(mail))
  const grace = invited.json().id

  for (const [operation, url, payload] of [
    ['GET /version', '/version'],
    ['GET /events', '/events'],
    ['GET /events', `/events?cursor=${ada.refreshToken}`],
    ['GET /users', '/users'],
    ['GET /users', `/users?emailPrefix=${encodeURIComponent(PASSWORD)}`],
    ['GET /users/{id}', `/users/${id}`],
    ['GET /users/{id}', `/users/${key}`],
    ['POST /users', '/users', { email: PASSWORD }],
    ['POST /users', '/users', { email, apiKey: key }],
    ['POST /users', '/users', { email: 'eve@example.org', password: PASSWORD }],
    ['POST /users/{id}/invitation', `/users/${grace}/invitation`],
    ['PUT /users/{id}/claims', `/users/${id}/claims`, { roles: ['admin'], claims: { plan: 'pro' } }],
    ['PUT /users/{id}/claims', `/users/${id}/claims`, { roles: [], claims: { password: [key] }, key }],
    ['GET /users/{id}/export', `/users/${id}/export`],
    ['POST /users/{id}/unlock', `/users/${id}/unlock`],
    ['POST /users/{id}/disable', `/users/${id}/disable`],
    ['POST /users/{id}/enable', `/users/${id}/enable`],
    ['DELETE /users/{id}/sessions', `/users/${id}/sessions`],
    ['POST /users/{id}/require-reset', `/users/${id}/require-reset`],
    ['GET /mails', '/mails'],
    ['GET /mails', `/mails?recipient=${encodeURIComponent(PASSWORD)}`],
    ['GET /mails/{id}', `/mails/${(await rows.client.outbox.findFirstOrThrow()).id}`],
    ['POST /mails/{id}/retry', `/mails/${id}/retry`],
    ['POST /mails/{id}/cancel', `/mails/${ada.accessToken}/cancel`],
    ['GET /keys', '/keys'],
    ['POST /keys', '/keys', { name: 'too much', scopes: [PASSWORD] }],
    ['GET /users/{id}', `/users/${id}?access_token=${key}`],
    ['DELETE /users/{id}', `/users/${grace}`],
  ] as [string, string, object?][]) {
    await told(operation, url, payload)
  }
  asked.add('POST /introspect')
  for (const token of [ada.accessToken, ada.refreshToken, key, PASSWORD]) {
    const response = await app.inject({
      method: 'POST',
      url: `/introspect?token=${encodeURIComponent(token)}`,
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/x-www-form-urlencoded' },
      payload: new URLSearchParams({ token }).toString(),
    })
    bodies.push(response.body)
  }
  // Keys in wrong places, and strings that are not keys.
  for (const headers of [
    { authorization: `Basic ${key}` },
    { authorization: `Bearer ${key}x` },
    { authorization: `Bearer ${ada.accessToken}` },
    { 'x-api-key': key, 'user-agent': key, referer: `https://desk.example/?key=${key}`, 'x-request-id': key },
  ]) {
    bodies.push((await app.inject({ url: '/users', headers })).body)
  }
  await rows.settled()
  const reset = service.smtp.mails.filter(({ text }) => /#token=/.test(text)).at(-1)
  secrets.set('token of the reset that was required', tokenIn(reset))
  await told('DELETE /keys/{id}', `/keys/${keyId}`)
  await told('GET /keys', '/keys', undefined, key)

  type Document = { paths: Record<string, object> }
  const { paths } = await (app as unknown as { openapi(): Promise<Document> }).openapi()
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map(method => `${method.toUpperCase()} ${path}`),
  )
  const missing = operations.filter(name => !asked.has(name) && !name.includes('/health/'))
  t.strictSame(missing, [], 'every operation was called')

  const log = JSON.stringify(service.log)
  t.ok(
    service.log.some(line => line['msg'] === 'answered'),
    'the log has lines',
  )
  const database = JSON.stringify(await wholeDatabase(rows), (_, value) =>
    typeof value === 'bigint' ? String(value) : value,
  )
  isFreeOf(t, bodies.join('\n'), secrets, 'responses')
  isFreeOf(t, bodies.join('\n'), hashes, 'responses')
  isFreeOf(t, log, secrets, 'log')
  isFreeOf(t, log, hashes, 'log')
  isFreeOf(t, database, secrets, 'database')
  t.notMatch(log, /@example\.org/, 'log: no address')
  t.notMatch(bodies.join('\n'), /\$argon2|eyJ[\w-]+\.eyJ/, 'responses: no hash and no JWT of any kind')
})
