/** Rate limits for each network or account: @fastify/rate-limit with the counters of this service. */
import rateLimit, { type FastifyRateLimitStore } from '@fastify/rate-limit'
import type { FastifyInstance, FastifyReply, FastifyRequest, onRequestAsyncHookHandler } from 'fastify'
import fp from 'fastify-plugin'
import type { Counter } from '../counters/counter.ts'
import { rateLimited } from '../errors.ts'
import { networksOf } from '../shared/network.ts'
import { type CountedBy, describeLimit, LIMITS, type LimitName, SCOPES, windowsOf } from './limits.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** A static file, which counts for a limit of its own and not for the limit on all requests. */
    countedAsFile?: true
    /** Counts for no limit, so that it is never refused: probes, and the keys for other back ends. */
    isUncounted?: true
  }
  interface FastifyRequest {
    /** The client's networks, because it takes 30 µs to derive those of an IPv6 address. */
    networks: string[] | null
  }
  interface FastifyInstance {
    /**
     * An `onRequest` hook that counts a request for its client's networks or, after `authenticate`, for its account, as
     * `LIMITS` says. All windows of the limit must hold.
     */
    limit(name: LimitName): onRequestAsyncHookHandler
  }
}

/** The keys that a request counts for, in the order of `SCOPES`, and the prefix of their counters' names. */
const COUNTED_BY: Record<CountedBy, { prefix: string; keysOf(request: FastifyRequest): string[] }> = {
  network: {
    prefix: 'ip',
    keysOf(request) {
      request.networks ??= networksOf(request.ip)
      return request.networks
    },
  },
  account: { prefix: 'account', keysOf: request => [request.subject?.account ?? ''] },
}

async function rateLimits(app: FastifyInstance, options: { everything: boolean }) {
  await app.register(rateLimit, { global: false, store: CounterStore })

  app.decorateRequest('networks', null)
  app.decorate('limit', (name: LimitName): onRequestAsyncHookHandler => {
    if (app.config.RATE_LIMIT === 'off') return async () => {}
    const { prefix, keysOf } = COUNTED_BY[LIMITS[name].per]
    const windows = windowsOf(name, app.config).map(({ max, seconds }) => {
      const counter = app.counter(`${prefix}:${name}:${seconds}`, seconds)
      const scopes = SCOPES[LIMITS[name].per].map((scope, at) => {
        const window = { max: max * scope.factor, seconds }
        const keyGenerator = (request: FastifyRequest) => keysOf(request)[at]
        const options = { max: window.max, timeWindow: seconds * 1000, keyGenerator, counter }
        return {
          limiter: app.createRateLimit(options as object),
          description: describeLimit(name, window, scope.name),
        }
      })
      return { counter, scopes }
    })
    const refusedOnly = 'refusedOnly' in LIMITS[name]
    return async (request, reply) => {
      const keys = keysOf(request)
      const giveBack = (counter: Counter, those: string[]) =>
        Promise.all(those.map(key => counter.add(key, -1)))
      for (const { counter, scopes } of windows) {
        // All at once, which is one round trip to Redis.
        const states = await Promise.all(
          scopes.slice(0, keys.length).map(async ({ limiter, description }) => {
            return { ...(await limiter(request)), description }
          }),
        )
        for (const [at, state] of states.entries()) {
          if (state.isAllowed) continue
          setRateLimitHeaders(reply, state)
          if (!state.isExceeded) continue
          // Otherwise one client would use up the limits of its neighbours in a wider network.
          await giveBack(counter, keys.slice(at + 1))
          throw rateLimited(state.description, app.clock(), state.ttl)
        }
      }
      if (!refusedOnly) return
      // Counted first and removed after a success, because parallel guesses would all pass a limit that counts
      // afterwards. The status is ignored if the client disconnected before the reply.
      request.runOnReply(async () => {
        const isRefused = reply.statusCode >= 400 && reply.statusCode < 500
        if (isRefused || request.responseEnd === 'lost') return
        await Promise.all(windows.map(({ counter }) => giveBack(counter, keys)))
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
