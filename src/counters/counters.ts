/**
 * Counters of rate limits, of the back-off and of recorded refusals: in Redis, shared by all instances, if `REDIS_URL`
 * is set; otherwise in memory. While Redis does not answer, each instance counts in memory: limits are never lifted.
 */
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import type { Redis, Result } from 'ioredis'
import { type Backoff, backoff } from '../shared/backoff.ts'
import { type Counter, type CounterOptions, type MemoryCounter, memoryCounter } from './counter.ts'
import { isReplica, type RedisState, redisState } from './redis-state.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /**
     * The counter of a name. Everything that asks for the same name counts together, in memory as in Redis.
     *
     * @param name separates its keys from those of other counters
     * @param seconds duration of a key; for a leaky counter, seconds after which one point drains
     */
    counter(name: string, seconds: number, options?: { leaky: boolean }): Counter
    /** Counts once in Redis; the reason if that fails, else `works`. Undefined if no Redis is configured. */
    probeRedis(): Promise<string> | undefined
  }
}

declare module 'ioredis' {
  interface RedisCommander<Context> {
    /** Runs `ADD`. */
    addToCount(
      key: string,
      points: number,
      seconds: number,
      kind: 'leaky' | 'plain',
    ): Result<[current: number, ttl: number], Context>
  }
}

/** Milliseconds that a limit waits for Redis before it counts in memory, so that Redis cannot hold up requests. */
const ANSWER_TIMEOUT_MS = 250
/** Milliseconds without any data, for a connection that Redis accepts and then never answers. */
const SOCKET_TIMEOUT_MS = 1000
/** Delays between attempts to connect. They grow until Redis counts, not only until it accepts a connection. */
const FIRST_RECONNECT_MS = 100
const LONGEST_RECONNECT_MS = 2000
/** Keys of one counter in memory; docs/threat-model.md has the memory that they need. */
const MOST_KEYS = 20_000
/** One counter is swept each time. Sweeping a full one takes about 2 ms. */
const SWEEP_INTERVAL_MS = 5000

const LATE = new Error('Command timed out')

/** Points that are taken back create no key. The level of a leaky counter is the expiry of its key. */
const ADD = `
if ARGV[3] == 'leaky' then
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
    // Logs the end of the outage even if no request comes.
    app.probeRedis()
  })
  app.addHook('onClose', async () => redis?.disconnect())

  let isDropped = false
  redis?.on('close', () => {
    isDropped = false
  })
  // A Redis that hangs loses its connection, so that only the first request waits for it and not each of the
  // counters of every request.
  const drop = () => {
    if (!isDropped) redis?.disconnect(true)
    isDropped = true
  }

  const made = new Map<string, { counter: Counter; memory: MemoryCounter }>()
  app.decorate('counter', (name, seconds, { leaky } = { leaky: false }) => {
    const found = made.get(name)
    if (found) return found.counter
    const memory = memoryCounter({ seconds, leaky, now: app.uptime, most: MOST_KEYS })
    const counter = redis ? redisCounter(redis, { state, drop, memory }, { name, seconds, leaky }) : memory
    made.set(name, { counter, memory })
    return counter
  })

  let turn = 0
  const sweeping = setInterval(
    () => [...made.values()][turn++ % made.size]?.memory.sweep(),
    SWEEP_INTERVAL_MS,
  )
  sweeping.unref()
  app.addHook('onClose', async () => clearInterval(sweeping))

  app.decorate('probeRedis', () => {
    if (redis === undefined) return undefined
    // By the command that counters use: a read-only replica and a full Redis answer a PING.
    return app
      .counter('probe', 60)
      .add('probe')
      .then(() => {
        const reason = state.reason()
        if (reason === undefined) retry.reset()
        return reason ?? 'works'
      })
  })

  // Requests before the first connection would be counted in memory.
  if (redis) await Promise.race([once(redis, 'ready'), once(redis, 'error')])
}

/**
 * A counter in Redis that counts in `memory` while Redis does not answer. `state` hears of failures and successes;
 * `drop` is called if Redis hangs.
 */
function redisCounter(
  redis: Redis,
  { state, drop, memory }: { state: RedisState; drop: () => void; memory: Counter },
  { name, seconds, leaky }: CounterOptions & { name: string },
): Counter {
  const nameOf = (key: string) => `latchkey:${name}:${key}`
  const shared: Counter = {
    async add(key, points = 1, ownSeconds = seconds) {
      const kind = leaky ? 'leaky' : 'plain'
      const [current, ttl] = await redis.addToCount(nameOf(key), points, ownSeconds, kind)
      return { current, ttl }
    },
    async get(key) {
      const replies = await redis.multi().get(nameOf(key)).pttl(nameOf(key)).exec()
      const [points, ttl] = (replies ?? []).map(([error, reply]) => {
        if (error) throw error
        return reply
      })
      return points == null ? undefined : { current: Number(points), ttl: Number(ttl) }
    },
    async forget(key) {
      await redis.del(nameOf(key))
    },
  }

  async function count<T>(by: (counter: Counter) => Promise<T>): Promise<T> {
    try {
      if (redis.status !== 'ready') throw new Error('Redis connection is not ready')
      const result = await inTime(by(shared))
      state.worked()
      return result
    } catch (error) {
      if (error === LATE) drop()
      state.failed(error)
      return by(memory)
    }
  }
  return {
    add: (...args) => count(counter => counter.add(...args)),
    get: key => count(counter => counter.get(key)),
    forget: key => count(counter => counter.forget(key)),
  }
}

/**
 * Rejects if Redis has not answered in time. An answer that has arrived is in time, even if this process was too busy
 * to read it: timers run before sockets are read, and immediates after.
 */
function inTime<T>(answer: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => setImmediate(reject, LATE), ANSWER_TIMEOUT_MS)
    answer.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}

async function connect(url: string, retry: Backoff): Promise<Redis> {
  // A bundle has only the default export of a CommonJS module that is imported like this.
  const { Redis } = (await import('ioredis')).default
  return new Redis(url, {
    scripts: { addToCount: { lua: ADD, numberOfKeys: 1 } },
    connectTimeout: 1000,
    socketTimeout: SOCKET_TIMEOUT_MS,
    disconnectTimeout: ANSWER_TIMEOUT_MS,
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
