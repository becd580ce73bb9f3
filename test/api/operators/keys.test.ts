/** API keys: what they look like, who may create which, and what is kept of them. */
import t from 'tap'
import { makeKey, parseKey } from '../../../src/operators/api-key.ts'
import { createKey, SCOPES } from '../../../src/operators/keys.ts'
import { startApp, testClock } from '../../harness/app.ts'
import { BY_COMMAND_LINE, startOperators } from '../../harness/operators.ts'
import { isProblemOf } from '../../harness/problem.ts'
import { openRows } from '../../harness/rows.ts'
import { INVALID_TIMES, LATEST } from './times.ts'

t.test('a key is recognised without a query, and by no more than its own text', t => {
  const { id, key, hash } = makeKey()
  t.match(key, /^lk_[0-9a-f]{32}_[0-9a-f]{72}$/)
  t.strictSame(parseKey(key), { id, hash })
  const faults: string[] = []
  for (let at = 0; at < key.length; at++) {
    const digit = key[at] === '0' ? '1' : '0'
    const mistyped = key.slice(0, at) + digit + key.slice(at + 1)
    if (parseKey(mistyped) !== undefined) faults.push(`digit ${at}`)
  }
  for (const text of ['', 'lk_', key.toUpperCase(), ` ${key}`, `${key}\n`, key + key]) {
    if (parseKey(text) !== undefined) faults.push(text)
  }
  t.strictSame(faults, [])
  t.end()
})

t.test('a key creates keys with a subset of its scopes that do not outlive it', async t => {
  const { clock, advance } = testClock()
  const service = await startApp(t, { overrides: { clock } })
  const { ask } = await startOperators(t, service)
  const after = (hours: number) => new Date(clock().getTime() + hours * 3_600_000)
  const { key } = await createKey(
    service.app,
    { name: 'parent', scopes: ['keys:write', 'users:read'], expiresAt: after(24) },
    BY_COMMAND_LINE,
  )
  const create = (payload: object) => ask('POST', '/keys', { name: 'child', ...payload }, key)
  const soon = after(12).toISOString()
  for (const scope of SCOPES.filter(scope => !['keys:write', 'users:read'].includes(scope))) {
    isProblemOf(
      t,
      await create({ scopes: ['users:read', scope], expiresAt: soon }),
      'insufficient_scope',
      scope,
    )
  }
  isProblemOf(t, await create({ scopes: ['users:read'] }), 'validation_failed', 'it would never expire')
  const late = { scopes: ['users:read'], expiresAt: after(25).toISOString() }
  isProblemOf(t, await create(late), 'validation_failed', 'it would expire later')
  const past = { scopes: ['users:read'], expiresAt: after(-1).toISOString() }
  isProblemOf(t, await create(past), 'validation_failed')
  const created = await create({ scopes: ['users:read'], expiresAt: soon })
  t.equal(created.statusCode, 201)
  t.match(created.json(), { name: 'child', scopes: ['users:read'], expiresAt: soon, lastUsedAt: null })
  const child = created.json().key
  isProblemOf(t, await ask('GET', '/keys', undefined, child), 'insufficient_scope')
  advance(12 * 3600)
  isProblemOf(t, await ask('GET', '/keys', undefined, child), 'api_key_invalid', 'it has expired')
})

t.test('a key expires at a time that every database stores, so that the list shows it', async t => {
  const service = await startApp(t)
  const { ask } = await startOperators(t, service)
  const create = (expiresAt: string) =>
    ask('POST', '/keys', { name: 'desk', scopes: ['users:read'], expiresAt })
  const message = 'must be an RFC 3339 time from 0001-01-01T00:00:00Z to 9999-12-31T23:59:59.999Z'
  for (const expiresAt of INVALID_TIMES) {
    const refused = await create(expiresAt)
    isProblemOf(t, refused, 'validation_failed', expiresAt)
    t.strictSame(refused.json().errors, [{ path: '/expiresAt', message }])
  }
  const created = await create(LATEST)
  t.match(created.json(), { expiresAt: LATEST }, created.body)
  const { keys } = (await ask('GET', '/keys')).json()
  t.strictSame(
    keys.map(({ expiresAt }: { expiresAt: string | null }) => expiresAt),
    [LATEST, null],
    'no refused key is stored',
  )
})

