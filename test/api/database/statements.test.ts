// Times from a database without a time zone must not depend on the time zone of the process.
process.env['TZ'] = 'Pacific/Auckland'

import { setTimeout as delay } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { v7 as uuidv7 } from 'uuid'
import { sqliteStatements } from '../../../src/database/group-commit.ts'
import { type OpenDatabase, openDatabase } from '../../../src/database/index.ts'
import { migrate } from '../../../src/database/migrations.ts'
import { outageOf, outageReason } from '../../../src/database/outage.ts'
import { insertMail, outbox } from '../../../src/database/queries/outbox.ts'
import { registrations } from '../../../src/database/queries/registrations.ts'
import { sessions } from '../../../src/database/queries/sessions.ts'
import { users } from '../../../src/database/queries/users.ts'
import { isUniqueViolation, runIn } from '../../../src/database/sql.ts'
import { openConnection } from '../../../src/database/sqlite.ts'
import { isBusy } from '../../../src/database/sqlite-connection.ts'
import { emptyDatabase, providers } from '../../harness/database.ts'

const NOW = new Date('2026-03-29T01:30:00.007Z')
const later = (seconds: number) => new Date(NOW.getTime() + seconds * 1000)
const ORIGIN = { ip: '10.1.2.3', device: 'Firefox on Linux', requestId: uuidv7() }

async function opened(t: Test, provider: (typeof providers)[number]['provider'], busyTimeout = 5000) {
  const url = await emptyDatabase(t, provider)
  await migrate(url)
  const database = await openDatabase(url, { busyTimeout })
  t.teardown(database.close)
  return { ...database, url }
}

/** One account with every optional value and one with none, each with a session. */
async function people({ client }: Awaited<ReturnType<typeof opened>>) {
  const full = {
    id: uuidv7(),
    email: 'full@example.org',
    passwordHash: 'hash',
    emailConfirmedAt: later(1),
    emailChangedAt: later(6),
    passwordChangedAt: later(2),
    lastLoginAt: later(3),
    disabledAt: null,
    disabledCount: 2,
    securedAt: later(4),
    securedNoticeAt: later(5),
    invitedAt: later(7),
    claims: '{"roles":["editor"],"claims":{"plan":"pro"}}',
    locale: 'hr',
    createdAt: NOW,
  }
  const bare = {
    id: uuidv7(),
    email: 'bare@example.org',
    passwordHash: 'hash',
    passwordChangedAt: NOW,
    createdAt: NOW,
  }
  await client.user.createMany({ data: [full, bare] })
  const session = (userId: string, rest: object) => ({
    id: uuidv7(),
    userId,
    refreshHash: 'now',
    createdAt: NOW,
    refreshedAt: later(6),
    expiresAt: later(100),
    ...rest,
  })
  await client.session.createMany({
    data: [
      session(full.id, { previousRefreshHash: 'before', ip: '::1', device: 'curl' }),
      session(bare.id, {}),
    ],
  })
  return client.session.findMany({ include: { user: true }, orderBy: { userId: 'asc' } })
}

