/**
 * No statement of a flow reads a whole table. The statements are those that the flows really run, recorded at the
 * driver and explained by the database.
 */
import t, { type Test } from 'tap'
import { openDatabase } from '../../../src/database/index.ts'
import { housekeeper } from '../../../src/jobs/housekeeping.ts'
import { confirmedAccount, startApp, testClock, tokenIn } from '../../harness/app.ts'
import { provider } from '../../harness/database.ts'
import { startOperators } from '../../harness/operators.ts'
import { type Caught, catchStatements, explainer } from './recorded-statements.ts'

/** One row for each job that instances share, the newest events of an account, and parameters: a scan is right here. */
const SMALL = new Set(['leases', 'recent', 'json_each'])

type World = Awaited<ReturnType<typeof startApp>>

async function journey(t: Test, world: World, advance: (seconds: number) => void) {
  const { app, smtp } = world
  const { email, password } = await confirmedAccount(world)
  const ask = async (
    status: number,
    url: string,
    payload?: object,
    accessToken?: string,
    method = 'POST',
  ) => {
    const answer = await app.inject({
      method: method as 'POST',
      url,
      ...(payload && { payload }),
      headers: { 'user-agent': 'curl/8', ...(accessToken && { authorization: `Bearer ${accessToken}` }) },
    })
    t.equal(answer.statusCode, status, `${method} ${url}: ${answer.body.slice(0, 200)}`)
    return answer.body === '' ? {} : answer.json()
  }
  await ask(202, '/confirm-email/resend', { email: 'pending@example.org' })
  await ask(401, '/login', { email, password: 'a wrong password' })
  const pair = await ask(200, '/login', { email, password })
  const next = await ask(200, '/token/refresh', { refreshToken: pair.refreshToken })
  await ask(200, '/me', undefined, next.accessToken, 'GET')
  await ask(200, '/me', { locale: 'en' }, next.accessToken, 'PATCH')
  await ask(200, '/sessions', undefined, next.accessToken, 'GET')
  const { nextCursor } = await ask(200, '/me/events?limit=1', undefined, next.accessToken, 'GET')
  await ask(200, `/me/events?limit=1&cursor=${nextCursor}`, undefined, next.accessToken, 'GET')
  await ask(200, '/me/export', undefined, next.accessToken, 'GET')
  await ask(204, '/sessions', undefined, next.accessToken, 'DELETE')
  await ask(204, '/logout', undefined, next.accessToken)
  advance(3600)
  await ask(202, '/password-reset/request', { email })
  const resetMail = () => smtp.mails.find(({ subject }) => /reset/i.test(subject))
  while (resetMail() === undefined) await smtp.waitForMails(smtp.mails.length + 1)
  const token = tokenIn(resetMail())
  await ask(200, '/password-reset/check', { token })
  await ask(204, '/password-reset/confirm', { token, newPassword: 'a staple of correct batteries' })
  const { requestToken } = await ask(202, '/password-reset/request', { email })
  await ask(400, '/password-reset/confirm', {
    requestToken,
    code: '12345678',
    newPassword: 'one more staple of batteries',
  })
  const again = await ask(200, '/login', { email, password: 'a staple of correct batteries' })
  await ask(204, '/me', { currentPassword: 'a staple of correct batteries' }, again.accessToken, 'DELETE')
}

t.test('no statement of a flow, of the worker or of the housekeeping scans a table', async t => {
  const caught = catchStatements(t)
  const { clock, advance } = testClock()
  const world = await startApp(t, { env: { RATE_LIMIT: 'on' }, overrides: { clock } })
  caught.clear()
  await journey(t, world, advance)
  t.type(await housekeeper(world.app, { rest: 0 }).sweep(), 'number')
  // Also waits for rows that the worker has claimed.
  await world.app.close()

  const statements = [...caught.values()]
  for (const table of [
    'users',
    'sessions',
    'registrations',
    'pending_registrations',
    'outbox',
    'events',
    'guesses',
    'mail_turns',
    'leases',
  ]) {
    const about = statements.filter(({ sql }) => new RegExp(`\\b${table}\\b`).test(sql))
    t.ok(about.length > 0, `${about.length} statements about ${table}`)
  }
  const explain = await explainer(t, world.databaseUrl)
  for (const statement of statements) {
    const { plan, scanned } = await explain(statement)
    const large = scanned.filter(table => !SMALL.has(table))
    t.strictSame(large, [], statement.sql.replace(/\s+/g, ' ').slice(0, 100), { sql: statement.sql, plan })
  }
})

t.test('detects a scan', async t => {
  const { databaseUrl } = await startApp(t)
  const explain = await explainer(t, databaseUrl)
  for (const sql of [
    `SELECT id FROM sessions WHERE device = 'x'`,
    `SELECT id FROM users WHERE locale = 'hr' ORDER BY id`,
    `DELETE FROM outbox WHERE last_error = 'x'`,
  ]) {
    const { scanned, plan } = await explain({ sql, values: [] })
    t.equal(scanned.length, 1, sql, { plan })
  }
})

/** Rows of each table, of which a few are in rare states. */
const ROWS = 3000

