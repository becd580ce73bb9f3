import t from 'tap'
import { tokenIn } from '../../harness/app.ts'
import { until } from '../../harness/until.ts'
import { type Instance, noCluster, startCluster } from './cluster.ts'
import { answered, failed, newAccounts, PEOPLE, startLoad } from './load.ts'
import { mailFor, newPerson, PASSWORD } from './person.ts'

/** Accounts whose password is reset while an instance is killed. */
const RESETS = 12
const NEW_PASSWORD = 'a password that nobody had before'

t.test('a killed instance loses no acknowledged change', { skip: noCluster }, async t => {
  const cluster = await startCluster(t, { env: { RATE_LIMIT: 'off' } })
  const accounts = await newAccounts(t, cluster, PEOPLE, 'person')
  const forgetful = await newAccounts(t, cluster, RESETS, 'forgetful')
  const resets = await Promise.all(
    forgetful.map(async ({ email }) => {
      await newPerson(t, cluster).post('/password-reset/request', { email })
      return { email, token: tokenIn(await mailFor(cluster, email, /^Reset/)) }
    }),
  )
  const { instances, rows, smtp } = cluster
  const victim = instances[1] as Instance
  const person = newPerson(t, cluster)
  const load = startLoad(t, cluster, accounts)
  const { outcomes } = load.ledger
  const began = performance.now()
  await answered(outcomes, 5 * PEOPLE, began)
  // A few at a time, so that some get a response before the kill, some are in flight, and some come after.
  let redeemed = 0
  const confirmations = Promise.all(
    resets.map(async ({ email, token }, index) => {
      await until('the turn of this reset has come', () => redeemed >= index - 2)
      const answer = await person.post('/password-reset/confirm', { token, newPassword: NEW_PASSWORD })
      redeemed++
      return { email, answer }
    }),
  )
  await until('half of the resets are answered', () => redeemed >= RESETS / 2)
  t.equal(await victim.service.end('SIGKILL'), 'SIGKILL')
  await answered(outcomes, 10 * PEOPLE, performance.now())
  const ledger = await load.stop()

  const failures = ledger.outcomes.filter(failed)
  t.comment(`${ledger.outcomes.length} requests, ${failures.length} failed`)
  for (const { method, path, answer } of failures) {
    t.equal(answer.status, 502)
    t.equal(method, 'POST', `only what is not idempotent failed (${path})`)
    t.equal(answer.upstream.at(-1), victim.address, 'at the killed instance, and retried at no other')
  }
  t.ok(failures.length <= PEOPLE, 'at most what was in flight')

  let acknowledged = 0
  for (const { email, answer } of await confirmations) {
    const withNew = (await person.post('/login', { email, password: NEW_PASSWORD })).status
    const withOld = (await person.post('/login', { email, password: PASSWORD })).status
    if (answer.status === 204) {
      acknowledged++
      t.strictSame([withNew, withOld], [200, 401], 'an acknowledged reset holds')
    } else {
      t.match([answer.status, answer.upstream], [502, [victim.address]])
      t.strictSame(
        [withNew, withOld].sort(),
        [200, 401],
        'a reset without a response happened completely or not at all',
      )
    }
  }
  t.ok(acknowledged >= RESETS / 2)

  const sessions = await Promise.all(ledger.loggedIn.map(bearer => person.get('/me', { bearer })))
  t.strictSame(new Set(sessions.map(({ status }) => status)), new Set([200]), 'every login has a session')
  for (const account of accounts) {
    const refreshToken = ledger.refreshed.get(account.email) ?? ''
    const next = await person.post('/token/refresh', { refreshToken })
    t.equal(next.status, 200, 'every chain of refresh tokens is valid')
    Object.assign(account, next.body)
  }
  const known = await rows.client.registration.findMany({ select: { email: true } })
  const lost = ledger.registered.filter(email => !known.some(row => row.email === email))
  t.strictSame(lost, [], 'every registration exists')

  // Emails that the killed worker had claimed wait for its lease of 60 s, which is too long for the test.
  const inHand = await rows.client.outbox.findMany({ where: { state: 'queued', leasedUntil: { not: null } } })
  t.ok(inHand.length <= 5, 'no more than one worker has in hand', { inHand: inHand.length })
  await rows.client.outbox.updateMany({
    where: { id: { in: inHand.map(({ id }) => id) }, state: 'queued' },
    data: { nextAttemptAt: new Date() },
  })
  await rows.settled()
  const mailsTo = (email: string, subject: RegExp) =>
    smtp.mails.filter(mail => mail.to.includes(email) && subject.test(mail.subject)).length
  const links = ledger.registered.map(email => mailsTo(email, /^Confirm/))
  t.ok(
    links.every(count => count >= 1),
    'every registration got its link',
  )
  // A worker that is killed between sending an email and recording that leaves it to be sent again.
  t.ok(links.filter(count => count > 1).length <= inHand.length)
  for (const email of ledger.resetAsked) t.ok(mailsTo(email, /^Reset/) >= 1)
  t.equal(await rows.client.outbox.count({ where: { state: { not: 'sent' } } }), 0, 'no mail is lost')
})
