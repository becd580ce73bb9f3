import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import { confirmedAccount, resetToken, startApp } from '../../harness/app.ts'
import { clientAt } from '../../harness/client.ts'
import { countHashes } from '../../harness/hash-count.ts'
import { isProblemOf } from '../../harness/problem.ts'
import { counting, noRedisServer, startRedis } from '../../harness/redis.ts'

/**
 * Guesses come from many addresses of one /64, which the back-off counts together and the login limit does not: ten
 * logins from one network in three minutes would be refused before the back-off gets long.
 */
const network = () => `10.${randomInt(256)}.${randomInt(256)}.${randomInt(256)}`

const guess = (app: FastifyInstance, email: string, remoteAddress: string, password = 'a wrong password') =>
  app.inject({ method: 'POST', url: '/login', remoteAddress, payload: { email, password } })

/** Guesses until one is refused. On a slow machine the first waits may end before the next guess. */
async function untilRefused(t: Test, app: FastifyInstance, email: string, from: string) {
  for (let failures = 0; failures < 9; failures++) {
    const answer = await guess(app, email, from)
    if (answer.statusCode === 401) continue
    t.ok(failures >= 5, 'five failures are only failures', { failures })
    const wait = Number(answer.headers['retry-after'])
    t.ok(wait >= 1 && wait <= 2 ** (failures - 5), 'the wait doubles from one second on', { failures, wait })
    return { answer, failures, wait }
  }
  throw new Error('no guess was refused')
}

for (const known of [true, false]) {
  t.test(
    `four failures are free, the fifth costs a second: ${known ? 'known' : 'unknown'} address`,
    async t => {
      const world = await startApp(t, { env: { RATE_LIMIT: 'on' } })
      const { app } = world
      const { email } = known ? await confirmedAccount(world) : { email: 'nobody@example.org' }
      const from = network()
      const hashes = countHashes(t)
      const { answer, failures, wait } = await untilRefused(t, app, email, from)
      isProblemOf(t, answer, 'rate_limited')
      t.equal(hashes(), failures, 'a refused attempt costs no hash')
      await delay(wait * 1000 + 50)
      t.equal((await guess(app, email, from)).statusCode, 401, 'after it, the next attempt is checked')
      isProblemOf(t, await guess(app, email, from), 'rate_limited')
    },
  )
}

t.test('the back-off doubles up to 15 minutes, and refused attempts do not extend it', async t => {
  const { app } = await startApp(t, { env: { RATE_LIMIT: 'on' } })
  const try_ = () => app.guessBackoff.attempt({ email: 'a@example.org', ip: '10.0.0.1' })
  const wait = () =>
    try_().then(
      () => 0,
      error => error.retryAfter as number,
    )
  // Resets the count instead of waiting for half an hour.
  const gate = app.counter('guess-gate', 15 * 60)
  const keys = new Set<string>()
  const { add } = gate
  gate.add = (key, ...rest) => {
    keys.add(key)
    return add(key, ...rest)
  }
  const forget = async () => {
    t.equal(keys.size, 1)
    for (const key of keys) await gate.forget(key)
  }
  for (let i = 0; i < 5; i++) await try_()
  const waits = []
  for (let i = 0; i < 13; i++) {
    for (let refused = 0; refused < 20; refused++) await wait()
    waits.push(await wait())
    await forget()
    await try_()
  }
  t.strictSame(waits, [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900])
})

t.test('of fifty parallel wrong guesses no more are checked than of five sequential ones', async t => {
  const world = await startApp(t, { env: { RATE_LIMIT: 'on', TRUST_PROXY: '10.0.0.1' } })
  const { app } = world
  const { email } = await confirmedAccount(world)
  const hashes = countHashes(t)
  // Past the limit of ten logins, so that only the back-off is measured.
  const outcomes = await Promise.all(
    Array.from({ length: 50 }, () =>
      app.guessBackoff.attempt({ email, ip: '10.0.0.9' }).then(
        () => app.passwords.verify(undefined, 'a wrong password', clientAt('10.0.0.9')).then(() => 'checked'),
        error => error.code,
      ),
    ),
  )
  const checked = outcomes.filter(outcome => outcome === 'checked').length
  // More only if the fifty take longer than the first waits: 1 s, then 2 s.
  t.ok(checked >= 5 && checked <= 7, 'four are free, the fifth closes the gate', { checked })
  t.equal(hashes(), checked)
  t.equal(outcomes.filter(outcome => outcome === 'rate_limited').length, 50 - checked)

  const answers = await Promise.all(Array.from({ length: 50 }, () => guess(app, email, '10.0.0.8')))
  const failures = answers.filter(({ statusCode }) => statusCode === 401).length
  t.ok(failures >= 5 && failures <= 7, 'and so over HTTP', { failures })
  t.equal(hashes(), checked + failures)
})

t.test(
  'a client that retries early waits no longer than one that does not, whatever the latency of Redis',
  { skip: noRedisServer },
  async t => {
    const redis = await startRedis(t)
    const { app, log } = await startApp(t, {
      env: { RATE_LIMIT: 'on', REDIS_URL: await slowRedis(t, redis.url) },
    })
    await counting(app, 'redis')
    const attempt = () =>
      app.guessBackoff.attempt({ email: 'a@example.org', ip: '10.0.0.1' }).then(
        () => 'checked' as const,
        error => error.retryAfter as number,
      )
    for (let i = 0; i < 5; i++) await attempt()
    const before = log.length
    const seen: ('checked' | number)[] = []
    const end = performance.now() + 1500
    const client = async () => {
      while (performance.now() < end) {
        seen.push(await attempt())
        await delay(Math.random() * 10)
      }
    }
    await Promise.all(Array.from({ length: 10 }, client))
    const checked = seen.filter(outcome => outcome === 'checked').length
    // A stall of the machine longer than the command timeout is an outage of Redis. The counters in memory then do
    // not know the failures, so five more attempts are checked. Redis may have counted attempts whose responses came
    // too late, so the wait is longer than that of the attempts seen here.
    const outages = log.slice(before).filter(({ msg }) => /redis cannot be used/.test(String(msg))).length
    if (outages === 0) {
      t.equal(checked, 1, 'the gate let one attempt pass')
      t.match(String(seen.at(-1)), /^[12]$/)
    } else t.ok(checked <= 1 + 5 * outages, 'the gate opened once for each store', { checked, outages })
  },
)

