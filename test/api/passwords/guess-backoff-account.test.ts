/** Guesses at one account from many networks: the back-off that counts them together, and familiar networks. */
import type { FastifyInstance } from 'fastify'
import { Redis } from 'ioredis'
import t from 'tap'
import {
  bearer,
  confirmedAccount,
  post,
  resetToken,
  startApp,
  type TestApp,
  testClock,
  tokenIn,
} from '../../harness/app.ts'
import { isProblemOf } from '../../harness/problem.ts'
import { counting, noRedisServer, startRedis } from '../../harness/redis.ts'

const guess = (app: FastifyInstance, email: string, remoteAddress: string, password = 'a wrong password') =>
  app.inject({ method: 'POST', url: '/login', remoteAddress, payload: { email, password } })

const newPassword = 'another password entirely'

/** Resets the password through the API. */
async function reset(world: TestApp, email: string, remoteAddress: string, newPassword: string) {
  const token = await resetToken(world, email)
  const payload = { token, newPassword }
  const url = '/password-reset/confirm'
  return (await world.app.inject({ method: 'POST', url, remoteAddress, payload })).statusCode
}

/** Both clocks, moved together. */
function stoppedTime() {
  const { clock, advance } = testClock()
  return { clock, advance, uptime: () => clock().getTime() }
}

const familiarRows = ({ rows }: TestApp) => rows.client.familiarNetwork.count()

/** Two hundred addresses of different networks. */
const NETWORKS = Array.from({ length: 200 }, (_, i) => `10.${i}.0.1`)

t.test('guesses at one account are delayed over all networks from the hundredth failure on', async t => {
  const { clock, uptime, advance } = stoppedTime()
  const world = await startApp(t, { env: { RATE_LIMIT: 'on' }, overrides: { clock, uptime } })
  const { app } = world
  const { email } = await confirmedAccount(world)
  for (const of of [email, 'nobody@example.org']) {
    const answers = []
    for (const from of NETWORKS) answers.push(await guess(app, of, from))
    t.strictSame(
      answers.map(({ statusCode }) => statusCode),
      [...Array(100).fill(401), ...Array(100).fill(429)],
      of,
    )
    const refused = isProblemOf(t, answers.at(-1) as (typeof answers)[0], 'rate_limited')
    t.match(refused.detail, /all networks together. A password reset lets its owner in/)
    t.equal(answers.at(-1)?.headers['retry-after'], '1')
  }
  advance(1)
  t.equal((await guess(app, email, '10.201.0.1')).statusCode, 401, 'after the wait one is checked')
  const next = await guess(app, email, '10.202.0.1')
  t.equal(next.headers['retry-after'], '2', 'and the next waits for twice as long')
})

t.test('sixty /64s of one /48 count together, and a /56 within it', async t => {
  const { clock, uptime } = stoppedTime()
  const { app } = await startApp(t, { env: { RATE_LIMIT: 'on' }, overrides: { clock, uptime } })
  const tried = async (email: string, networks: string[]) => {
    const statuses: number[] = []
    for (let round = 0; round < 5; round++) {
      for (const network of networks) statuses.push((await guess(app, email, network)).statusCode)
    }
    return statuses.filter(status => status === 401).length
  }
  const of48 = Array.from({ length: 60 }, (_, i) => `2001:db8:1:${(i * 256).toString(16)}::1`)
  t.equal(await tried('a@example.org', of48), 17, 'of 300 guesses')
  t.equal(await tried('a@example.org', ['2001:db8:2:1::1']), 5, 'another /48 is not affected')
  const of56 = Array.from({ length: 60 }, (_, i) => `2001:db8:3:${i.toString(16)}::1`)
  t.equal(await tried('b@example.org', of56), 17)
})

t.test(
  'during a flood of guesses the owner logs in from a familiar network, or after a reset from a new one',
  async t => {
    const { clock, uptime, advance } = stoppedTime()
    const world = await startApp(t, { env: { RATE_LIMIT: 'on' }, overrides: { clock, uptime } })
    const { app } = world
    const { email, password } = await confirmedAccount(world)
    const logIn = async (from: string, word = password) => (await guess(app, email, from, word)).statusCode
    let checked = 0
    let guessed = 0
    const strangersGuess = async (count: number) => {
      for (const end = guessed + count; guessed < end; guessed++) {
        const ip = `10.${guessed >> 16}.${(guessed >> 8) & 255}.${guessed & 255}`
        await app.guessBackoff.attempt({ email, ip }).then(
          () => checked++,
          () => {},
        )
      }
    }
    await strangersGuess(5000)
    t.equal(checked, 100)
    t.equal(await logIn('127.0.0.9'), 429, 'a network where the account was never used is delayed')
    t.equal(await logIn('127.0.0.1'), 200, 'the network of the confirmation does not')
    // Ten guesses a minute for eight hours.
    for (let minute = 0; minute < 480; minute++) {
      await strangersGuess(10)
      advance(60)
    }
    t.ok(checked <= 100 + 10 + 480 / 15, 'the checked guesses are few', { checked })
    await strangersGuess(10_000 - guessed)
    t.equal(await logIn('127.0.0.1'), 200)
    t.equal(await logIn('192.0.2.1'), 429)
    t.equal(await reset(world, email, '192.0.2.1', newPassword), 204)
    t.equal(await logIn('192.0.2.1', newPassword), 200, 'the reset made its network familiar')
    t.equal(await logIn('192.0.2.2', newPassword), 429, 'and cleared no count')
    t.equal(await logIn('127.0.0.1', newPassword), 200)

    const before = { rows: await familiarRows(world), uptime: uptime() }
    t.equal(before.rows, 2, 'one row for each network')
    advance(15 * 60)
    t.equal(await logIn('10.250.0.1', 'wrong'), 401, 'after the longest wait one is checked')
    t.equal(await logIn('10.250.0.2', 'wrong'), 429)
    advance(30 * 3600)
    for (const i of Array(100).keys())
      t.equal(await logIn(`10.251.0.${i}`, 'wrong'), 401, 'the count has drained')
    t.equal(await logIn('10.252.0.1', 'wrong'), 429)

    t.equal(await logIn('127.0.0.1', newPassword), 200)
    advance(91 * 86_400)
    for (const i of Array(100).keys()) await logIn(`10.253.0.${i}`, 'wrong')
    t.equal(
      await logIn('127.0.0.1', newPassword),
      429,
      'after 90 days without a success no network is familiar',
    )
  },
)