for (const { provider, skip } of providers) {
  t.test(`${provider}: rows equal those of Prisma, including times and nulls`, { skip }, async t => {
    const database = await opened(t, provider)
    const { client } = database
    const byHand = {
      users: users(client, database.statements),
      sessions: sessions(client, database.statements),
      outbox: outbox(database.statements),
    }
    for (const { user, ...row } of await people(database)) {
      const session = { ...row, claims: user.claims }
      t.strictSame(await byHand.users.findById(user.id), user)
      t.strictSame(await byHand.users.findByEmail(user.email), user)
      const { id, email, emailConfirmedAt, passwordChangedAt, claims, locale, createdAt } = user
      const bearer = { id, email, emailConfirmedAt, passwordChangedAt, claims, locale, createdAt }
      t.strictSame(await byHand.users.findBearer(session, NOW), bearer, 'and nothing secret')
      t.strictSame(await byHand.sessions.findAlive(session.id, NOW), session)
      t.equal(await byHand.users.findBearer(session, session.expiresAt), null, 'not a millisecond longer')
      t.equal(await byHand.sessions.findAlive(session.id, session.expiresAt), null)
      const rotate = (hash: string, next: string, now: Date, absoluteSeconds = 500) => {
        const limits = { idleUntil: later(200), absoluteSeconds }
        return byHand.sessions.rotate({ sessionId: session.id, hash }, next, limits, now, ORIGIN)
      }
      const stored = async () => ({
        ...(await client.session.findUnique({ where: { id: session.id } })),
        claims: user.claims,
      })
      t.equal(await rotate('now', 'next', session.expiresAt), undefined, 'not when it has expired')
      const rotated = await rotate('now', 'next', later(7))
      t.strictSame(rotated, {
        ...session,
        refreshHash: 'next',
        previousRefreshHash: 'now',
        refreshedAt: later(7),
        expiresAt: later(200),
        ip: ORIGIN.ip,
        device: ORIGIN.device,
      })
      t.strictSame(rotated, await stored())
      t.equal(await rotate('now', 'other', later(7)), undefined, 'once')
      const limited = await rotate('next', 'last', later(8), 150)
      t.strictSame(limited?.expiresAt, later(150), 'counted from its beginning')
      t.strictSame(limited, await stored())
    }
    t.equal(await byHand.users.findById('nobody'), null)

    const mail = { kind: 'new_device', recipient: 'full@example.org', userId: 'id', ...ORIGIN } as const
    await byHand.outbox.enqueue(mail, NOW)
    await insertMail(
      runIn(client),
      { kind: 'farewell', recipient: 'bare@example.org', locale: 'hr' },
      later(1),
    )
    t.strictSame(await byHand.outbox.nextDue(), NOW)
    const claimed = await byHand.outbox.claim(5, later(2), later(62))
    t.strictSame(claimed, await client.outbox.findMany({ orderBy: { id: 'asc' } }))
    t.match(claimed, [
      {
        ...mail,
        state: 'queued',
        attempts: 1,
        leasedUntil: later(62),
        nextAttemptAt: later(62),
        createdAt: NOW,
      },
      { kind: 'farewell', locale: 'hr', userId: null, ip: null, createdAt: later(1) },
    ])
    t.strictSame(await byHand.outbox.claim(5, later(2), later(62)), [], 'a claimed row is not due')
  })

  t.test(`${provider}: a failing change does not affect parallel ones`, { skip }, async t => {
    const { statements, client } = await opened(t, provider)
    const insert = (id: string) =>
      statements.change('INSERT INTO guesses (id, count, expires_at) VALUES ($1, 1, $2)', [id, NOW])
    const transaction = (id: string, fails: boolean) =>
      statements.transaction(async run => {
        await run('INSERT INTO guesses (id, count, expires_at) VALUES ($1, 1, $2)', [id, NOW])
        if (fails) throw new Error('changed my mind')
        await run('UPDATE guesses SET count = $1 WHERE id = $2', [2, id])
        return id
      })
    await insert('taken')
    const results = await Promise.allSettled([
      insert('one'),
      insert('taken'),
      transaction('two', false),
      transaction('three', true),
      transaction('taken', false),
      insert('four'),
    ])
    const reasons = results.map(result => {
      if (result.status === 'fulfilled') return 'fulfilled'
      return isUniqueViolation(result.reason) ? 'taken' : result.reason.message
    })
    t.strictSame(reasons, ['fulfilled', 'taken', 'fulfilled', 'changed my mind', 'taken', 'fulfilled'])
    const rows = await client.guess.findMany({ orderBy: { id: 'asc' } })
    t.strictSame(
      rows.map(({ id, count }) => `${id} ${count}`),
      ['four 1', 'one 1', 'taken 1', 'two 2'],
    )
  })

  t.test(`${provider}: a failed statement that a transaction ignores is no success`, { skip }, async t => {
    const { statements, client } = await opened(t, provider)
    const INSERT = 'INSERT INTO guesses (id, count, expires_at) VALUES ($1, 1, $2)'
    await statements.change(INSERT, ['taken', NOW])
    const result = await statements
      .transaction(async run => {
        await run(INSERT, ['first', NOW])
        await run(INSERT, ['taken', NOW]).catch(() => {})
        return 'committed'
      })
      .catch((error: Error) => error.message)
    const expected = (await client.guess.count()) === 2 ? 'committed' : /rolled back/
    t.match(result, expected)
  })

  t.test(`${provider}: a read sees no uncommitted change`, { skip }, async t => {
    const { statements, client } = await opened(t, provider)
    let seen: Promise<unknown[]> | undefined
    await t.rejects(
      client.$transaction(async tx => {
        await tx.guess.create({ data: { id: 'undone', count: 1, expiresAt: NOW } })
        seen = statements.read('SELECT id FROM guesses', [])
        await new Promise(resolve => setTimeout(resolve, 20))
        throw new Error('changed my mind')
      }),
      { message: 'changed my mind' },
    )
    t.strictSame(await seen, [])
  })

  t.test(`${provider}: a registration and its email are stored together or not at all`, { skip }, async t => {
    const { statements, client } = await opened(t, provider)
    const { store } = registrations(client, statements)
    const registration = { id: uuidv7(), email: 'a@example.org', locale: null, expiresAt: NOW }
    await store(registration, NOW, ORIGIN)
    // An existing id cannot be inserted for another address.
    const failure = await store({ ...registration, email: 'b@example.org' }, NOW, ORIGIN).catch(
      error => error,
    )
    t.ok(isUniqueViolation(failure))
    t.strictSame(await client.registration.findMany(), [{ ...registration, createdAt: NOW }])
    t.match(await client.outbox.findMany(), [{ kind: 'registration', recipient: registration.email }])
    t.equal(await client.outbox.count(), 1)
  })

  t.test(
    `${provider}: registering again keeps the row and never shortens its lifetime`,
    { skip },
    async t => {
      const { statements, client } = await opened(t, provider)
      const { store } = registrations(client, statements)
      const at = (seconds: number) => new Date(NOW.getTime() + seconds * 1000)
      const row = { id: uuidv7(), email: 'a@example.org', locale: 'de', expiresAt: at(60) }
      await store(row, NOW, ORIGIN)
      await Promise.all(
        [90, 30].map(seconds =>
          store({ ...row, id: uuidv7(), locale: null, expiresAt: at(seconds) }, at(1), ORIGIN),
        ),
      )
      t.strictSame(await client.registration.findMany(), [{ ...row, createdAt: NOW, expiresAt: at(90) }])
      t.equal(await client.outbox.count(), 3)
    },
  )
}

