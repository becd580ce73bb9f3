/**
 * Counters that limits are made of: in Redis, shared by all instances, where `REDIS_URL` is set, else in
 * memory. While Redis does not answer, each instance counts for itself: limits never open.
 */
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import type { Redis } from 'ioredis'
import type { RateLimiterAbstract } from 'rate-limiter-flexible'
import { type Backoff, backoff } from '../shared/outage-log.ts'
import { MemoryCounter } from './memory-counter.ts'
import { isReplica, type RedisState, redisState } from './redis-state.ts'
import { SharedCounter } from './shared-counter.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /**
     * The counter of a name. Whoever asks for the same name counts together, in memory as in Redis.
     *
     * @param name keeps its keys apart from those of others
     * @param points how many `consume`s pass within the duration
     * @param duration seconds from the first count until a key is forgotten
     */
    counter(name: string, points: number, duration: number): RateLimiterAbstract
    /**
     * The same for counts that drain with time: one point goes each `seconds`. For `penalty`, `reward` and `delete`.
     *
     * @param seconds from one point that drains to the next
     */
    leakyCounter(name: string, seconds: number): RateLimiterAbstract
    /** Counts once in Redis, and says why that failed, or `works`; undefined where no Redis is configured. */
    probeRedis(): Promise<string> | undefined
  }
}

/** Milliseconds that a limit waits for Redis before it counts in memory, so that Redis cannot hold up requests. */
const ANSWER_TIMEOUT_MS = 250
/** Delays between attempts to connect. They grow until Redis counts, not only until it accepts a connection. */
const FIRST_RECONNECT_MS = 100
const LONGEST_RECONNECT_MS = 2000
/** Keys of one counter in memory; docs/threat-model.md says what that takes. */
const MOST_KEYS = 20_000
/** One counter is swept each time. Sweeping a full one takes about 2 ms. */
const SWEEP_INTERVAL_MS = 5000

/**
 * The library's own script, except that `reward` makes no key, and that counters without points are leaky: the
 * expiry of the key is the level. All limiters of one connection share one script.
 */
const INCREMENT = `
if ARGV[3] == '0' then
  local period = 1000 * ARGV[2]
  local left = math.max(0, redis.call('pttl', KEYS[1])) + ARGV[1] * period
  if left <= 0 then
    redis.call('del', KEYS[1])
    return {0, 0}
  end
  local level = math.ceil(left / period)
  redis.call('set', KEYS[1], level, 'PX', left)
  return {level, left}
end
if tonumber(ARGV[1]) < 0 and redis.call('exists', KEYS[1]) == 0 then
  return {0, 0}
end
redis.call('set', KEYS[1], 0, 'EX', ARGV[2], 'NX')
local consumed = redis.call('incrby', KEYS[1], ARGV[1])
local ttl = redis.call('pttl', KEYS[1])
if ttl == -1 then
  redis.call('expire', KEYS[1], ARGV[2])
  ttl = 1000 * ARGV[2]
end
return {consumed, ttl}`

async function counters(app: FastifyInstance) {
  const url = app.config.REDIS_URL
  const state = redisState(app.log.child({ part: 'redis' }))
  const retry = backoff(FIRST_RECONNECT_MS, LONGEST_RECONNECT_MS)
  const redis = url === undefined ? undefined : await connect(url, retry)

  redis?.on('error', error => {
    state.disconnected(error)
    // Else ioredis would count in database 0.
    if (/DB index is out of range/.test(error.message)) redis.disconnect(true)
  })
  redis?.on('ready', () => {
    state.connected()
    // Says that the outage is over where no request does.
    app.probeRedis()
  })
  app.addHook('onClose', async () => redis?.disconnect())

  const made = new Map<string, Made>()
  const make = (name: string, points: number, duration: number, leaky: boolean) => {
    const options = { keyPrefix: `latchkey:${name}`, points, duration, leaky }
    const counter =
      made.get(name) ?? makeCounter({ ...options, now: app.uptime, most: MOST_KEYS }, redis, state)
    made.set(name, counter)
    return counter.counter
  }
  app.decorate('counter', (name, points, duration) => make(name, points, duration, false))
  app.decorate('leakyCounter', (name, seconds) => make(name, 0, seconds, true))

  let turn = 0
  const sweeping = setInterval(
    () => [...made.values()][turn++ % made.size]?.memory.sweep(),
    SWEEP_INTERVAL_MS,
  )
  sweeping.unref()
  app.addHook('onClose', async () => clearInterval(sweeping))

  app.decorate('probeRedis', () => {
    if (redis === undefined) return undefined
    // By the command that counters use: a replica, or a Redis that is full, answers a PING.
    return app
      .counter('probe', Number.MAX_SAFE_INTEGER, 60)
      .penalty('probe')
      .then(() => {
        const reason = state.reason()
        if (reason === undefined) retry.reset()
        return reason ?? 'works'
      })
  })

  // Requests that come before the first connection would be counted here alone.
  if (redis) await Promise.race([once(redis, 'ready'), once(redis, 'error')])
}

interface Made {
  counter: RateLimiterAbstract
  /** Behind Redis, what counts while Redis does not answer. */
  memory: MemoryCounter
}

function makeCounter(
  options: ConstructorParameters<typeof MemoryCounter>[0],
  redis: Redis | undefined,
  state: RedisState,
): Made {
  const memory = new MemoryCounter(options)
  if (redis === undefined) return { counter: memory, memory }
  const { keyPrefix, points, duration } = options
  const counter = new SharedCounter(
    {
      keyPrefix,
      points,
      duration,
      storeClient: redis,
      rejectIfRedisNotReady: true,
      customIncrTtlLuaScript: INCREMENT,
    },
    memory,
    state,
  )
  return { counter, memory }
}

async function connect(url: string, retry: Backoff): Promise<Redis> {
  const { Redis } = await import('ioredis')
  return new Redis(url, {
    connectTimeout: 1000,
    commandTimeout: ANSWER_TIMEOUT_MS,
    // A Redis that hangs loses its connection, so that only the first request waits for it and not each
    // of the counters of every request.
    socketTimeout: ANSWER_TIMEOUT_MS,
    maxRetriesPerRequest: 0,
    enableOfflineQueue: false,
    retryStrategy: () => retry.next(),
    reconnectOnError: isReplica,
  })
}

function once(redis: Redis, event: 'ready' | 'error'): Promise<void> {
  return new Promise(resolve => redis.once(event, () => resolve()))
}

export default fp(counters, { name: 'counters' })