t.test('a familiar network is delayed by its own failures', async t => {
  const world = await startApp(t, { env: { RATE_LIMIT: 'on' } })
  const { app } = world
  const { email, accessToken } = await confirmedAccount(world)
  for (let i = 0; i < 5; i++) await app.guessBackoff.attempt({ email, ip: '127.0.0.1', isFamiliar: true })
  const change = await post(
    app,
    '/password-change/request',
    { currentPassword: 'a wrong password' },
    bearer(accessToken),
  )
  isProblemOf(t, change, 'rate_limited')
})

t.test(
  "a session is delayed like a login: by its network's failures, and in a new network by all",
  async t => {
    const { clock, uptime } = stoppedTime()
    const world = await startApp(t, { env: { RATE_LIMIT: 'on' }, overrides: { clock, uptime } })
    const { app } = world
    const { email, password, accessToken } = await confirmedAccount(world)
    for (const ip of NETWORKS) await app.guessBackoff.attempt({ email, ip }).catch(() => {})
    const change = async (remoteAddress: string) =>
      (
        await app.inject({
          method: 'POST',
          url: '/password-change/request',
          remoteAddress,
          headers: bearer(accessToken),
          payload: { currentPassword: password },
        })
      ).statusCode
    t.equal(await change('127.0.0.1'), 202)
    t.equal(await change('192.0.2.1'), 429)
  },
)

t.test('"this was not me" makes every network unfamiliar', async t => {
  const world = await startApp(t)
  const { app, smtp } = world
  const { email, password } = await confirmedAccount(world)
  await app.inject({
    method: 'POST',
    url: '/login',
    remoteAddress: '192.0.2.66',
    headers: { 'user-agent': 'curl/8' },
    payload: { email, password },
  })
  t.equal(await familiarRows(world), 2)
  const notice = (await smtp.waitForMails(2)).at(-1)
  const secured = await post(app, '/account/secure', { token: tokenIn(notice), email })
  t.equal(secured.statusCode, 204, secured.body)
  t.equal(await familiarRows(world), 0)
})

t.test('a flood of guesses at other accounts evicts no victim’s counts', async t => {
  const { clock, uptime } = stoppedTime()
  const { app } = await startApp(t, { env: { RATE_LIMIT: 'on' }, overrides: { clock, uptime } })
  const victim = 'victim@example.org'
  for (let i = 0; i < 5; i++) await app.guessBackoff.attempt({ email: victim, ip: '192.0.2.1' })
  for (const ip of NETWORKS) await app.guessBackoff.attempt({ email: victim, ip }).catch(() => {})
  for (let i = 0; i < 25_000; i++) {
    const ip = `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`
    await app.guessBackoff.attempt({ email: `nobody-${i}@example.org`, ip })
  }
  await t.rejects(app.guessBackoff.attempt({ email: victim, ip: '192.0.2.1', isFamiliar: true }))
  await t.rejects(app.guessBackoff.attempt({ email: victim, ip: '192.0.2.2' }), {
    code: 'rate_limited',
    retryAfter: 1,
  })
})

t.test(
  'instances that share a Redis count the guesses at one account together',
  { skip: noRedisServer },
  async t => {
    const env = { RATE_LIMIT: 'on', REDIS_URL: (await startRedis(t)).url }
    const apps = [(await startApp(t, { env })).app, (await startApp(t, { env })).app] as const
    for (const app of apps) await counting(app, 'redis')
    const outcomes = []
    for (const [i, ip] of NETWORKS.slice(0, 120).entries()) {
      outcomes.push(
        await apps[i % 2 ? 1 : 0].guessBackoff.attempt({ email: 'a@example.org', ip }).then(
          attempt => attempt,
          error => error.retryAfter as number,
        ),
      )
    }
    const checked = outcomes.filter(outcome => typeof outcome !== 'number')
    // More only if the guesses take longer than the first waits.
    t.ok(checked.length >= 100 && checked.length <= 103, 'a hundred are free', { checked: checked.length })
    const redis = new Redis(env.REDIS_URL)
    t.teardown(() => redis.disconnect())
    const [key = ''] = await redis.keys('*guess-failures-account*')
    const left = await redis.pttl(key)
    t.ok(left > 80_000_000 && left < 95_000_000, 'the count drains in about a day', { left })
    await checked[0]?.forgive()
    t.ok((await redis.pttl(key)) < left - 890_000, 'an attempt with the right password is not counted')
  },
)
