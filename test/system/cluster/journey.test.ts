import t, { type Test } from 'tap'
import { tokenIn } from '../../harness/app.ts'
import { noCluster, startCluster } from './cluster.ts'
import { type Answer, atEach, mailFor, newPerson, PASSWORD } from './person.ts'

/** Asserts that another instance responded than to the previous request. */
function hops(t: Test) {
  let last: string | undefined
  return {
    hopped(step: string, { upstream }: Answer) {
      t.equal(upstream.length, 1, `${step}: the first instance that was asked answered`)
      t.not(upstream[0], last, `${step}: another instance than before`)
      last = upstream[0]
    },
    /** For use after requests that were not checked. */
    forget() {
      last = undefined
    },
  }
}

t.test('a balancer with three instances', { skip: noCluster }, async t => {
  const cluster = await startCluster(t)
  const { smtp, rows, balancer } = cluster

  await t.test('the lifecycle of an account, with each step at another instance', async t => {
    const person = newPerson(t, cluster)
    const { hopped, forget } = hops(t)
    const email = 'ada@example.org'
    const password = PASSWORD

    const step = async (name: string, call: Promise<Answer>, status: number) => {
      const answer = await call
      t.equal(answer.status, status, name)
      hopped(name, answer)
      return answer.body
    }

    await step('register', person.post('/register', { email, password }), 202)
    const confirmation = tokenIn(await mailFor(cluster, email, /^Confirm/))
    const first = await step('confirm', person.post('/confirm-email', { token: confirmation, password }), 200)
    await step('who am I', person.get('/me', { bearer: first.accessToken }), 200)
    const second = await step('log in', person.post('/login', { email, password }), 200)
    const third = await step(
      'refresh',
      person.post('/token/refresh', { refreshToken: second.refreshToken }),
      200,
    )
    await step('sessions', person.get('/sessions', { bearer: third.accessToken }), 200)
    await step('log out', person.delete('/sessions', { bearer: third.accessToken }), 204)
    const ended = await atEach(cluster, () => person.get('/me', { bearer: first.accessToken }))
    t.ok(
      ended.every(({ status }) => status === 401),
      'all refuse the revoked session',
    )
    forget()
    await step('still logged in', person.get('/me', { bearer: third.accessToken }), 200)

    await step('forget', person.post('/password-reset/request', { email }), 202)
    const token = tokenIn(await mailFor(cluster, email, /^Reset/))
    await step('look at the link', person.post('/password-reset/check', { token }), 200)
    const newPassword = 'a password that nobody had before'
    await step('reset', person.post('/password-reset/confirm', { token, newPassword }), 204)
    await step('reset again', person.post('/password-reset/confirm', { token, newPassword }), 400)
    const reset = await atEach(cluster, () => person.get('/me', { bearer: third.accessToken }))
    t.ok(
      reset.every(({ status }) => status === 401),
      'all refuse the sessions revoked by the reset',
    )
    forget()
    await step('old password', person.post('/login', { email, password }), 401)
    await step('new password', person.post('/login', { email, password: newPassword }), 200)

    await rows.settled()
    t.equal(smtp.mails.length, 3, 'confirmation, link and notice, and no other mail')
    t.ok(balancer.log().every(({ status }) => status < 500))
  })

  await t.test('errors of the balancer are problem documents', async t => {
    const person = newPerson(t, cluster)
    const email = 'ada@example.org'

    const tooLarge = await person.post('/login', { email, password: 'x'.repeat(20_000) })
    t.match(
      [tooLarge.status, tooLarge.body.code],
      [413, 'payload_too_large'],
      'the service itself refuses 20 kB',
    )

    const farTooLarge = await newPerson(t, cluster).post('/login', { email, password: 'x'.repeat(100_000) })
    t.equal(farTooLarge.status, 413)
    t.match(farTooLarge.headers['content-type'], /^application\/problem\+json/)
    t.strictSame(farTooLarge.body, { type: 'about:blank', title: 'Content Too Large', status: 413 })

    const own = await person.get('/probe')
    t.strictSame(
      own.body,
      { type: 'about:blank', title: 'Not Found', status: 404 },
      'its probes are not forwarded',
    )

    for (const { service } of cluster.instances) await service.end('SIGKILL')
    const down = await person.get('/me')
    t.match(down.headers['content-type'], /^application\/problem\+json/)
    t.strictSame(down.body, { type: 'about:blank', title: 'Bad Gateway', status: 502 })
  })
})