t.test('SQLite: writes of one turn share a commit and are acknowledged after it', async t => {
  const url = await emptyDatabase(t, 'sqlite')
  await migrate(url)
  const connection = await openConnection(url)
  const other = await openConnection(url)
  t.teardown(() => {
    connection.close()
    other.close()
  })
  const seenByOthers = () => other.run('SELECT count(*) FROM guesses').rows[0]?.[0]
  const commits: unknown[] = []
  let failing = false
  const { change } = sqliteStatements({
    ...connection,
    async begin() {
      const transaction = await connection.begin()
      return {
        ...transaction,
        commit() {
          if (failing) {
            transaction.rollback()
            throw new Error('the disk is full')
          }
          transaction.commit()
          commits.push(seenByOthers())
        },
      }
    },
  })
  const insert = (id: string) =>
    change('INSERT INTO guesses (id, count, expires_at) VALUES ($1, 1, $2)', [id, NOW])
  const told = Promise.all(
    Array.from({ length: 20 }, async (_, i) => {
      await insert(`first ${i}`)
      return commits.length
    }),
  )
  t.strictSame(new Set(await told), new Set([1]), 'nothing is acknowledged before the commit')
  t.strictSame(commits, [20], 'one commit for all')

  failing = true
  const results = await Promise.allSettled([insert('second'), insert('third')])
  t.match(results, [
    { status: 'rejected', reason: { message: 'the disk is full' } },
    { status: 'rejected', reason: { message: 'the disk is full' } },
  ])
  failing = false
  await insert('fourth')
  t.equal(seenByOthers(), 21)
})

