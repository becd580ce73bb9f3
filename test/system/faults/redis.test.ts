/**
 * Redis is stopped, hung and emptied under a process of the service: limits continue, counted by the process alone,
 * and no response is delayed for long. The documented bound is 500 ms; on a busy machine, four times that beyond the
 * slowest response with Redis just before.
 */

import { Redis } from 'ioredis'
import t, { type Test } from 'tap'
import { freshDatabase } from '../../harness/database.ts'
import { serviceEnvironment, startProcess } from '../../harness/process.ts'
import { noRedisServer, startRedis } from '../../harness/redis.ts'
import { until } from '../../harness/until.ts'
import { ask, type Reply } from './load.ts'
import { isConsistent, slowest } from './outage-invariants.ts'

if (noRedisServer) throw new Error(`these tests start a Redis of their own: install the package redis-server`)

/** How much an outage of Redis may delay a request, in milliseconds. */
const MAX_DELAY_MS = 500
/** Attempts at links per address in 180 s. */
const TRIES = 10

async function startService(t: Test) {
  const redis = await startRedis(t)
  const service = startProcess(t, {
    env: serviceEnvironment({
      DATABASE_URL: await freshDatabase(t),
      REDIS_URL: redis.url,
      RATE_LIMIT: 'on',
      TRUST_PROXY: '127.0.0.1',
    }),
  })
  const url = await service.listening()
  let clients = 0

  /** Requests of one address, named by a proxy, until it is limited and beyond. */
  async function oneAddress(count = TRIES + 3): Promise<Reply[]> {
    const replies: Reply[] = []
    const address = `10.1.0.${++clients}`
    for (let i = 0; i < count; i++) replies.push(await tryLink(url, address))
    return replies
  }

  /** Requests of many addresses in parallel, one each. */
  const crowd = () => Promise.all(Array.from({ length: 20 }, () => tryLink(url, `10.2.0.${++clients}`)))
  const counting = (where: string) =>
    until(`limits are counted in ${where}`, async () => {
      const { status, body } = await ask(url, 'GET', '/health/ready')
      return status === 200 && body.limits === where
    })
  return { redis, service, url, oneAddress, crowd, counting }
}

function tryLink(url: string, address: string): Promise<Reply> {
  const body = { token: 'not a token', password: 'correct horse battery staple' }
  return ask(url, 'POST', '/confirm-email', { body, headers: { 'x-forwarded-for': address } })
}

/** Ten pass, and not one more. */
function areLimited(t: Test, replies: Reply[], name: string) {
  const expected = replies.map((_, index) => (index < TRIES ? 400 : 429))
  t.strictSame(
    replies.map(({ status }) => status),
    expected,
    `${name}: limited after ${TRIES}`,
  )
  t.ok(
    replies.slice(TRIES).every(({ headers }) => Number(headers['retry-after']) > 0),
    'with Retry-After',
  )
}

const FAILURES = 'memory, redis does not answer'

for (const { how, begin, end } of [
  { how: 'is stopped', begin: 'stop', end: 'start' },
  { how: 'hangs', begin: 'pause', end: 'resume' },
] as const) {
  t.test(
    `Redis ${how}: limits hold, responses are in time, and it is used again when it is back`,
    async t => {
      const { redis, service, oneAddress, crowd, counting } = await startService(t)
      await counting('redis')
      const withRedis = await oneAddress()
      areLimited(t, withRedis, 'with Redis')
      const usual = slowest([...withRedis, ...(await crowd())])
      const allowed = MAX_DELAY_MS + 4 * usual

      await redis[begin]()
      const without = [await crowd(), await oneAddress(), await crowd()]
      areLimited(t, without[1] ?? [], 'without Redis')
      t.ok(
        without.flat().every(({ status }) => status === 400 || status === 429),
        'no other response',
      )
      t.ok(slowest(without.flat()) < allowed, 'nobody waits for long', {
        allowed,
        slowest: slowest(without.flat()),
      })
      await counting(FAILURES)
      await until('the log says so', () =>
        service.log().some(({ msg }) => /each instance counts limits alone/.test(String(msg))),
      )

      await redis[end]()
      await counting('redis')
      areLimited(t, await oneAddress(), 'with Redis again')
      isConsistent(t, service)
      t.comment(
        `slowest with Redis ${Math.round(usual)} ms, without ${Math.round(slowest(without.flat()))} ms`,
      )
    },
  )
}

t.test('Redis is emptied: counts start from zero, and limits hold', async t => {
  const { redis, service, url, oneAddress, counting } = await startService(t)
  await counting('redis')
  const address = '10.3.0.1'
  const some = async (count: number) => {
    const statuses = []
    for (let i = 0; i < count; i++) statuses.push((await tryLink(url, address)).status)
    return statuses
  }
  t.strictSame(await some(6), Array(6).fill(400))
  const operator = new Redis(redis.url)
  t.teardown(() => operator.disconnect())
  await operator.flushall()
  // The cached scripts of Redis are removed as well.
  await operator.script('FLUSH')
  t.strictSame(await some(TRIES + 2), [...Array(TRIES).fill(400), 429, 429])
  const keys = await operator.keys(`latchkey:ip:*${address}`)
  t.ok(keys.length > 0, 'counted in Redis, not only in memory')
  areLimited(t, await oneAddress(), 'as ever')
  isConsistent(t, service)
})