/** Fills `users` and `outbox` by statements of the database itself. */
async function seed(t: Test, databaseUrl: string) {
  const { client, provider, close } = await openDatabase(databaseUrl)
  t.teardown(close)
  const isSqlite = provider === 'sqlite'
  const series = isSqlite
    ? `(WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${ROWS}) SELECT i FROM n) AS n`
    : `generate_series(1, ${ROWS}) AS n(i)`
  const id = `'00000000-0000-7000-8000-' || ${isSqlite ? `printf('%012d', i)` : `lpad(i::text, 12, '0')`}`
  const time = isSqlite
    ? `strftime('%Y-%m-%dT%H:%M:%S.000+00:00', 1700000000 + i * 60, 'unixepoch')`
    : `timestamp '2023-11-14' + i * interval '1 minute'`
  await client.$executeRawUnsafe(`INSERT INTO users
    (id, email, password_hash, email_confirmed_at, invited_at, disabled_at, password_changed_at, created_at)
    SELECT ${id}, 'person-' || i || '@example.org', 'x', CASE WHEN i % 1000 > 1 THEN ${time} END,
      CASE WHEN i % 1000 = 1 THEN ${time} END, CASE WHEN i % 1000 = 2 THEN ${time} END, ${time}, ${time} FROM ${series}`)
  await client.$executeRawUnsafe(`INSERT INTO outbox
    (id, kind, recipient, state, attempts, next_attempt_at, created_at, finished_at)
    SELECT ${id}, 'reset_request', 'person-' || i || '@example.org',
      CASE i % 1000 WHEN 1 THEN 'dead' WHEN 2 THEN 'queued' WHEN 3 THEN 'joined' ELSE 'sent' END,
      1, ${time}, ${time}, ${time} FROM ${series}`)
  // A PostgreSQL in use does so by itself; the service never asks SQLite to.
  if (!isSqlite) await client.$executeRawUnsafe('ANALYZE')
}

t.test('each listing of operators reads the entries of its page from an index', async t => {
  const caught = catchStatements(t)
  const service = await startApp(t, { overrides: { clock: testClock().clock } })
  const { ask } = await startOperators(t, service)
  await seed(t, service.databaseUrl)
  const byEmail = provider === 'sqlite' ? 'users_email_key' : 'users_email_c_idx'
  const byMail = provider === 'sqlite' ? 'sqlite_autoindex_outbox_1' : 'outbox_pkey'
  // Where a recipient has few emails, PostgreSQL may choose either.
  const byRecipient = 'outbox_recipient_state_idx|outbox_recipient_created_at_id_idx'
  const TIME = '2023-11-15T09:00:00.000Z'
  const MAIL = '1700040000000-00000000-0000-7000-8000-000000000600'
  const listings: [url: string, index: string][] = [
    ['/users', 'users_created_at_id_idx'],
    ['/users?cursor=1700040000000_x', 'users_created_at_id_idx'],
    [`/users?createdBefore=${TIME}`, 'users_created_at_id_idx'],
    [`/users?createdAfter=${TIME}`, 'users_created_at_id_idx'],
    ...['active', 'disabled', 'invited', 'unconfirmed'].flatMap((state): [string, string][] => [
      [`/users?state=${state}`, `users_${state}_idx`],
      [`/users?state=${state}&createdBefore=${TIME}`, `users_${state}_idx`],
      [`/users?state=${state}&cursor=1700040000000_x`, `users_${state}_idx`],
    ]),
    ['/users?emailPrefix=person-1', byEmail],
    ['/users?emailPrefix=nobody', byEmail],
    [`/users?emailPrefix=person&cursor=e_${Buffer.from('person-2').toString('base64url')}`, byEmail],
    ['/mails', byMail],
    [`/mails?cursor=${MAIL}`, byMail],
    ...[
      { states: ['queued', 'joined'], index: 'outbox_state_next_attempt_at_idx' },
      { states: ['sent', 'dead'], index: 'outbox_state_finished_at_idx' },
    ].flatMap(({ states, index }) => [
      ...states.map((state): [string, string] => [`/mails?state=${state}`, index]),
      ...states.map((state): [string, string] => [`/mails?state=${state}&cursor=${MAIL}`, index]),
    ]),
    ['/mails?recipient=person-7@example.org', byRecipient],
    ['/mails?state=sent&recipient=person-7@example.org', byRecipient],
  ]
  const explain = await explainer(t, service.databaseUrl)
  const faults: unknown[] = []
  // SQLite's driver prepares a statement once, and is not seen to run it again.
  let statement: Caught | undefined
  for (const [url, index] of listings) {
    caught.clear()
    const response = await ask('GET', url)
    t.equal(response.statusCode, 200, url)
    const table = url.startsWith('/users') ? 'users' : 'outbox'
    const isListing = ({ sql }: Caught) => new RegExp(`FROM ${table}\\b.*ORDER BY`, 's').test(sql)
    statement = [...caught.values()].find(isListing) ?? statement
    const { plan, indexes, isSorted } = await explain(statement as Caught)
    // Of one recipient there are few.
    const maySort = url.includes('recipient')
    if (!index.split('|').includes(indexes.join()) || (isSorted && !maySort)) faults.push({ url, plan })
  }
  t.strictSame(faults, [])
})

// Regression: each page sorted every email to the address.
t.test('each page of the emails in an export is read from an index, in its order', async t => {
  const caught = catchStatements(t)
  const { app, databaseUrl } = await startApp(t)
  await seed(t, databaseUrl)
  caught.clear()
  const [recipient, other] = ['person-7@example.org', 'person-8@example.org']
  const { client, close } = await openDatabase(databaseUrl)
  t.teardown(close)
  await client.outbox.updateMany({ where: { recipient: other }, data: { recipient } })
  const { outbox } = app.database
  const user = { id: 'somebody', email: recipient }
  const [first] = await outbox.nextTo(user, undefined, 1)
  const next = await outbox.nextTo(user, first, 10)
  t.strictSame(
    [first, ...next].map(row => Number(row?.id.slice(-12))),
    [7, 8],
  )
  const explain = await explainer(t, databaseUrl)
  const page = [...caught.values()].find(({ sql }) => sql.includes('ORDER BY created_at, id')) as Caught
  const { plan, indexes, isSorted } = await explain(page)
  t.strictSame([indexes, isSorted], [['outbox_recipient_created_at_id_idx'], false], 'its index', { plan })
})
