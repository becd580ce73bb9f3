import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { tokenIn } from '../harness/app.ts'
import { noCluster, startCluster } from './cluster.ts'
import { failed, startLoad } from './load.ts'
import { mailFor, newAccount, newPerson, PASSWORD } from './person.ts'

const PEOPLE = 12
/** Accounts whose password is reset while the instance is killed. */
const RESETS = 24
const NEW_PASSWORD = 'a password that nobody had before'

t.test(
  'an instance that is killed under load loses nothing that was acknowledged',
  { skip: noCluster },
  async t => {
    // A lease of a dead worker runs out after 60 s; the mails in its hands are looked at below.
    const cluster = await startCluster(t, { env: { RATE_LIMIT: 'off' } })
    const { instances, rows, smtp, balancer } = cluster
    const victim = instances[1] as (typeof instances)[number]
    const helper = newPerson(t, cluster)
    const account = (name: string) => newAccount(helper, cluster, `${name}@example.org`)
    const accounts = await Promise.all(
      Array.from({ length: PEOPLE }, (_, index) => account(`person-${index}`)),
    )
    const resets = await Promise.all(
      Array.from({ length: RESETS }, async (_, index) => {
        const { email } = await account(`forgetful-${index}`)
        await helper.post('/password-reset/request', { email })
        return { email, token: tokenIn(await mailFor(cluster, email, /^Reset/)) }
      }),
    )

    const load = startLoad(t, cluster, accounts)
    await delay(1000)
    // Some are answered before, some are in flight, some come after.
    const redeemed = resets.map(async ({ email, token }, index) => {
      await delay(index * 20)
      const answer = await helper.post('/password-reset/confirm', { token, newPassword: NEW_PASSWORD })
      return { email, at: performance.now(), answer }
    })
    await delay((RESETS * 20) / 2)
    const killed = performance.now()
    t.equal(await victim.service.end('SIGKILL'), 'SIGKILL')
    await delay(1500)
    const books = await load.stop()
    const confirmations = await Promise.all(redeemed)

    const failures = books.outcomes.filter(failed)
    t.comment(
      `${books.outcomes.length} requests, ${failures.length} failed; after the kill ${
        books.outcomes.filter(({ at }) => at > killed).length
      }`,
    )
    t.ok(
      books.outcomes.some(({ at }) => at > killed),
      'the load went on',
    )
    for (const { method, path, answer } of failures) {
      t.equal(answer.status, 502)
      t.equal(method, 'POST', `only what is not idempotent failed (${path})`)
      t.strictSame(
        answer.upstream,
        [victim.address],
        'at the instance that was killed, and nobody else got it',
      )
    }
    t.ok(failures.length <= PEOPLE, 'at most what was in flight')
    t.ok(
      failures.every(({ at }) => at < killed + 1000),
      'and from then on the balancer leaves it out',
    )

    const person = newPerson(t, cluster)
    for (const { email, answer } of confirmations) {
      const withNew = (await person.post('/login', { email, password: NEW_PASSWORD })).status
      const withOld = (await person.post('/login', { email, password: PASSWORD })).status
      if (answer.status === 204) t.strictSame([withNew, withOld], [200, 401], 'an acknowledged reset holds')
      else {
        t.match([answer.status, answer.upstream], [502, [victim.address]])
        t.strictSame(
          [withNew, withOld].sort(),
          [200, 401],
          'one without an answer happened whole or not at all',
        )
      }
    }
    t.ok(confirmations.some(({ answer }) => answer.status === 204))

    const sessions = await Promise.all(books.loggedIn.map(bearer => person.get('/me', { bearer })))
    t.strictSame(
      new Set(sessions.map(({ status }) => status)),
      new Set([200]),
      'every log in is still a session',
    )
    for (const [email, refreshToken] of books.refreshed) {
      t.equal(
        (await person.post('/token/refresh', { refreshToken })).status,
        200,
        `${email} is still logged in`,
      )
    }
    const known = await rows.client.registration.findMany({ select: { email: true } })
    t.strictSame(
      books.registered.filter(email => !known.some(row => row.email === email)),
      [],
      'every registration is there',
    )

    // What the dead worker had in hand waits for its lease of 60 s, which the test has no time for.
    const left = await rows.client.outbox.findMany({ where: { state: 'queued', leasedUntil: { not: null } } })
    t.ok(left.length <= 5, 'no more than one worker has in hand', { left: left.length })
    await rows.client.outbox.updateMany({
      where: { id: { in: left.map(({ id }) => id) }, state: 'queued' },
      data: { nextAttemptAt: new Date() },
    })
    await victim.replace()
    await rows.settled()
    const reached = new Set(
      smtp.mails.flatMap(({ to, subject }) => to.map(address => `${address} ${subject[0]}`)),
    )
    for (const email of books.registered) t.ok(reached.has(`${email} C`), `${email} got the link`)
    for (const email of books.resetAsked) t.ok(reached.has(`${email} R`), `${email} got the reset link`)
    const each = await rows.client.outbox.groupBy({ by: ['state'], _count: true })
    t.strictSame(each.map(({ state }) => state).sort(), ['sent'], 'no mail is lost or dead')
    t.ok(balancer.log().length > 0)
  },
)