t.test('a key is shown once, kept as a hash, and its use noted to the hour', async t => {
  const { clock, advance } = testClock(new Date('2026-01-31T09:30:00.000Z'))
  const service = await startApp(t, { overrides: { clock } })
  const rows = await openRows(t, service.databaseUrl)
  const { ask } = await startOperators(t, service)
  const created = await ask('POST', '/keys', { name: 'desk', scopes: ['keys:write'] })
  const { key, id } = created.json()
  await ask('GET', '/keys', undefined, key)
  advance(60)
  const { keys } = (await ask('GET', '/keys', undefined, key)).json()
  const [desk, first] = keys
  t.strictSame(desk, {
    id,
    name: 'desk',
    scopes: ['keys:write'],
    createdAt: '2026-01-31T09:30:00.000Z',
    createdBy: `key:${first.id}`,
    expiresAt: null,
    lastUsedAt: '2026-01-31T09:00:00.000Z',
    revokedAt: null,
  })
  t.match(first, { createdBy: 'cli', scopes: SCOPES })
  advance(3600)
  await ask('GET', '/keys', undefined, key)
  t.strictSame((await rows.client.apiKey.findUnique({ where: { id } }))?.lastUsedAt?.getUTCHours(), 10)

  const secret = key.split('_')[2].slice(0, 64)
  const stored = JSON.stringify(await rows.client.apiKey.findMany())
  t.notOk(stored.includes(secret), 'no secret in the database')
  t.notOk(JSON.stringify(service.log).includes(secret), 'nor in the log')
  const { hash } = await rows.client.apiKey.findUniqueOrThrow({ where: { id } })
  const told = (await ask('GET', '/keys')).body + JSON.stringify(service.log)
  t.notOk(told.includes(hash), 'and no hash in responses or the log')
})

t.test('a revoked key is refused at once, elsewhere within a second, and both are events', async t => {
  const time = { now: 0 }
  const service = await startApp(t, { overrides: { uptime: () => time.now } })
  const rows = await openRows(t, service.databaseUrl)
  const here = await startOperators(t, service)
  const elsewhere = await startOperators(t, service)
  const created = await here.ask('POST', '/keys', { name: 'leaked', scopes: ['keys:write'] })
  const { key, id } = created.json()
  for (const { ask } of [here, elsewhere])
    t.equal((await ask('GET', '/keys', undefined, key)).statusCode, 200)
  t.equal((await here.ask('DELETE', `/keys/${id}`)).statusCode, 204)
  isProblemOf(t, await here.ask('GET', '/keys', undefined, key), 'api_key_invalid')
  time.now += 1000
  isProblemOf(t, await elsewhere.ask('GET', '/keys', undefined, key), 'api_key_invalid')
  t.equal((await here.ask('DELETE', `/keys/${id}`)).statusCode, 204, 'again')
  const nobody = '01936f3e-8a77-7c3b-9d0e-4f1f2f0c6a55'
  isProblemOf(t, await here.ask('DELETE', `/keys/${nobody}`), 'not_found')
  const events = await rows.client.event.findMany({ where: { target: id }, orderBy: { id: 'asc' } })
  const creator = (await rows.client.apiKey.findFirst({ where: { createdBy: 'cli' } }))?.id
  t.match(events, [
    { kind: 'api_key_created', actor: `key:${creator}`, userId: null, ip: null },
    { kind: 'api_key_revoked', actor: `key:${creator}`, userId: null, ip: null },
  ])
  t.equal(events.length, 2, 'revoking twice is one event')
  const logged = service.log.filter(({ event }) => String(event).startsWith('authz_admin'))
  t.match(logged[0], { event: `authz_admin:key:${creator},api_key_created`, actor: `key:${creator}` })
})