t.test('SQLite: a lock of another process fails only the waiting batch', async t => {
  const { statements, client, url } = await opened(t, 'sqlite', 200)
  const insert = (id: string) =>
    statements.change('INSERT INTO guesses (id, count, expires_at) VALUES ($1, 1, $2)', [id, NOW])
  await insert('before')
  const other = await openConnection(url)
  t.teardown(() => other.close())
  other.run('BEGIN IMMEDIATE')
  const refused = await Promise.allSettled([insert('refused'), insert('refused too')])
  t.strictSame(
    refused.map(result => result.status === 'rejected' && outageOf(result.reason)),
    ['away', 'away'],
  )
  t.equal((await statements.read('SELECT id FROM guesses', [])).length, 1, 'reads go on')
  other.run('COMMIT')
  await insert('after')
  t.strictSame(
    other.run('SELECT id FROM guesses ORDER BY id').rows.map(row => row[0]),
    ['after', 'before'],
    'others see it',
  )
  t.equal(await client.guess.count(), 2)
})

for (const { provider, skip } of providers) {
  t.test(`${provider}: of several changes all or none are made, beside other writes`, { skip }, async t => {
    const { statements, client } = await opened(t, provider)
    const INSERT = 'INSERT INTO guesses (id, count, expires_at) VALUES ($1, 1, $2)'
    await statements.change(INSERT, ['taken', NOW])
    const results = await Promise.allSettled([
      statements.changeAll([
        [INSERT, ['undone', NOW]],
        [INSERT, ['taken', NOW]],
      ]),
      statements.change(INSERT, ['beside', NOW]),
    ])
    t.strictSame(
      results.map(({ status }) => status),
      ['rejected', 'fulfilled'],
    )
    const rows = await client.guess.findMany({ orderBy: { id: 'asc' } })
    t.strictSame(
      rows.map(({ id }) => id),
      ['beside', 'taken'],
    )
    const twice = client.guess.create({ data: { id: 'taken', count: 1, expiresAt: NOW } })
    t.ok(isUniqueViolation(await twice.catch(error => error)), 'also by Prisma')
  })
}

/** Writes of every kind. */
const writesOf = ({ statements, client }: OpenDatabase, id: string): Promise<unknown>[] => {
  const INSERT = 'INSERT INTO guesses (id, count, expires_at) VALUES ($1, 1, $2)'
  const data = (kind: string) => ({ id: `${id} ${kind}`, count: 1, expiresAt: NOW })
  return [
    statements.change(INSERT, [`${id} change`, NOW]),
    statements.transaction(run => run(INSERT, [`${id} transaction`, NOW])),
    client.guess.create({ data: data('create') }),
    client.guess.updateMany({ where: { id: 'before' }, data: { count: 2 } }),
    client.$executeRawUnsafe('DELETE FROM guesses WHERE id IS NULL'),
    client.$transaction([client.guess.create({ data: data('in a batch') })]),
    client.$transaction(tx => tx.guess.create({ data: data('in a transaction') })),
  ]
}

t.test('SQLite: writes wait for another process without blocking the event loop', async t => {
  const database = await opened(t, 'sqlite')
  const other = await openConnection(database.url)
  t.teardown(() => other.close())
  other.run('BEGIN IMMEDIATE')
  // If one of them blocked, this process could not end its own lock in time.
  const writes = Promise.all(writesOf(database, 'waited'))
  t.strictSame(other.run('PRAGMA busy_timeout').rows, [[0]], 'SQLite does not wait')
  for (let attempts = 0; attempts < 10; attempts++) await delay(10)
  t.equal(await database.client.guess.count(), 0, 'reads do not wait')
  other.run('COMMIT')
  await writes
  t.equal(other.run('SELECT count(*) FROM guesses').rows[0]?.[0], 5, 'others see all of them')
})

