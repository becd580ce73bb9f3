/** A deletion does not void notices: while one is valid, "this was not me" undoes the deletion. */
import type { LightMyRequestResponse as Response } from 'fastify'
import t, { type Test } from 'tap'
import { housekeeper } from '../../../src/jobs/housekeeping.ts'
import { tally } from '../../adversarial/tally.ts'
import { bearer, confirmedAccount, startApp, testClock, tokenIn } from '../../harness/app.ts'
import { isProblemOf } from '../../harness/problem.ts'
import { recordQueries } from '../../harness/queries.ts'
import { until } from '../../harness/until.ts'

const OWNER = 'ada@example.org'
const ATTACKER = 'attacker@example.net'
const PASSWORD = 'correct horse battery staple'
const NEW_PASSWORD = 'a password that nobody had before'
const WEEK = 604_800

async function startService(t: Test) {
  const time = testClock(new Date('2030-01-01T00:00:00Z'))
  const service = await startApp(t, {
    env: { ACCESS_TOKEN_TTL: '86400' },
    overrides: { clock: time.clock, mail: { timing: { firstRetry: 0.05 } } },
  })
  const { rows } = service
  const send = (method: 'GET' | 'POST' | 'DELETE', url: string, payload?: object, accessToken?: string) =>
    service.app.inject({
      method,
      url,
      ...(payload && { payload }),
      headers: { 'user-agent': 'curl/8.5.0', ...(accessToken && bearer(accessToken)) },
    })
  const post = (url: string, payload: object, accessToken?: string): Promise<Response> =>
    send('POST', url, payload, accessToken)
  async function mailsTo(email: string) {
    await rows.settled()
    return service.smtp.mails.filter(({ to }) => to.includes(email))
  }
  const logIn = (email: string, password = PASSWORD) => post('/login', { email, password })
  const secure = (token: string, email: string) => post('/account/secure', { token, email })
  const leave = (accessToken: string) => send('DELETE', '/me', { currentPassword: PASSWORD }, accessToken)
  /** An attacker who knows the password changes the email of the account. */
  async function move(accessToken: string) {
    await post('/email-change/request', { currentPassword: PASSWORD, newEmail: ATTACKER }, accessToken)
    const token = tokenIn((await mailsTo(ATTACKER)).at(-1))
    const answer = await post('/email-change/confirm', { token, password: PASSWORD })
    if (answer.statusCode !== 204) throw new Error(answer.body)
    time.advance(1)
  }
  /** Every row that refers to the account or one of its addresses. */
  async function traces(...names: string[]) {
    const { event, notice, deletedAccount, familiarNetwork } = rows.client
    const tables = {
      ...(await rows.dump()),
      events: await event.findMany(),
      notices: await notice.findMany(),
    }
    const all = {
      ...tables,
      deleted: await deletedAccount.findMany(),
      networks: await familiarNetwork.findMany(),
    }
    return Object.entries(all).flatMap(([table, found]) =>
      (found as object[])
        .filter(row => names.some(name => JSON.stringify(row).includes(name)))
        .map(() => table),
    )
  }
  const { sweep } = housekeeper(service.app, { rest: 0 })
  return { ...service, rows, time, send, post, mailsTo, logIn, secure, leave, move, traces, sweep }
}
type Service = Awaited<ReturnType<typeof startService>>

/** The account after an attacker changed its email and deleted it. */
async function takenOverAndDeleted(service: Service) {
  const ada = await confirmedAccount(service, OWNER, PASSWORD)
  const { id } = (await service.send('GET', '/me', undefined, ada.accessToken)).json()
  const attacker = (await service.logIn(OWNER)).json() as { accessToken: string; refreshToken: string }
  await service.move(attacker.accessToken)
  const moved = (await service.mailsTo(OWNER)).at(-1)
  const left = await service.leave(attacker.accessToken)
  if (left.statusCode !== 204) throw new Error(left.body)
  return { ada, attacker, id, notice: tokenIn(moved) }
}

