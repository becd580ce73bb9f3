import t from 'tap'
import { codeIn, otherThan } from '../../harness/mailbox.ts'
import { type Cluster, noCluster, startCluster } from './cluster.ts'
import { type Answer, atEach, mailFor, newAccount, newPerson, PASSWORD, type Person } from './person.ts'

/** Sequential calls, so that the balancer alternates between instances. */
async function inTurn(times: number, call: (index: number) => Promise<Answer>): Promise<Answer[]> {
  const answers: Answer[] = []
  for (let i = 0; i < times; i++) answers.push(await call(i))
  return answers
}

const statuses = (answers: Answer[]) => answers.map(({ status }) => status)
const instancesOf = (answers: Answer[]) => new Set(answers.flatMap(({ upstream }) => upstream)).size

t.test('three instances behave as one service', { skip: noCluster }, async t => {
  const cluster = await startCluster(t)
  const { smtp, rows, instances } = cluster
  let made = 0
  const account = async (person: Person) => newAccount(person, cluster, `person-${++made}@example.org`)

  await t.test('wrong codes are counted across instances', async t => {
    const person = newPerson(t, cluster)
    const { email, accessToken: bearer } = await account(person)
    const asked = await person.post('/password-change/request', { currentPassword: PASSWORD }, { bearer })
    t.equal(asked.status, 202)
    const code = codeIn(await mailFor(cluster, email, /^Your code/))
    const guess = (code: string) =>
      person.post(
        '/password-change/confirm',
        { changeToken: asked.body.changeToken, code, newPassword: 'a password that nobody had before' },
        { bearer },
      )
    const wrong = await inTurn(5, () => guess(otherThan(code)))
    t.strictSame(statuses(wrong), Array(5).fill(400))
    t.ok(instancesOf(wrong) > 1)
    const right = await inTurn(3, () => guess(code))
    t.strictSame(
      right.map(({ body }) => body.code),
      Array(3).fill('code_invalid'),
      'the right code is refused by all',
    )
    t.equal((await person.post('/login', { email, password: PASSWORD })).status, 200, 'nothing has changed')
  })

  await t.test('failed logins from one network are delayed across instances', async t => {
    const { email } = await account(newPerson(t, cluster))
    const guesser = newPerson(t, cluster)
    const failures = await inTurn(5, () => guesser.post('/login', { email, password: 'a wrong password' }))
    t.strictSame(statuses(failures), Array(5).fill(401))
    t.ok(instancesOf(failures) > 1)
    const early = await guesser.post('/login', { email, password: PASSWORD })
    t.equal(early.status, 429)
    t.equal(early.headers['retry-after'], '1')
    const owner = await newPerson(t, cluster).post('/login', { email, password: PASSWORD })
    t.equal(owner.status, 200, 'and not for the owner in another network')
  })

  await t.test('registrations are limited by the client address that the balancer sees', async t => {
    const person = newPerson(t, cluster)
    const register = (headers: Record<string, string> = {}) =>
      person.post('/register', { email: `limited-${++made}@example.org`, password: PASSWORD }, { headers })
    const within = await inTurn(20, () => register())
    t.strictSame(statuses(within), Array(20).fill(202))
    t.ok(instancesOf(within) > 1)
    t.strictSame(statuses(await inTurn(3, () => register())), Array(3).fill(429))
    const claimed = await register({ 'x-forwarded-for': '192.0.2.1', forwarded: 'for=192.0.2.1' })
    t.equal(claimed.status, 429, 'whatever other headers it sends')
    const other = await newPerson(t, cluster).post('/register', {
      email: `limited-${++made}@example.org`,
      password: PASSWORD,
    })
    t.equal(other.status, 202, 'another client is not limited')
  })

  await t.test('parallel refreshes agree on one successor, and a replay ends the family', async t => {
    const person = newPerson(t, cluster)
    const { refreshToken } = await account(person)
    const refresh = (refreshToken: string) => person.post('/token/refresh', { refreshToken })
    const parallel = await Promise.all(Array.from({ length: 30 }, () => refresh(refreshToken)))
    t.strictSame(statuses(parallel), Array(30).fill(200))
    t.equal(instancesOf(parallel), 3)
    t.equal(new Set(parallel.map(({ body }) => body.refreshToken)).size, 1)

    const next = await refresh(parallel[0]?.body.refreshToken)
    t.equal(next.status, 200)
    t.equal((await refresh(refreshToken)).status, 401, 'the last token but one is a replay')
    const after = await atEach(cluster, () => person.get('/me', { bearer: next.body.accessToken }))
    t.ok(after.every(({ status }) => status === 401))
  })

  await t.test('three workers send each email once', async t => {
    await rows.settled()
    const before = smtp.mails.length
    const sentBy = ({ service }: Cluster['instances'][number]) =>
      service.log().filter(({ msg }) => msg === 'email sent').length
    const atFirst = instances.map(sentBy)
    const busy = () => instances.map((instance, index) => sentBy(instance) - (atFirst[index] ?? 0))
    const emails: string[] = []
    // Which worker sends an email is random; ten rounds in which one sends nothing are not.
    for (let round = 0; round < 10 && (round === 0 || busy().includes(0)); round++) {
      const some = Array.from({ length: 15 }, (_, index) => `outbox-${round}-${index}@example.org`)
      emails.push(...some)
      const answers = await Promise.all(
        some.map(email => newPerson(t, cluster).post('/register', { email, password: PASSWORD })),
      )
      t.ok(answers.every(({ status }) => status === 202))
      await rows.settled()
    }
    t.notOk(busy().includes(0), 'all workers had a part', { busy: busy() })
    const recipients = smtp.mails.slice(before).flatMap(({ to }) => to)
    t.strictSame(recipients.sort(), emails.sort(), 'one email per address')
  })
})
