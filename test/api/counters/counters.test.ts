import type { FastifyInstance } from 'fastify'
import { Redis } from 'ioredis'
import t from 'tap'
import { redisReason } from '../../../src/counters/redis-state.ts'
import { startApp } from '../../harness/app.ts'
import { freePort } from '../../harness/free-port.ts'
import { counting, noRedisServer, startRedis } from '../../harness/redis.ts'
import { until } from '../../harness/until.ts'

/** Upper bound on the delay of a response while Redis is unreachable. */
const MAX_DELAY_MS = 500

async function msOf(work: () => Promise<unknown>): Promise<number> {
  const begun = performance.now()
  await work()
  return performance.now() - begun
}

const slowest = (answers: { ms: number }[]) => Math.max(...answers.map(({ ms }) => ms))

/** Upper bound on response times without Redis, derived from those with Redis just before. */
async function allowed(answersWithRedis: () => Promise<{ ms: number }[]>) {
  return MAX_DELAY_MS + 4 * slowest(await answersWithRedis())
}

async function timed(app: FastifyInstance, remoteAddress: string, url = '/login') {
  const begun = performance.now()
  const payload = { email: 'nobody@example.org', password: 'not the password' }
  const answer = await app.inject({ method: 'POST', url, remoteAddress, payload })
  return {
    status: answer.statusCode,
    left: answer.headers['ratelimit-remaining'],
    ms: performance.now() - begun,
  }
}

const UNREACHABLE = 'memory, redis does not answer'

const redisLogLines = (log: Record<string, unknown>[]) => log.filter(({ part }) => part === 'redis')

t.test(
  'if Redis refuses to count, the reason is logged and limits continue in memory',
  { skip: noRedisServer },
  async t => {
    const redis = await startRedis(t)
    const nobody = String(await freePort())
    const limited = ['on', '>geheim', '~*', '+@all', '-eval', '-evalsha']
    await redis.command('ACL', 'SETUSER', 'limited', ...limited)
    // Denied inside the script, Redis uses another message than NOPERM.
    await redis.command('ACL', 'SETUSER', 'reader', 'on', '>geheim', '~*', '+@all', '-incrby', '-set')
    const { host } = new URL(redis.url)
    const cases: [string, string, string[], string[]][] = [
      ['is a read-only replica', redis.url, ['REPLICAOF', '127.0.0.1', nobody], ['REPLICAOF', 'NO', 'ONE']],
      [
        'is out of memory',
        redis.url,
        ['CONFIG', 'SET', 'maxmemory', '1'],
        ['CONFIG', 'SET', 'maxmemory', '0'],
      ],
      [
        'denies a command to this user',
        `redis://limited:geheim@${host}`,
        [],
        ['ACL', 'SETUSER', 'limited', '+@all'],
      ],
      [
        'denies a command to this user',
        `redis://reader:geheim@${host}`,
        [],
        ['ACL', 'SETUSER', 'reader', '+@all'],
      ],
      ['refuses the user name or password', `redis://limited:falsch@${host}`, [], []],
      ['has no database of this number', `${redis.url}/99`, [], []],
    ]
    for (const [reason, REDIS_URL, breakIt, mendIt] of cases) {
      const { app, log } = await startApp(t, { env: { RATE_LIMIT: 'on', REDIS_URL } })
      if (breakIt.length > 0) await redis.command(...breakIt)
      await counting(app, `memory, redis ${reason}`)
      const answers = []
      for (let i = 0; i < 12; i++) answers.push(await timed(app, '10.0.0.8', '/confirm-email'))
      t.strictSame(
        answers.map(({ status }) => status),
        [...Array(10).fill(400), 429, 429],
        `${reason}: limits hold`,
      )
      const told = redisLogLines(log).filter(line => line['reason'] === reason)
      t.match(told, [{ level: 40, reason }], `${reason}: one line`)
      t.equal(told.length, 1)
      t.notMatch(JSON.stringify(log), /geheim|falsch/)
      if (mendIt.length === 0) continue
      await redis.command(...mendIt)
      await counting(app, 'redis')
      t.match(redisLogLines(log).at(-1), { level: 30, msg: /count limits together/ })
    }
    const keys = await redis.command('KEYS', '*')
    t.strictSame(
      (keys as string[]).filter(key => key.includes('10.0.0.8')),
      [],
      'nothing was counted in memory',
    )
  },
)

