import { hash } from 'argon2'
import t from 'tap'
import { users } from '../../../src/database/queries/users.ts'
import type { Statements, Value } from '../../../src/database/sql.ts'
import type { Slot } from '../../../src/passwords/hash-queue.ts'
import { confirmedAccount, startApp, type TestApp, testClock } from '../../harness/app.ts'
import { countHashes } from '../../harness/hash-count.ts'
import { isProblemOf } from '../../harness/problem.ts'
import { recordQueries } from '../../harness/queries.ts'
import { openRows } from '../../harness/rows.ts'

const login = ({ app }: TestApp, email: string, password: string) =>
  app.inject({ method: 'POST', url: '/login', payload: { email, password } })

t.test('each login opens a session', async t => {
  const time = testClock(new Date('2030-01-01T00:00:00Z'))
  const service = await startApp(t, { overrides: { clock: time.clock } })
  const rows = await openRows(t, service.databaseUrl)
  const { email, password, accessToken, refreshToken } = await confirmedAccount(service)
  await rows.settled()
  time.advance(60)
  const answer = await login(service, email, password)
  t.equal(answer.statusCode, 200)
  t.equal(answer.headers['cache-control'], 'no-store')
  const pair = answer.json()
  t.strictSame(Object.keys(pair).sort(), [
    'accessToken',
    'expiresIn',
    'refreshExpiresIn',
    'refreshToken',
    'tokenType',
  ])
  t.match(pair, { tokenType: 'Bearer', expiresIn: 900, refreshExpiresIn: 1_209_600 })
  t.not(pair.accessToken, accessToken)
  t.not(pair.refreshToken, refreshToken)
  const { users, sessions, outbox } = await rows.dump()
  t.equal(sessions.length, 2, 'the earlier session stays active')
  t.equal(outbox.length, 1, 'nothing is mailed')
  t.match(users, [{ lastLoginAt: new Date('2030-01-01T00:01:00Z') }])
})

t.test('an unknown email and a wrong password get the same response at the cost of one hash', async t => {
  const service = await startApp(t)
  const rows = await openRows(t, service.databaseUrl)
  const { email, password } = await confirmedAccount(service)
  await rows.settled()
  const before = await rows.dump()
  const hashes = countHashes(t)
  const answers = []
  for (const [address, word] of [
    [email, 'not this one at all'],
    ['nobody@example.org', password],
  ] as const) {
    const sofar = hashes()
    const answer = await login(service, address, word)
    t.equal(hashes() - sofar, 1)
    isProblemOf(t, answer, 'invalid_credentials')
    const { requestId: _, ...problem } = answer.json()
    answers.push({ problem, headers: Object.keys(answer.headers).sort() })
  }
  t.strictSame(answers[0], answers[1])
  t.strictSame(await rows.dump(), before)
})

t.test('an unknown email reads the neighbouring row, whose password does not match', async t => {
  const service = await startApp(t)
  const rows = await openRows(t, service.databaseUrl)
  const { email, password } = await confirmedAccount(service)
  await rows.settled()
  const before = await rows.dump()
  const [name = '', host] = email.split('@')
  for (const next of [`${name.slice(0, -1)}0`, `${name}0`, '0', 'zz']) {
    isProblemOf(t, await login(service, `${next}@${host}`, password), 'invalid_credentials')
  }
  t.strictSame(await rows.dump(), before)

  // What the statement reads before it is discarded. An email after the last of all has no neighbour.
  const found: unknown[] = []
  const read = async <Row>(sql: string, values: readonly Value[]) => {
    const row = await rows.read<Row>(sql, values)
    found.push(...row)
    return row
  }
  const { credentialsFor } = users(rows.client, { read } as Statements)
  t.match(await credentialsFor(`0@${host}`, '10.0.0.1'), { userId: null, passwordHash: null })
  t.match(found, [{ email, passwordHash: /^\$argon2id/ }])
})

