/**
 * Limits per client address: @fastify/rate-limit's keys (IPv6 by /64) on the counters of this service.
 */
import rateLimit, { type FastifyRateLimitStore } from '@fastify/rate-limit'
import type { FastifyInstance, FastifyReply, FastifyRequest, onRequestAsyncHookHandler } from 'fastify'
import fp from 'fastify-plugin'
import type { RateLimiterAbstract } from 'rate-limiter-flexible'
import { problem } from '../errors.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** A file that costs next to nothing: it counts for a limit of its own, not for that on everything. */
    countedAsFile?: true
  }
  interface FastifyInstance {
    /**
     * An `onRequest` hook that counts a request for its client's address.
     *
     * @param name what is counted; routes with the same name count together
     * @param windows how many requests in how many seconds; all must hold
     */
    limit(name: string, ...windows: Window[]): onRequestAsyncHookHandler
  }
}

/** At most so many requests in so many seconds. */
export interface Window {
  max: number
  seconds: number
}

/** Everything together, what is not found included. */
const OVERALL: Window = { max: 100, seconds: 60 }
/** The files of pages, of which one first visit takes some forty: a family behind one address may come at once. */
const FILES: Window = { max: 1000, seconds: 60 }
/** The only routes it leaves out. */
const PROBES = new Set(['/health/live', '/health/ready'])

async function rateLimits(app: FastifyInstance) {
  await app.register(rateLimit, { global: false, store: storeOn(app) })

  app.decorate('limit', (name: string, ...windows: Window[]): onRequestAsyncHookHandler => {
    if (app.config.RATE_LIMIT === 'off') return async () => {}
    const limiters = windows.map(({ max, seconds }) =>
      app.createRateLimit({ max, timeWindow: seconds * 1000, keyPrefix: `${name}:${seconds}` } as object),
    )
    return async (request, reply) => {
      for (const limiter of limiters) {
        const state = await limiter(request)
        if (state.isAllowed) continue
        tell(reply, state)
        if (state.isExceeded) throw problem('rate_limited', { retryAfter: state.ttlInSeconds })
      }
    }
  })

  if (app.config.RATE_LIMIT === 'off') return
  const overall = app.limit('all', OVERALL)
  const files = app.limit('files', FILES)
  app.addHook('onRequest', async (request: FastifyRequest, reply: FastifyReply) => {
    // A load balancer that probes often must not take the instance for dead. By route: whatever else a path
    // that begins like a probe's may lead to, or nowhere, counts.
    if (PROBES.has(request.routeOptions.url ?? '')) return
    await (request.routeOptions.config.countedAsFile ? files : overall).call(app, request, reply)
  })
}

/** The header fields of draft-ietf-httpapi-ratelimit-headers, of the limit that is nearest. */
function tell(reply: FastifyReply, state: { max: number; remaining: number; ttlInSeconds: number }) {
  const told = reply.getHeader('ratelimit-remaining')
  if (told !== undefined && Number(told) <= state.remaining) return
  reply.header('ratelimit-limit', state.max)
  reply.header('ratelimit-remaining', state.remaining)
  reply.header('ratelimit-reset', state.ttlInSeconds)
}

/** @fastify/rate-limit makes its store with `new`, and a child for each limit. */
function storeOn(app: FastifyInstance): new (options: object) => FastifyRateLimitStore {
  return class Store implements FastifyRateLimitStore {
    #counter: RateLimiterAbstract | undefined

    constructor(options: { keyPrefix?: string; timeWindow?: number }) {
      if (options.keyPrefix === undefined || options.timeWindow === undefined) return
      // Whether a count is too high, @fastify/rate-limit decides.
      this.#counter = app.counter(
        `ip:${options.keyPrefix}`,
        Number.MAX_SAFE_INTEGER,
        options.timeWindow / 1000,
      )
    }

    incr(key: string, callback: (error: Error | null, result?: { current: number; ttl: number }) => void) {
      this.#counter
        ?.consume(key)
        .then(
          ({ consumedPoints, msBeforeNext }) =>
            callback(null, { current: consumedPoints, ttl: msBeforeNext }),
          callback,
        )
    }

    child(options: object) {
      return new Store(options)
    }
  }
}

export default fp(rateLimits, { name: 'rate-limit', dependencies: ['counters'] })