t.test('errors of Redis are named', async t => {
  for (const [message, reason] of [
    ['MOVED 1234 10.0.0.1:6379', 'is a node of a cluster'],
    ['CLUSTERDOWN Hash slot not served', 'is a node of a cluster'],
    ['ERR Error running script (call to f_x): @user_script:1: -READONLY', 'is a read-only replica'],
    ['LOADING Redis is loading the dataset in memory', 'is loading its data'],
    ['ERR unknown command', 'refuses a command'],
    ['self-signed certificate', 'cannot be reached by TLS'],
    ['getaddrinfo ENOTFOUND db.invalid', 'has a host name without an address'],
    ['Command timed out', 'does not answer'],
  ] as const) {
    t.equal(redisReason(new Error(message)), reason, message)
  }
})

t.test('a hanging Redis delays one response, and limits hold', { skip: noRedisServer }, async t => {
  const redis = await startRedis(t)
  const { app, log } = await startApp(t, { env: { RATE_LIMIT: 'on', REDIS_URL: redis.url } })
  t.equal((await timed(app, '10.0.0.1')).left, '9')
  const crowd = (remoteAddress: string) =>
    Promise.all(Array.from({ length: 30 }, () => timed(app, remoteAddress)))
  const limit = await allowed(() => crowd('10.0.0.4'))
  redis.pause()
  const answers = []
  for (let i = 0; i < 4; i++) answers.push(await timed(app, '10.0.0.1'))
  t.strictSame(
    answers.map(({ status }) => status),
    [401, 401, 401, 401],
    'requests are answered',
  )
  const together = answers.reduce((sum, { ms }) => sum + ms, 0)
  t.ok(together < limit, 'only the first waits', { together, limit })
  const many = await crowd('10.0.0.2')
  const guesses = many.filter(({ status }) => status === 401).length
  // One more passes for each second that the requests take.
  t.ok(guesses >= 5 && guesses <= 10, 'four free guesses and one that costs', { guesses })
  t.equal(
    many.filter(({ status }) => status === 429).length,
    30 - guesses,
    'requests are refused, not admitted',
  )
  t.ok(slowest(many) < limit, 'nor with many at once', { limit, slowest: slowest(many) })
  const ready = await app.inject('/health/ready')
  t.equal(ready.statusCode, 200, 'it does not make the instance unready')
  t.equal(ready.json().limits, UNREACHABLE)

  redis.resume()
  await counting(app, 'redis')
  t.equal((await timed(app, '10.0.0.3')).left, '9', 'and Redis counts again')
  await until('the log tells the end', () => redisLogLines(log).at(-1)?.['level'] === 30)
  // A stall of the machine may be one more outage, with two more lines.
  const told = redisLogLines(log)
  t.match(
    [told[0], told.at(-1)],
    [
      { level: 40, reason: 'does not answer', msg: /each instance counts limits alone/ },
      { level: 30, msg: /count limits together/ },
    ],
  )
})

t.test('an answer of Redis that a busy process reads late is in time', { skip: noRedisServer }, async t => {
  const redis = await startRedis(t)
  const { app, log } = await startApp(t, { env: { REDIS_URL: redis.url } })
  await counting(app, 'redis')
  const counter = app.counter('busy', 60)
  for (let count = 1; count <= 3; count++) {
    const counted = counter.add('key')
    // Longer than the service waits for Redis, which answers meanwhile.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 400)
    t.equal((await counted).current, count)
    t.equal(await redis.command('GET', 'latchkey:busy:key'), String(count))
  }
  t.strictSame(redisLogLines(log), [])
})

t.test('counts in memory during an outage of Redis', { skip: noRedisServer }, async t => {
  const redis = await startRedis(t)
  const { app } = await startApp(t, { env: { RATE_LIMIT: 'on', REDIS_URL: redis.url } })
  await timed(app, '10.0.0.1', '/register')
  const limit = await allowed(async () => [await timed(app, '10.0.0.5')])
  await redis.stop()
  const answers = []
  for (let i = 0; i < 6; i++) answers.push(await timed(app, '10.0.0.1', '/confirm-email'))
  t.ok(answers.every(({ status }) => status === 400))
  t.ok(slowest(answers) < limit, 'none is much slower', { answers, limit })
  t.equal(answers.at(-1)?.left, '4', 'the local count continues')
  t.equal((await app.inject('/health/ready')).json().limits, UNREACHABLE)

  await redis.start()
  await counting(app, 'redis')
  await timed(app, '10.0.0.4')
  const client = new Redis(redis.url)
  t.teardown(() => client.disconnect())
  t.equal(await client.get('latchkey:ip:login:180:10.0.0.4'), '1')
})