t.test('SQLite: all writes that wait together give up together, and later ones go on waiting', async t => {
  const database = await opened(t, 'sqlite', 1500)
  const other = await openConnection(database.url)
  t.teardown(() => other.close())
  other.run('BEGIN IMMEDIATE')
  const start = performance.now()
  const given = Promise.allSettled(writesOf(database, 'given up'))
  await delay(1000)
  let laterGaveUp = false
  const later = Promise.all(writesOf(database, 'later')).catch(error => {
    laterGaveUp = true
    throw error
  })
  t.strictSame(
    (await given).map(result => result.status === 'rejected' && outageOf(result.reason)),
    Array(7).fill('away'),
  )
  t.ok(performance.now() - start >= 1499)
  t.notOk(laterGaveUp)
  other.run('COMMIT')
  await later
  t.equal(other.run('SELECT count(*) FROM guesses').rows[0]?.[0], 5)
})

t.test('SQLite: a statement that met a lock does not swallow later writes', async t => {
  const { url } = await opened(t, 'sqlite')
  const [connection, other] = [await openConnection(url), await openConnection(url)]
  t.teardown(() => [connection, other].map(({ close }) => close()))
  const INSERT = 'INSERT INTO guesses (id, count, expires_at) VALUES ($1, 1, $2)'
  other.run('BEGIN IMMEDIATE')
  t.throws(() => connection.run(INSERT, ['refused', 'never']), { code: 'SQLITE_BUSY' })
  other.run('COMMIT')
  const transaction = await connection.begin()
  transaction.run(INSERT, ['kept', 'never'])
  transaction.commit()
  t.strictSame(other.run('SELECT id FROM guesses').rows, [['kept']])
})

t.test('SQLite: extended codes of a lock are outages', async t => {
  for (const rawCode of [5, 261, 517]) {
    const error = Object.assign(new Error('database is locked'), { rawCode })
    t.ok(isBusy(error), String(rawCode))
    t.equal(outageReason(error)?.reason, 'is too busy')
  }
})

t.test('SQLite: nothing runs on a closed connection', async t => {
  const connection = await openConnection(await emptyDatabase(t, 'sqlite'))
  connection.close()
  t.throws(() => connection.run('SELECT 1'), { message: 'The connection is closed' })
  await t.rejects(connection.begin(), { message: 'The connection is closed' })
})

t.test('SQLite: a statement after the end of its transaction throws', async t => {
  const url = await emptyDatabase(t, 'sqlite')
  await migrate(url)
  const connection = await openConnection(url)
  t.teardown(() => connection.close())
  const INSERT = 'INSERT INTO guesses (id, count, expires_at) VALUES ($1, 1, $2)'
  const first = await connection.begin()
  first.run(INSERT, ['within', 'never'])
  const next = connection.begin().then(transaction => {
    transaction.run(INSERT, ['undone', 'never'])
    return transaction
  })
  const read = connection.alone(() => {
    // Fails within a transaction.
    connection.run('BEGIN')
    const { rows } = connection.run('SELECT id FROM guesses')
    connection.run('COMMIT')
    return rows
  })
  first.commit()
  t.strictSame(await read, [['within']], 'waiting reads run before the next transaction')
  const second = await next
  t.throws(() => first.run(INSERT, ['after', 'never']), { message: 'The transaction is over' })
  t.throws(() => first.run('SAVEPOINT job'), { message: 'The transaction is over' })
  t.throws(() => first.commit(), { message: 'The transaction is over' })
  first.rollback()
  second.rollback()
  t.strictSame(connection.run('SELECT id FROM guesses').rows, [['within']])
})
