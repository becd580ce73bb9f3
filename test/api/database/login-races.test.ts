/**
 * Races between logins and changes of the same account. On PostgreSQL a login is one statement, whose parts read one
 * snapshot; on SQLite it is part of a group commit.
 */
import t, { type Test } from 'tap'
import { v7 as uuidv7 } from 'uuid'
import { type OpenDatabase, openDatabase } from '../../../src/database/index.ts'
import { deletions } from '../../../src/database/queries/deletions.ts'
import { SESSIONS_PER_ACCOUNT, sessions } from '../../../src/database/queries/sessions.ts'
import { type User, users } from '../../../src/database/queries/users.ts'
import type { Run } from '../../../src/database/sql.ts'
import { freshDatabase, providers } from '../../harness/database.ts'
import { until } from '../../harness/until.ts'

const NOW = new Date('2026-03-29T01:30:00.007Z')
const later = (seconds: number) => new Date(NOW.getTime() + seconds * 1000)
const ORIGIN = { ip: '10.1.2.3', device: 'Firefox on Linux', requestId: uuidv7() }
const LOCK = 'SELECT 1 AS one FROM users WHERE id = $1 FOR NO KEY UPDATE'
const WAITING = `SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`

const newSession = (at = NOW) => ({
  id: uuidv7(),
  refreshHash: 'now',
  createdAt: at,
  refreshedAt: at,
  expiresAt: later(1000),
})

async function opened(t: Test, provider: OpenDatabase['provider']) {
  const url = await freshDatabase(t, provider)
  const [database, other] = [await openDatabase(url), await openDatabase(url)]
  t.teardown(() => Promise.all([database.close(), other.close()]))
  return { ...database, other }
}

const account = ({ client }: Pick<OpenDatabase, 'client'>, lastLoginAt: Date | null) =>
  client.user.create({
    data: {
      id: uuidv7(),
      email: `${uuidv7()}@example.org`,
      passwordHash: 'hash',
      emailConfirmedAt: NOW,
      passwordChangedAt: NOW,
      createdAt: NOW,
      lastLoginAt,
    },
  })

for (const { provider, skip } of providers) {
  t.test(`${provider}: of parallel logins from a new device one sends a notice`, { skip }, async t => {
    const { client, statements, other } = await opened(t, provider)
    const open = (user: User) =>
      Promise.all(
        [statements, other.statements, statements].map(each =>
          sessions(client, each).open(user, newSession(), ORIGIN),
        ),
      )
    const known = await account({ client }, NOW)
    const filed = (await open(known)).map(session => session?.mailQueued)
    t.strictSame(filed.sort(), [false, false, true])
    t.equal(await client.outbox.count({ where: { userId: known.id, kind: 'new_device' } }), 1)
    t.equal(await client.session.count({ where: { userId: known.id } }), 3)
    t.equal(await client.event.count({ where: { userId: known.id, kind: 'logged_in' } }), 3)
    t.match(await client.familiarNetwork.findMany({ where: { userId: known.id } }), [{}])

    const unseen = await account({ client }, null)
    await open(unseen)
    t.equal(await client.outbox.count({ where: { userId: unseen.id } }), 0, 'a first login sends no notice')
    t.equal(await client.session.count({ where: { userId: unseen.id } }), 3)
  })

  t.test(
    `${provider}: the oldest session is revoked for a new one and recorded in the history`,
    { skip },
    async t => {
      const { client, statements } = await opened(t, provider)
      const user = await account({ client }, NOW)
      const { open } = sessions(client, statements)
      for (let i = 0; i < SESSIONS_PER_ACCOUNT; i++) await open(user, newSession(later(i)), ORIGIN)
      const oldest = await client.session.findFirst({
        where: { userId: user.id },
        orderBy: { createdAt: 'asc' },
      })
      const ended = { where: { userId: user.id, kind: 'session_ended' } }
      t.equal(await client.event.count(ended), 0)
      await open(user, newSession(later(100)), { ip: null, device: null, requestId: null })
      t.equal(await client.session.count({ where: { userId: user.id } }), SESSIONS_PER_ACCOUNT)
      t.equal(await client.session.findUnique({ where: { id: oldest?.id ?? '' } }), null)
      t.equal(await client.event.count(ended), 1)
      t.equal(
        await client.outbox.count({ where: { userId: user.id, device: null } }),
        1,
        'a login without a device sends no notice',
      )
      t.equal(await client.familiarNetwork.count(), 1, 'and without an address there is no network')
    },
  )

  t.test(
    `${provider}: a login to an account that has changed meanwhile writes nothing`,
    { skip },
    async t => {
      const { client, statements } = await opened(t, provider)
      const user = await account({ client }, NOW)
      const { open } = sessions(client, statements)
      t.equal(await open({ ...user, passwordHash: 'before' }, newSession(), ORIGIN), undefined)
      t.equal(await open({ ...user, email: 'before@example.org' }, newSession(), ORIGIN), undefined)
      await client.user.update({ where: { id: user.id }, data: { disabledAt: NOW } })
      t.equal(await open(user, newSession(), ORIGIN), undefined, 'nor for an account that is disabled')
      t.strictSame(
        [await client.session.count(), await client.event.count(), await client.outbox.count()],
        [0, 0, 0],
      )
    },
  )
}

