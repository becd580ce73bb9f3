import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import t, { type Test } from 'tap'
import { v7 as uuidv7 } from 'uuid'
import { openDatabase, queriesOf } from '../../../src/database/index.ts'
import { mailTurns } from '../../../src/database/queries/mail-turns.ts'
import { freshDatabase, providers } from '../../harness/database.ts'

const skip = providers.find(({ provider }) => provider === 'postgresql')?.skip ?? false
const NOW = new Date()
const later = (seconds: number) => new Date(NOW.getTime() + seconds * 1000)
const NO_ORIGIN = { ip: null, device: null, requestId: null }

/** @param timeout after which a waiting transaction looks for a deadlock, and is the victim of one */
async function opened(t: Test, timeout: string) {
  const url = await freshDatabase(t, 'postgresql')
  const other = new pg.Client(url)
  await other.connect()
  await other.query(`ALTER DATABASE ${new URL(url).pathname.slice(1)} SET deadlock_timeout = '${timeout}'`)
  const database = await openDatabase(url)
  t.teardown(async () => {
    await other.end()
    await database.close()
  })
  return { ...database, queries: queriesOf(database), other }
}

async function account({ client }: Awaited<ReturnType<typeof opened>>) {
  const id = uuidv7()
  return client.user.create({
    data: { id, email: `${id}@example.org`, passwordHash: '', passwordChangedAt: NOW, createdAt: NOW },
  })
}

t.test('the victim of a deadlock is repeated', { skip }, async t => {
  const { client, statements, other } = await opened(t, '100ms')
  const ADD = 'UPDATE guesses SET count = count + 1 WHERE id = $1'
  const update = (id: string) => ({ where: { id }, data: { count: { increment: 1 } } })
  await client.guess.createMany({ data: ['a', 'b'].map(id => ({ id, count: 0, expiresAt: NOW })) })
  const victims: Record<string, () => Promise<unknown>> = {
    change: () =>
      statements.change(
        `WITH a AS (UPDATE guesses SET count = count + 1 WHERE id = 'a' RETURNING id)
          UPDATE guesses SET count = count + 1 WHERE id = (SELECT CASE id WHEN 'a' THEN 'b' END FROM a)`,
        [],
      ),
    transaction: () =>
      statements.transaction(async run => {
        await run(ADD, ['a'])
        await run(ADD, ['b'])
      }),
    prisma: () =>
      client.$transaction(async tx => {
        await tx.guess.updateMany(update('a'))
        await tx.guess.updateMany(update('b'))
      }),
    'prisma, raw': () =>
      client.$transaction(async tx => {
        await tx.$executeRawUnsafe(ADD, 'a')
        await tx.$executeRawUnsafe(ADD, 'b')
      }),
  }
  for (const [name, write] of Object.entries(victims)) {
    await other.query('BEGIN')
    await other.query(`SET LOCAL deadlock_timeout = '60s'`)
    await other.query(`UPDATE guesses SET count = 0 WHERE id = 'b'`)
    const written = write()
    await delay(30)
    await other.query(`UPDATE guesses SET count = 0 WHERE id = 'a'`)
    await other.query('COMMIT')
    await written
    const counts = await client.guess.findMany({ select: { count: true } })
    t.strictSame(counts, [{ count: 1 }, { count: 1 }], name)
  }
})

t.test('the worker and an operator may change the emails of one account at once', { skip }, async t => {
  for (const [victim, timeout] of [
    ['worker', '20ms'],
    ['operator', '300ms'],
  ] as const) {
    const database = await opened(t, timeout)
    const { queries, statements } = database
    const by = { actor: 'cli', origin: NO_ORIGIN } as const
    for (const change of ['disable', 'remove'] as const) {
      const user = await account(database)
      const mail = { kind: 'email_change', recipient: `new-${user.email}`, userId: user.id } as const
      for (let request = 0; request < 3; request++) await queries.outbox.enqueue(mail, NOW)
      const last = (await queries.outbox.claim(3, later(1), later(60)))[2]
      if (last === undefined) throw new Error('nothing was claimed')
      let changed: Promise<unknown> | undefined
      const { lead } = mailTurns({
        ...statements,
        transaction: work =>
          statements.transaction(run =>
            work(async (sql, values) => {
              const rows = await run(sql, values)
              // The worker has its own email and not yet the requests that it serves.
              if (/SET mail_id = id/.test(sql) && changed === undefined) {
                changed =
                  change === 'disable'
                    ? queries.managedUsers.disable(user.id, NOW, by)
                    : queries.deletions.remove(user, NOW, NO_ORIGIN, later(60))
                await delay(100)
              }
              return rows as never
            }),
          ),
      })
      const nextTurn = () => new Date(0)
      const cap = { id: user.id, nextTurn, waitedTooLong: false, expiresAt: later(60) }
      await t.resolves(lead(last, ['email_change'], NOW, cap), `${change}, victim: ${victim}`)
      await t.resolves(changed as Promise<unknown>, `${change}, victim: ${victim}`)
    }
  }
})

t.test('a deletion can be undone by a notice that is being sent', { skip }, async t => {
  const database = await opened(t, '1s')
  const { queries, client, other } = database
  const user = await account(database)
  await queries.outbox.enqueue(
    { kind: 'email_change_requested', recipient: user.email, userId: user.id },
    NOW,
  )
  const [row] = await queries.outbox.claim(1, later(1), later(60))
  if (row === undefined) throw new Error('nothing was claimed')
  // The worker records the notice and finishes its email while the deletion waits to read the outbox.
  await other.query('BEGIN')
  await other.query('LOCK TABLE outbox IN ACCESS EXCLUSIVE MODE')
  const removed = queries.deletions.remove(user, NOW, NO_ORIGIN, later(60))
  await delay(100)
  await other.query(
    `INSERT INTO notices (id, user_id, recipient, notice_at, expires_at) VALUES ($1, $2, $3, now(), now() + interval '1 day')`,
    [`${user.id} ${user.email}`, user.id, user.email],
  )
  await other.query(`UPDATE outbox SET state = 'sent', finished_at = now(), leased_until = NULL`)
  await other.query('COMMIT')
  t.equal(await removed, true)
  t.match(await client.deletedAccount.findMany(), [{ id: user.id }])
})
