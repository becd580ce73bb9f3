/**
 * No statement of a flow reads a whole table. The statements are those that the flows really run: they are
 * caught where they leave for the driver, and explained by the database itself.
 */
import t, { type Test } from 'tap'
import { housekeeper } from '../../../src/jobs/housekeeping.ts'
import { confirmedAccount, startApp, testClock, tokenIn } from '../../harness/app.ts'
import { catchStatements, explainer } from './recorded-statements.ts'

/** One row for each work that instances share, and the newest events of an account: reading all of it is right. */
const SMALL = new Set(['leases', 'recent'])

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
  // Also ends what the worker has in hand.
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

t.test('a scan would be noticed', async t => {
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
