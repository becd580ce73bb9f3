/**
 * Counters that limits are made of: in Redis, shared by all instances, where `REDIS_URL` is set, else in
 * memory. While Redis does not answer, each instance counts for itself: limits never open.
 */
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import type { Redis } from 'ioredis'
import { type RateLimiterAbstract, RateLimiterRedis } from 'rate-limiter-flexible'
import { MemoryCounter } from './memory-counter.ts'

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
    /** Whether counts are shared; `undefined` where no Redis is configured. */
    redisAnswers(): Promise<boolean> | undefined
  }
}

/** A limit must not slow a request that Redis keeps waiting (docs/architecture.md). */
const ANSWER_TIMEOUT_MS = 250

async function counters(app: FastifyInstance) {
  const url = app.config.REDIS_URL
  const redis = url === undefined ? undefined : await connect(url)

  redis?.on('error', error => app.log.warn({ reason: error.message }, 'redis: limits are counted here alone'))
  app.addHook('onClose', async () => redis?.disconnect())

  const made = new Map<string, RateLimiterAbstract>()
  app.decorate('counter', (name: string, points: number, duration: number) => {
    const counter = made.get(name) ?? makeCounter({ keyPrefix: `latchkey:${name}`, points, duration }, redis)
    made.set(name, counter)
    return counter
  })
  app.decorate('redisAnswers', () =>
    redis?.ping().then(
      () => true,
      () => false,
    ),
  )

  // Requests that come before the first connection would be counted here alone.
  if (redis) await Promise.race([once(redis, 'ready'), once(redis, 'error')])
}

function makeCounter(
  options: { keyPrefix: string; points: number; duration: number },
  redis: Redis | undefined,
): RateLimiterAbstract {
  const memory = new MemoryCounter(options)
  if (redis === undefined) return memory
  return new RateLimiterRedis({
    ...options,
    storeClient: redis,
    insuranceLimiter: memory,
    rejectIfRedisNotReady: true,
  })
}

async function connect(url: string): Promise<Redis> {
  const { Redis } = await import('ioredis')
  return new Redis(url, {
    connectTimeout: 1000,
    commandTimeout: ANSWER_TIMEOUT_MS,
    // A Redis that hangs loses its connection, so that only the first request waits for it and not each
    // of the counters of every request.
    socketTimeout: ANSWER_TIMEOUT_MS,
    maxRetriesPerRequest: 0,
    enableOfflineQueue: false,
    retryStrategy: attempt => Math.min(100 * 2 ** attempt, 2000),
  })
}

function once(redis: Redis, event: 'ready' | 'error'): Promise<void> {
  return new Promise(resolve => redis.once(event, () => resolve()))
}

export default fp(counters, { name: 'counters' })
