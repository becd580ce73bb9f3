/** Rate limits for each network or account: @fastify/rate-limit with the counters of this service. */
import rateLimit, { type FastifyRateLimitStore } from '@fastify/rate-limit'
import type { FastifyInstance, FastifyReply, FastifyRequest, onRequestAsyncHookHandler } from 'fastify'
import fp from 'fastify-plugin'
import type { Counter } from '../counters/counter.ts'
import { rateLimited } from '../errors.ts'
import { networkOf } from '../shared/network.ts'
import { type CountedBy, describeLimit, LIMITS, type LimitName, windowsOf } from './limits.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** A static file, which counts for a limit of its own and not for the limit on all requests. */
    countedAsFile?: true
    /** Counts for no limit, so that it is never refused: probes, and the keys for other back ends. */
    isUncounted?: true
  }
  interface FastifyInstance {
    /**
     * An `onRequest` hook that counts a request for its client's network or, after `authenticate`, for its account, as
     * `LIMITS` says. All windows of the limit must hold.
     */
    limit(name: LimitName): onRequestAsyncHookHandler
  }
}

/** What requests are counted by, and the prefix of their counters' names. */
const COUNTED_BY: Record<CountedBy, { prefix: string; keyOf(request: FastifyRequest): string }> = {
  network: { prefix: 'ip', keyOf: request => networkOf(request.ip) },
  account: { prefix: 'account', keyOf: request => request.subject?.account ?? '' },
}

async function rateLimits(app: FastifyInstance, options: { everything: boolean }) {
  await app.register(rateLimit, { global: false, store: CounterStore })

  app.decorate('limit', (name: LimitName): onRequestAsyncHookHandler => {
    if (app.config.RATE_LIMIT === 'off') return async () => {}
    const { prefix, keyOf } = COUNTED_BY[LIMITS[name].per]
    const windows = windowsOf(name, app.config).map(window => {
      const counter = app.counter(`${prefix}:${name}:${window.seconds}`, window.seconds)
      const options = { max: window.max, timeWindow: window.seconds * 1000, keyGenerator: keyOf, counter }
      return {
        limiter: app.createRateLimit(options as object),
        counter,
        description: describeLimit(name, window),
      }
    })
    const refusedOnly = 'refusedOnly' in LIMITS[name]
    return async (request, reply) => {
      for (const { limiter, description } of windows) {
        const state = await limiter(request)
        if (state.isAllowed) continue
        setRateLimitHeaders(reply, state)
        if (!state.isExceeded) continue
        throw rateLimited(description, app.clock(), state.ttl)
      }
      if (!refusedOnly) return
      // Counted first and removed after a success, because parallel guesses would all pass a limit that counts
      // afterwards. The status is ignored if the client disconnected before the reply.
      request.runOnReply(async () => {
        const isRefused = reply.statusCode >= 400 && reply.statusCode < 500
        if (isRefused || request.responseEnd === 'lost') return
        await Promise.all(windows.map(({ counter }) => counter.add(keyOf(request), -1)))
      })
    }
  })

  if (app.config.RATE_LIMIT === 'off' || !options.everything) return
  const overall = app.limit('all')
  const files = app.limit('files')
  app.addHook('onRequest', async (request: FastifyRequest, reply: FastifyReply) => {
    const { isUncounted, countedAsFile } = request.routeOptions.config
    if (!isUncounted) await (countedAsFile ? files : overall).call(app, request, reply)
  })
}

/** Header fields of draft-ietf-httpapi-ratelimit-headers for the limit that is closest to its maximum. */
function setRateLimitHeaders(
  reply: FastifyReply,
  state: { max: number; remaining: number; ttlInSeconds: number },
) {
  const told = reply.getHeader('ratelimit-remaining')
  if (told !== undefined && Number(told) <= state.remaining) return
  reply.header('ratelimit-limit', state.max)
  reply.header('ratelimit-remaining', state.remaining)
  reply.header('ratelimit-reset', state.ttlInSeconds)
}

/** @fastify/rate-limit makes its store with `new`, and a child for each limit from the options of `createRateLimit`. */
class CounterStore implements FastifyRateLimitStore {
  readonly #counter: Counter | undefined

  constructor(options: { counter?: Counter }) {
    this.#counter = options.counter
  }

  incr(key: string, callback: Parameters<FastifyRateLimitStore['incr']>[1]) {
    this.#counter?.add(key).then(count => callback(null, count), callback)
  }

  child(options: object) {
    return new CounterStore(options)
  }
}

export default fp(rateLimits, { name: 'rate-limit', dependencies: ['after-response', 'counters'] })