t.test('guesses from other networks do not lock the owner out', async t => {
  const world = await startApp(t, { env: { RATE_LIMIT: 'on' } })
  const { app } = world
  const { email, password } = await confirmedAccount(world)
  for (let stranger = 0; stranger < 5; stranger++) await untilRefused(t, app, email, `10.66.0.${stranger}`)
  t.equal(
    (await guess(app, email, '10.66.0.4', password)).statusCode,
    429,
    'even the right password is delayed',
  )
  t.equal((await guess(app, email, '10.77.0.1', password)).statusCode, 200, 'the owner has not')
  t.equal(
    (await guess(app, 'other@example.org', '10.66.0.4')).statusCode,
    401,
    'another address is not affected',
  )
})

t.test('one /64 is one network, and another spelling of the address is the same address', async t => {
  const { app } = await startApp(t, { env: { RATE_LIMIT: 'on' } })
  const spellings = ['A@example.org', 'a@EXAMPLE.org', ' a@example.org', 'a@example.org', 'a@example.ORG']
  for (const [i, email] of spellings.entries()) {
    t.equal((await guess(app, email, `2001:db8:1:1::${i + 1}`)).statusCode, 401)
  }
  t.equal((await guess(app, 'a@example.org', '2001:db8:1:1:ffff::1')).statusCode, 429)
  t.equal((await guess(app, 'a@example.org', '2001:db8:1:2::1')).statusCode, 401)
})

t.test('the right password clears the failures of its network', async t => {
  const world = await startApp(t, { env: { RATE_LIMIT: 'on' } })
  const { app } = world
  const { email, password } = await confirmedAccount(world)
  for (let i = 0; i < 4; i++) t.equal((await guess(app, email, '10.0.0.1')).statusCode, 401)
  t.equal((await guess(app, email, '10.0.0.1', password)).statusCode, 200)
  for (let i = 0; i < 5; i++) {
    t.equal((await guess(app, email, '10.0.0.1')).statusCode, 401, 'four are free again')
  }
  isProblemOf(
    t,
    await app.inject({
      method: 'POST',
      url: '/login',
      remoteAddress: '10.0.0.1',
      payload: { email, password },
    }),
    'rate_limited',
  )
})

t.test(
  'a reset clears the failures of its own network, and does not reveal the account to others',
  async t => {
    const world = await startApp(t, { env: { RATE_LIMIT: 'on' } })
    const { app } = world
    const { email } = await confirmedAccount(world)
    for (const from of ['10.0.0.1', '10.0.0.2']) await untilRefused(t, app, email, from)
    for (const from of ['10.0.0.1', '10.0.0.2']) t.equal((await guess(app, email, from)).statusCode, 429)
    const newPassword = 'another password entirely'
    const payload = { token: await resetToken(world, email), newPassword }
    const url = '/password-reset/confirm'
    const reset = await app.inject({ method: 'POST', url, remoteAddress: '10.0.0.1', payload })
    t.equal(reset.statusCode, 204)
    t.equal((await guess(app, email, '10.0.0.1', newPassword)).statusCode, 200)
    t.equal((await guess(app, email, '10.0.0.2', newPassword)).statusCode, 429)
  },
)

t.test('an attempt whose password was not checked does not count as a failure', async t => {
  const world = await startApp(t, { env: { RATE_LIMIT: 'on', HASH_QUEUE_TIMEOUT: '1' } })
  const { app } = world
  const { email, password } = await confirmedAccount(world)
  // More hashes than the queue takes, with limits off.
  const flood = Array.from({ length: 400 }, () =>
    app.passwords.verify(undefined, 'x', clientAt('10.0.0.1')).catch(() => {}),
  )
  const shed = await Promise.all(Array.from({ length: 4 }, () => guess(app, email, '10.0.0.1')))
  await Promise.all(flood)
  t.ok(
    shed.some(({ statusCode }) => statusCode === 503),
    'some were shed',
    { statuses: shed.map(a => a.statusCode) },
  )
  const checked = shed.filter(({ statusCode }) => statusCode === 401).length
  for (let i = checked; i < 4; i++) t.equal((await guess(app, email, '10.0.0.1')).statusCode, 401)
  t.equal(
    (await guess(app, email, '10.0.0.1', password)).statusCode,
    200,
    'only checked attempts were counted',
  )
})

/** A connection to Redis with 4 ms of latency in each direction. */
async function slowRedis(t: Test, url: string): Promise<string> {
  const { port, hostname } = new URL(url)
  const server = createServer(near => {
    const far = connect(Number(port), hostname)
    near.on('data', data => setTimeout(() => far.write(data), 4))
    far.on('data', data => setTimeout(() => near.write(data), 4))
    for (const socket of [near, far]) socket.on('error', () => {})
    near.on('close', () => far.destroy())
    far.on('close', () => near.destroy())
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  const address = server.address()
  return `redis://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`
}