t.test('starts while Redis is down or hangs', { skip: noRedisServer }, async t => {
  const hung = await startRedis(t)
  const plain = await msOf(() => startApp(t))
  hung.pause()
  for (const url of [`redis://127.0.0.1:${await freePort()}`, hung.url]) {
    let app: FastifyInstance | undefined
    const took = await msOf(async () => {
      app = (await startApp(t, { env: { RATE_LIMIT: 'on', REDIS_URL: url } })).app
    })
    t.ok(took < 2000 + 4 * plain, 'without waiting long', { took, plain })
    if (!app) return
    t.equal((await timed(app, '10.0.0.1')).left, '9')
    t.equal((await app.inject('/health/ready')).json().limits, UNREACHABLE)
  }
  hung.resume()
})

t.test('apps that share a Redis share the counts', { skip: noRedisServer }, async t => {
  const env = { RATE_LIMIT: 'on', REDIS_URL: (await startRedis(t)).url }
  const apps = [(await startApp(t, { env })).app, (await startApp(t, { env })).app] as const
  for (const app of apps) await counting(app, 'redis')
  const statuses = []
  for (let i = 0; i < 12; i++)
    statuses.push((await timed(apps[i % 2 ? 1 : 0], '10.0.0.5', '/confirm-email')).status)
  t.strictSame(statuses, [...Array(10).fill(400), 429, 429])

  const atOnce = await Promise.all(
    Array.from({ length: 30 }, (_, i) => timed(apps[i % 2 ? 1 : 0], '10.0.0.6', '/confirm-email')),
  )
  t.equal(atOnce.filter(({ status }) => status === 400).length, 10, 'in parallel too')

  const keys = await (async () => {
    const client = new Redis(env.REDIS_URL)
    await timed(apps[0], '10.0.0.7')
    const all = await client.keys('*')
    const ttls = await Promise.all(all.map(key => client.ttl(key)))
    client.disconnect()
    return { all, ttls }
  })()
  t.notMatch(keys.all.join(' '), /nobody|example/, 'no address in clear')
  t.ok(
    keys.ttls.every(ttl => ttl > 0),
    'every key expires',
  )
})

t.test('apps without Redis count separately, and a bounded number of keys', async t => {
  const apps = [
    (await startApp(t, { env: { RATE_LIMIT: 'on' } })).app,
    (await startApp(t, { env: { RATE_LIMIT: 'on' } })).app,
  ] as const
  for (const app of apps) t.equal((await timed(app, '10.0.0.1')).left, '9')
  t.equal((await apps[0].inject('/health/ready')).json().limits, 'memory')

  // The number of keys is that of docs/threat-model.md.
  const counter = apps[0].counter('guess-gate', 60)
  const keys = Array.from({ length: 20_001 }, (_, i) => `flood ${i}`)
  for (const key of keys) await counter.add(key)
  const kept = await Promise.all(keys.map(key => counter.get(key)))
  t.equal(kept.filter(count => count !== undefined).length, 20_000)
})

// Regression: one guess at an invented email evicted the count of the victim, which never grew.
t.test('guesses at invented emails do not evict the count of guesses at one account', async t => {
  const { app } = await startApp(t, { env: { RATE_LIMIT: 'on' } })
  for (const [name, leaky] of [
    ['guess-failures', false],
    ['guess-failures-account', true],
  ] as const) {
    const counter = app.counter(name, 900, { leaky })
    for (let i = 0; i < 20_000; i++) await counter.add(`${i}`, 2)
  }
  let network = 0
  const guess = async (email: string) => {
    const remoteAddress = `10.0.${network >> 8}.${network++ & 255}`
    const payload = { email, password: 'not the password' }
    return (await app.inject({ method: 'POST', url: '/login', remoteAddress, payload })).statusCode
  }
  let guesses = 0
  while (guesses < 400 && (await guess('victim@example.org')) === 401) {
    guesses++
    await guess(`invented-${guesses}@example.org`)
  }
  t.ok(guesses < 300, 'refused', { guesses })
})
