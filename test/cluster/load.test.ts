import { setTimeout as delay } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { tokenIn } from '../harness/app.ts'
import { type Cluster, type Instance, noCluster, startCluster } from './cluster.ts'
import { failed, type Outcome, startLoad } from './load.ts'
import { type Account, mailFor, newAccount, newPerson, PASSWORD } from './person.ts'

const PEOPLE = 12
/** Accounts whose password is reset while an instance is killed. */
const RESETS = 12
const NEW_PASSWORD = 'a password that nobody had before'
const LONGEST_WAIT_MS = 30_000

/** Waits until so many of the requests that were sent since then have their answers. */
async function answered(outcomes: Outcome[], count: number, since: number) {
  const began = performance.now()
  while (outcomes.filter(({ at }) => at > since).length < count) {
    if (performance.now() - began > LONGEST_WAIT_MS) throw new Error(`not ${count} answers in time`)
    await delay(20)
  }
}

/** Waits until an instance has answered a request that was sent since then. */
async function served(outcomes: Outcome[], { address }: Instance, since: number) {
  const began = performance.now()
  while (!outcomes.some(({ at, answer }) => at > since && answer.upstream.at(-1) === address)) {
    if (performance.now() - began > LONGEST_WAIT_MS) throw new Error(`${address} serves nobody`)
    await delay(20)
  }
}

t.test('three instances under load', { skip: noCluster }, async t => {
  const cluster = await startCluster(t, { env: { RATE_LIMIT: 'off' } })
  const helper = newPerson(t, cluster)
  const newAccounts = (count: number, name: string) =>
    Promise.all(
      Array.from({ length: count }, (_, index) =>
        newAccount(helper, cluster, `${name}-${index}@example.org`),
      ),
    )
  const accounts = await newAccounts(PEOPLE, 'person')
  const forgetful = await newAccounts(RESETS, 'forgetful')
  const resets = await Promise.all(
    forgetful.map(async ({ email }) => {
      await helper.post('/password-reset/request', { email })
      return { email, token: tokenIn(await mailFor(cluster, email, /^Reset/)) }
    }),
  )

  await t.test('one that is killed loses nothing that was acknowledged', t =>
    killed(t, cluster, accounts, resets),
  )
  await t.test('all are restarted one after the other, and no request fails', t =>
    restarted(t, cluster, accounts),
  )
})

async function killed(
  t: Test,
  cluster: Cluster,
  accounts: Account[],
  resets: { email: string; token: string }[],
) {
  const { instances, rows, smtp } = cluster
  const victim = instances[1] as Instance
  const person = newPerson(t, cluster)
  const load = startLoad(t, cluster, accounts)
  const { outcomes } = load.books
  const began = performance.now()
  await answered(outcomes, 5 * PEOPLE, began)
  // A few at a time, so that some are answered before the end, some are in flight, and some come after.
  let redeemed = 0
  const confirmations = Promise.all(
    resets.map(async ({ email, token }, index) => {
      while (redeemed < index - 2) await delay(5)
      const answer = await person.post('/password-reset/confirm', { token, newPassword: NEW_PASSWORD })
      redeemed++
      return { email, answer }
    }),
  )
  while (redeemed < RESETS / 2) await delay(1)
  t.equal(await victim.service.end('SIGKILL'), 'SIGKILL')
  await answered(outcomes, 10 * PEOPLE, performance.now())
  const books = await load.stop()

  const failures = books.outcomes.filter(failed)
  t.comment(`${books.outcomes.length} requests, ${failures.length} failed`)
  for (const { method, path, answer } of failures) {
    t.equal(answer.status, 502)
    t.equal(method, 'POST', `only what is not idempotent failed (${path})`)
    t.equal(answer.upstream.at(-1), victim.address, 'at the instance that was killed, and nobody else got it')
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
        'one without an answer happened whole or not at all',
      )
    }
  }
  t.ok(acknowledged >= RESETS / 2)

  const sessions = await Promise.all(books.loggedIn.map(bearer => person.get('/me', { bearer })))
  t.strictSame(new Set(sessions.map(({ status }) => status)), new Set([200]), 'every log in is a session')
  for (const account of accounts) {
    const refreshToken = books.refreshed.get(account.email) ?? ''
    const next = await person.post('/token/refresh', { refreshToken })
    t.equal(next.status, 200, 'every chain of refresh tokens goes on')
    Object.assign(account, next.body)
  }
  const known = await rows.client.registration.findMany({ select: { email: true } })
  const lost = books.registered.filter(email => !known.some(row => row.email === email))
  t.strictSame(lost, [], 'every registration is there')

  // What the dead worker had in hand waits for its lease of 60 s, for which the test has no time.
  const inHand = await rows.client.outbox.findMany({ where: { state: 'queued', leasedUntil: { not: null } } })
  t.ok(inHand.length <= 5, 'no more than one worker has in hand', { inHand: inHand.length })
  await rows.client.outbox.updateMany({
    where: { id: { in: inHand.map(({ id }) => id) }, state: 'queued' },
    data: { nextAttemptAt: new Date() },
  })
  await rows.settled()
  const mailsTo = (email: string, subject: RegExp) =>
    smtp.mails.filter(mail => mail.to.includes(email) && subject.test(mail.subject)).length
  const links = books.registered.map(email => mailsTo(email, /^Confirm/))
  t.ok(
    links.every(count => count >= 1),
    'every registration got its link',
  )
  // Between handing a mail over and noting that it did, a worker that dies leaves it to be sent again.
  t.ok(links.filter(count => count > 1).length <= inHand.length)
  for (const email of books.resetAsked) t.ok(mailsTo(email, /^Reset/) >= 1)
  t.equal(await rows.client.outbox.count({ where: { state: { not: 'sent' } } }), 0, 'no mail is lost')
  await victim.replace()
}

async function restarted(t: Test, cluster: Cluster, accounts: Account[]) {
  const { instances, balancer, rows } = cluster
  const before = balancer.log().length
  const load = startLoad(t, cluster, accounts)
  const { outcomes } = load.books

  for (const instance of instances) {
    await served(outcomes, instance, performance.now())
    t.equal(await instance.service.end('SIGTERM'), 0, `${instance.address} ended well`)
    await instance.replace()
    // The next one goes when this one has its share again, as a deployment waits for readiness.
    await served(outcomes, instance, performance.now())
  }
  const books = await load.stop()

  t.strictSame(books.outcomes.filter(failed), [], 'no request failed')
  const again = books.outcomes.filter(({ answer }) => answer.upstream.length > 1)
  t.comment(`${books.outcomes.length} requests, ${again.length} of them went to a second instance`)
  const answers = balancer.log().slice(before)
  t.ok(answers.length >= books.outcomes.length)
  t.ok(answers.every(({ status }) => status < 500))
  await rows.settled()
  t.equal(await rows.client.outbox.count({ where: { state: { not: 'sent' } } }), 0, 'and every mail was sent')
}