t.test('emails are case-insensitive, passwords are not', async t => {
  const service = await startApp(t)
  await confirmedAccount(service, 'Ada@Example.ORG'.toLowerCase(), 'Correct Horse Battery')
  t.equal((await login(service, ' ADA@example.org ', 'Correct Horse Battery')).statusCode, 200)
  for (const wrong of [
    'correct horse battery',
    'Correct Horse Battery ',
    ' Correct Horse Battery',
    'Correct',
  ]) {
    isProblemOf(t, await login(service, 'ada@example.org', wrong), 'invalid_credentials')
  }
})

t.test('a password in another Unicode normal form is the same password', async t => {
  const service = await startApp(t)
  const composed = 'caf\u00e9 cr\u00e8me br\u00fbl\u00e9e'
  await confirmedAccount(service, 'ada@example.org', composed)
  t.equal((await login(service, 'ada@example.org', composed.normalize('NFD'))).statusCode, 200)
  isProblemOf(t, await login(service, 'ada@example.org', 'cafe creme brulee'), 'invalid_credentials')
})

t.test('only the owner learns that an account is disabled', async t => {
  const service = await startApp(t)
  const rows = await openRows(t, service.databaseUrl)
  const { email, password } = await confirmedAccount(service)
  await rows.settled()
  await rows.disable(email)
  const before = await rows.dump()
  isProblemOf(t, await login(service, email, 'not this one at all'), 'invalid_credentials')
  isProblemOf(t, await login(service, email, password), 'account_disabled')
  t.strictSame(await rows.dump(), before)
})

t.test('login reveals no registration, whatever its password', async t => {
  const service = await startApp(t)
  const email = 'ada@example.org'
  for (const password of ['the first registration', 'the second registration']) {
    await service.app.inject({ method: 'POST', url: '/register', payload: { email, password } })
    const answer = await login(service, email, password)
    isProblemOf(t, answer, 'invalid_credentials')
    t.equal(answer.json().detail, 'Wrong email or password, or the email is not confirmed yet')
  }
})

t.test('only the right password reveals that an account is unconfirmed', async t => {
  const off = await startApp(t, { env: { EMAIL_CONFIRMATION: 'off' } })
  const [email, password] = ['ada@example.org', 'correct horse battery staple']
  await off.app.inject({ method: 'POST', url: '/register', payload: { email, password } })
  const required = await startApp(t, { databaseUrl: off.databaseUrl, smtp: off.smtp })
  isProblemOf(t, await login(required, email, 'not this one at all'), 'invalid_credentials')
  isProblemOf(t, await login(required, email, password), 'email_not_confirmed')
})

t.test('a login upgrades a hash of a lower cost, and no other', async t => {
  const service = await startApp(t, { env: { ARGON2_MEMORY_KIB: '128', ARGON2_TIME_COST: '2' } })
  const rows = await openRows(t, service.databaseUrl)
  const { email, password, accessToken } = await confirmedAccount(service)
  const stored = async () => (await rows.client.user.findUniqueOrThrow({ where: { email } })).passwordHash

  for (const [cost, upgraded] of [
    [{ memoryCost: 64, timeCost: 2 }, true],
    [{ memoryCost: 128, timeCost: 1 }, true],
    [{ memoryCost: 128, timeCost: 2 }, false],
    [{ memoryCost: 256, timeCost: 3 }, false],
  ] as const) {
    const before = await hash(password, { ...cost, parallelism: 1 })
    const { passwordChangedAt } = await rows.client.user.update({
      where: { email },
      data: { passwordHash: before },
    })
    isProblemOf(t, await login(service, email, 'not this one at all'), 'invalid_credentials')
    t.equal(await stored(), before, 'a wrong password upgrades nothing')
    t.equal((await login(service, email, password)).statusCode, 200)
    if (upgraded) t.match(await stored(), /\$m=128,t=2,p=1\$/)
    else t.equal(await stored(), before)
    t.equal((await login(service, email, password)).statusCode, 200, 'and the password is the same')
    const user = await rows.client.user.findUniqueOrThrow({ where: { email } })
    t.same(user.passwordChangedAt, passwordChangedAt, 'the password did not change')
  }
  const me = await service.app.inject({ url: '/me', headers: { authorization: `Bearer ${accessToken}` } })
  t.equal(me.statusCode, 200, 'sessions are kept')
  t.equal(await rows.client.outbox.count({ where: { kind: 'password_changed' } }), 0)
})