const skip = providers.find(({ provider }) => provider === 'postgresql')?.skip ?? false

/** Starts a change of an account while another connection locks the row, logs in and commits. */
async function whileLoggingIn<T>(
  { client, statements, other }: Awaited<ReturnType<typeof opened>>,
  user: User,
  change: (database: OpenDatabase) => Promise<T>,
): Promise<T> {
  let changed: Promise<T> | undefined
  await statements.transaction(async (run: Run) => {
    await run(LOCK, [user.id])
    changed = change(other)
    changed.catch(() => {})
    await until('it waits for the account', async () => (await statements.read(WAITING, [])).length > 0)
    const session = await sessions(client, { ...statements, change: run }).open(user, newSession(), ORIGIN)
    if (session === undefined) throw new Error('no session was opened')
  })
  return changed as Promise<T>
}

t.test('revoking all sessions includes that of a concurrent login', { skip }, async t => {
  const database = await opened(t, 'postgresql')
  const { client } = database
  const changes: Record<string, (user: User, to: OpenDatabase) => Promise<unknown>> = {
    'a new password': (user, { client, statements }) =>
      users(client, statements).setPassword(user, 'new', later(1), ORIGIN, 'password_reset'),
    '"this was not me"': (user, { client, statements }) =>
      users(client, statements).secure(user, { email: user.email, notice: NOW }, later(1), ORIGIN),
    'a deletion': (user, { client }) => deletions(client).remove(user, later(1), ORIGIN, later(2)),
    'the owner, from the only other device': (user, { client, statements }) =>
      sessions(client, statements).endOthers(user.id, uuidv7(), later(1), ORIGIN),
    'an operator who disables it': (user, { client }) =>
      client.user.update({ where: { id: user.id }, data: { disabledAt: NOW } }),
  }
  for (const [name, change] of Object.entries(changes)) {
    const user = await account(database, NOW)
    t.ok(await whileLoggingIn(database, user, to => change(user, to)), name)
    t.equal(await client.session.count({ where: { userId: user.id } }), 0, `${name}: no session is left`)
  }
})

t.test('a login that waited for another login sees its writes', { skip }, async t => {
  const database = await opened(t, 'postgresql')
  const { client } = database
  const user = await account(database, NOW)
  const second = await whileLoggingIn(database, user, ({ client, statements }) =>
    sessions(client, statements).open(user, newSession(), ORIGIN),
  )
  t.strictSame(second, { mailQueued: false, claims: null }, 'its device is known by then')
  t.equal(await client.session.count({ where: { userId: user.id } }), 2)
  t.equal(await client.event.count({ where: { userId: user.id } }), 2)
})