t.test('the owner recovers an account whose email an attacker changed and which they deleted', async t => {
  const service = await startService(t)
  const { ada, attacker, id, notice } = await takenOverAndDeleted(service)
  for (const { accessToken, refreshToken } of [ada, attacker]) {
    isProblemOf(t, await service.send('GET', '/me', undefined, accessToken), 'unauthenticated')
    isProblemOf(t, await service.post('/token/refresh', { refreshToken }), 'refresh_token_invalid')
  }
  for (const email of [OWNER, ATTACKER]) isProblemOf(t, await service.logIn(email), 'invalid_credentials')
  t.strictSame(await service.rows.countsOf(ATTACKER), { users: 0, registrations: 0, sessions: 0, mails: 1 })
  t.equal(await service.rows.client.user.count(), 0)
  const stored = JSON.stringify(await service.rows.client.deletedAccount.findMany())
  t.notMatch(stored, /@|argon2/, 'the kept row has no address and no hash')

  const [farewell, other] = [(await service.mailsTo(OWNER)).at(-1), (await service.mailsTo(ATTACKER)).at(-1)]
  t.match(farewell?.subject, /was deleted/, 'the farewell is sent to the owner')
  t.match(farewell?.text, /\/app\/secure#token=/)
  t.match(other?.subject, /was deleted/)
  t.notMatch(other?.text, /#token=/, 'the attacker’s email has no link')

  for (const email of [ATTACKER, 'eve@example.org']) {
    isProblemOf(t, await service.secure(notice, email), 'token_spent', `with ${email}`)
  }
  service.time.advance(60)
  const answers = await Promise.all([1, 2, 3, 4].map(() => service.secure(notice, OWNER)))
  t.strictSame(tally(answers), { '204': 1, '400 token_spent': 3 })
  isProblemOf(t, await service.secure(tokenIn(farewell), OWNER), 'token_spent', 'the farewell was sent')
  isProblemOf(t, await service.logIn(OWNER), 'invalid_credentials', 'the old password is blocked')
  isProblemOf(t, await service.send('GET', '/me', undefined, attacker.accessToken), 'unauthenticated')

  const secured = (await service.mailsTo(OWNER)).at(-1)
  t.match(secured?.subject, /is secured/)
  const reset = { token: tokenIn(secured), newPassword: NEW_PASSWORD }
  t.equal((await service.post('/password-reset/confirm', reset)).statusCode, 204)
  const back = await service.logIn(OWNER, NEW_PASSWORD)
  t.equal(back.statusCode, 200)
  const { accessToken } = back.json()
  t.match((await service.send('GET', '/me', undefined, accessToken)).json(), { id, email: OWNER })
  const { events } = (await service.send('GET', '/me/events', undefined, accessToken)).json()
  const kinds = events.map(({ kind }: { kind: string }) => kind).reverse()
  t.strictSame(kinds.slice(-5), ['deleted', 'secured', 'log_in_refused', 'password_reset', 'logged_in'])
})

t.test("the farewell's link undoes the deletion, also without a change of email", async t => {
  const service = await startService(t)
  await confirmedAccount(service, OWNER, PASSWORD)
  // Links of its notices are bound to the number of times it was disabled, and so is the deleted account.
  await service.rows.disable(OWNER)
  await service.rows.enable(OWNER)
  const { accessToken } = (await service.logIn(OWNER)).json()
  t.match((await service.mailsTo(OWNER)).at(-1)?.subject, /^New device/)
  service.time.advance(WEEK - 1)
  const again = (await service.logIn(OWNER)).json()
  isProblemOf(t, await service.leave(accessToken), 'unauthenticated')
  t.equal((await service.leave(again.accessToken)).statusCode, 204)
  const farewell = tokenIn((await service.mailsTo(OWNER)).at(-1))
  service.time.advance(WEEK - 1)
  await service.sweep()
  t.equal((await service.secure(farewell, OWNER)).statusCode, 204)
  t.match((await service.mailsTo(OWNER)).at(-1)?.subject, /is secured/)
})

t.test('a notice undoes a deletion that is in progress', async t => {
  const service = await startService(t)
  await confirmedAccount(service, OWNER, PASSWORD)
  const { accessToken } = (await service.logIn(OWNER)).json()
  const notice = tokenIn((await service.mailsTo(OWNER)).at(-1))
  let deleted: () => void = () => {}
  const deletion = new Promise<void>(resolve => {
    deleted = resolve
  })
  let reached = false
  recordQueries(service.app, name => {
    if (name !== 'users.secure') return undefined
    reached = true
    return deletion
  })
  const securing = service.secure(notice, OWNER)
  await until('the account was read', () => reached)
  t.equal((await service.leave(accessToken)).statusCode, 204)
  deleted()
  t.equal((await securing).statusCode, 204)
  t.equal(await service.rows.client.user.count(), 1)
  isProblemOf(t, await service.secure(notice, OWNER), 'token_spent', 'once')
})

t.test('an attacker who undoes the deletion at their own address does not outrank the owner', async t => {
  const service = await startService(t)
  await confirmedAccount(service, OWNER, PASSWORD)
  const attacker = (await service.logIn(OWNER)).json()
  await service.move(attacker.accessToken)
  const notice = tokenIn((await service.mailsTo(OWNER)).at(-1))
  await service.app.inject({
    method: 'POST',
    url: '/login',
    payload: { email: ATTACKER, password: PASSWORD },
    headers: { 'user-agent': 'Wget/1.21' },
  })
  t.match((await service.mailsTo(ATTACKER)).at(-1)?.subject, /^New device/)
  service.time.advance(1)
  await service.leave(attacker.accessToken)
  const [owners, attackers] = [
    tokenIn((await service.mailsTo(OWNER)).at(-1)),
    tokenIn((await service.mailsTo(ATTACKER)).at(-1)),
  ]
  service.time.advance(1)
  t.equal((await service.secure(attackers, ATTACKER)).statusCode, 204)
  service.time.advance(1)
  t.equal(
    (await service.secure(owners, OWNER)).statusCode,
    204,
    'the farewell to the owner is as old as the notice',
  )
  isProblemOf(t, await service.secure(attackers, ATTACKER), 'token_spent')
  isProblemOf(t, await service.secure(notice, OWNER), 'token_spent')
  t.match(await service.rows.client.user.findMany(), [{ email: OWNER }])
})

t.test('the old email is free and reveals nothing, and its new account stays', async t => {
  const service = await startService(t)
  const { notice } = await takenOverAndDeleted(service)
  for (const email of [OWNER, ATTACKER, 'nobody@example.org']) {
    const before = (await service.mailsTo(email)).length
    await service.post('/password-reset/request', { email })
    t.equal((await service.mailsTo(email)).length, before, `no reset for ${email}`)
  }
  const taken = await confirmedAccount(service, OWNER, NEW_PASSWORD)
  isProblemOf(t, await service.secure(notice, OWNER), 'token_spent')
  const me = await service.send('GET', '/me', undefined, taken.accessToken)
  t.match(me.json(), { email: OWNER })
  const { events } = (await service.send('GET', '/me/events', undefined, taken.accessToken)).json()
  t.strictSame(
    events.map(({ kind }: { kind: string }) => kind),
    ['confirmed', 'registered'],
  )
})

t.test('after the undo period nothing of the account remains', async t => {
  const service = await startService(t)
  const { id, notice } = await takenOverAndDeleted(service)
  const farewell = tokenIn((await service.mailsTo(OWNER)).at(-1))
  t.ok((await service.traces(id)).includes('deleted'))
  const history = await service.rows.client.event.count()
  service.time.advance(WEEK)
  isProblemOf(t, await service.secure(notice, OWNER), 'token_expired')
  isProblemOf(t, await service.secure(farewell, OWNER), 'token_expired')
  await service.sweep()
  t.strictSame(await service.traces(id, OWNER, ATTACKER), [])
  const events = await service.rows.client.event.findMany()
  t.equal(events.length, history)
  for (const event of events) t.match(event, { userId: null, ip: null, device: null, requestId: null })
})

t.test('a queued notice is sent and valid after the account is deleted', async t => {
  const service = await startService(t)
  const ada = await confirmedAccount(service, OWNER, PASSWORD)
  await service.rows.settled()
  await service.smtp.stop()
  const { accessToken } = (await service.logIn(OWNER)).json()
  t.equal((await service.leave(accessToken)).statusCode, 204)
  isProblemOf(t, await service.send('GET', '/me', undefined, ada.accessToken), 'unauthenticated')
  await service.smtp.start()
  // An attempt in progress may still fail; its retry is then due later by this clock.
  await until('every mail is sent', async () => {
    service.time.advance(1)
    return (await service.rows.client.outbox.count({ where: { state: 'queued' } })) === 0
  })
  const notice = (await service.mailsTo(OWNER)).find(({ subject }) => /^New device/.test(subject))
  t.equal((await service.secure(tokenIn(notice), OWNER)).statusCode, 204)
})

t.test('an email queued before the account was disabled is not sent after it is enabled', async t => {
  const service = await startService(t)
  await confirmedAccount(service, OWNER, PASSWORD)
  const other = await confirmedAccount(service)
  await service.rows.settled()
  const before = service.smtp.mails.length
  await service.smtp.stop()
  for (const email of [OWNER, other.email]) await service.logIn(email)
  const deferred = { state: 'queued', attempts: 1, leasedUntil: null }
  await until(
    'both emails wait for their second attempt',
    async () => (await service.rows.client.outbox.count({ where: deferred })) === 2,
  )
  await service.rows.disable(OWNER)
  await service.rows.enable(OWNER)
  await service.smtp.start()
  service.time.advance(60)
  await service.smtp.waitForMail(other.email, /^New device/, before)
  await service.rows.settled()
  t.strictSame(
    service.smtp.mails.slice(before).map(({ to }) => to),
    [[other.email]],
  )
})

t.test('an account without a valid notice is deleted at once', async t => {
  const service = await startService(t)
  await confirmedAccount(service, OWNER, PASSWORD)
  await service.logIn(OWNER)
  const token = tokenIn((await service.mailsTo(OWNER)).at(-1))
  service.time.advance(WEEK)
  const { accessToken } = (await service.logIn(OWNER)).json()
  const { id } = (await service.send('GET', '/me', undefined, accessToken)).json()
  t.equal((await service.leave(accessToken)).statusCode, 204)
  isProblemOf(t, await service.secure(token, OWNER), 'token_expired')
  const farewell = (await service.mailsTo(OWNER)).at(-1)
  t.match(farewell?.subject, /was deleted/)
  t.notMatch(farewell?.text, /#token=/)
  t.strictSame(await service.traces(id), [])
})

t.test('a notice from before the account was disabled is void, also after a deletion', async t => {
  const service = await startService(t)
  await confirmedAccount(service, OWNER, PASSWORD)
  await service.logIn(OWNER)
  const token = tokenIn((await service.mailsTo(OWNER)).at(-1))
  await service.rows.disable(OWNER)
  await service.rows.enable(OWNER)
  const { accessToken } = (await service.logIn(OWNER)).json()
  isProblemOf(t, await service.secure(token, OWNER), 'token_spent')
  t.equal((await service.leave(accessToken)).statusCode, 204)
  const farewell = (await service.mailsTo(OWNER)).at(-1)
  t.match(farewell?.subject, /was deleted/)
  t.notMatch(farewell?.text, /#token=/)
  isProblemOf(t, await service.secure(token, OWNER), 'token_spent')
})