t.test('a login to an account that changes during the verification', async t => {
  const service = await startApp(t, { env: { ARGON2_MEMORY_KIB: '128', ARGON2_TIME_COST: '2' } })
  const rows = await openRows(t, service.databaseUrl)
  const hashOf = (password: string) => hash(password, { memoryCost: 128, timeCost: 2, parallelism: 1 })
  let change: (() => Promise<unknown>) | undefined
  recordQueries(service.app, name => {
    if (name !== 'sessions.open' || change === undefined) return undefined
    const run = change
    change = undefined
    return run().then(() => {})
  })

  const cases: [what: string, change: (password: string) => Promise<object>, status: number][] = [
    ['nothing changes', async () => ({}), 200],
    ['the same password is hashed again', async password => ({ passwordHash: await hashOf(password) }), 200],
    ['it gets another password', async () => ({ passwordHash: await hashOf('another password') }), 401],
    ['it gets another email', async () => ({ email: 'other@example.org' }), 401],
    [
      'it gets another email, and a new hash',
      async password => ({ email: 'next@example.org', passwordHash: await hashOf(password) }),
      401,
    ],
    ['it is disabled', async () => ({ disabledAt: new Date() }), 401],
  ]
  for (const [index, [what, changed, status]] of cases.entries()) {
    const { email, password } = await confirmedAccount(service, `person-${index}@example.org`)
    const { id } = await rows.client.user.findUniqueOrThrow({ where: { email } })
    const { id: first } = await rows.client.session.findFirstOrThrow({ where: { userId: id } })
    change = async () => rows.client.user.update({ where: { id }, data: await changed(password) })
    const answer = await login(service, email, password)
    t.equal(answer.statusCode, status, what)
    if (status === 401) isProblemOf(t, answer, 'invalid_credentials')
    const opened = await rows.client.session.count({ where: { userId: id, id: { not: first } } })
    t.equal(opened, status === 200 ? 1 : 0, what)
  }
})

// Regression: it was shed at the second hash, after the first had verified the password.
t.test('a login succeeds with its outdated hash when the queue is full', async t => {
  const service = await startApp(t, { env: { ARGON2_MEMORY_KIB: '128', HASH_QUEUE_TIMEOUT: '1' } })
  const { app } = service
  const rows = await openRows(t, service.databaseUrl)
  const { email, password } = await confirmedAccount(service)
  const outdated = await hash(password, { memoryCost: 64, timeCost: 2, parallelism: 1 })
  await rows.client.user.update({ where: { email }, data: { passwordHash: outdated } })
  const flood: Slot[] = []
  const takeEverySlot = () => {
    for (;;) {
      try {
        const slot = app.passwords.queue.reserve(`10.0.0.${flood.length}`)
        // Its body is complete. A slot with an incomplete body would be shed for the next.
        slot.turn().catch(() => {})
        flood.push(slot)
      } catch {
        return
      }
    }
  }
  // Called after the password was verified, before it is hashed again.
  const { isOutdated } = app.passwords
  app.passwords.isOutdated = stored => {
    app.passwords.isOutdated = isOutdated
    takeEverySlot()
    return isOutdated(stored)
  }
  const stored = async () => (await rows.client.user.findUniqueOrThrow({ where: { email } })).passwordHash

  t.equal((await login(service, email, password)).statusCode, 200)
  t.ok(flood.length > 4, 'the queue was full', { slots: flood.length })
  t.equal(await stored(), outdated)
  t.equal((await login(service, email, password)).statusCode, 503, 'and is')
  for (const slot of flood) slot.release()
  t.equal((await login(service, email, password)).statusCode, 200)
  t.match(await stored(), /\$m=128,/, 'the next login upgrades it')
})
