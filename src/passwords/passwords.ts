/**
 * Password hashing: argon2id behind a bounded, fair queue. Decorates the app with `passwords`.
 */
import { availableParallelism } from 'node:os'
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import type { Config } from '../config/config.ts'
import { networksOf } from '../shared/network.ts'
import { type LoadFast, loadArgon2 } from './argon2.ts'
import { type HashQueue, hashQueue, type Slot } from './hash-queue.ts'
import { assertAcceptable, isWellFormedPassword, normalizePassword } from './policy.ts'
import { costOf, dummyHash, isAffordable } from './stored-hash.ts'

declare module 'fastify' {
  interface FastifyInstance {
    passwords: Passwords
  }
  interface FastifyContextConfig {
    /** Marks a route that hashes a password: its requests reserve a slot of the hash queue before their body is read. */
    hashes?: true
  }
  interface FastifyRequest {
    /** The slot for the next hash; null where none is reserved. */
    hashSlot: Slot | null
  }
}

/** The request that a hash is for. Clients take turns, and nothing is hashed for one that has disconnected. */
export interface Client {
  ip: string
  /** The slot for the next hash. */
  hashSlot: Slot | null
  /** Also runs the job where the client has disconnected. */
  runOnReply(job: () => unknown): void
}

/** Hashes, verifies and judges passwords. Each function normalizes them first. */
export interface Passwords {
  /** @throws {ProblemError} `password_rejected` with the reason */
  assertAcceptable(password: string, email: string): void
  /**
   * @returns a PHC string
   * @throws {ProblemError} `overloaded`
   */
  hash(password: string, client: Client): Promise<string>
  /**
   * Verifies a password against a stored hash. Without one it verifies against a dummy of the same cost, so that
   * response times do not tell known emails from unknown ones.
   *
   * @throws {ProblemError} `overloaded`
   */
  verify(stored: string | undefined, password: string, client: Client): Promise<boolean>
  /** Whether a stored hash was made with weaker parameters than today's. */
  isOutdated(stored: string): boolean
  queue: HashQueue
  /** The library and the number of concurrent hashes, for the banner. */
  describe(): string
}

export interface PasswordsOptions {
  /** Loads the optional library. */
  loadFast?: LoadFast
}

/** The default size of libuv's pool. https://docs.libuv.org/en/stable/threadpool.html */
const LIBUV_THREADS = 4

async function passwords(app: FastifyInstance, { loadFast }: PasswordsOptions) {
  const { config } = app
  const cost = {
    memory: config.ARGON2_MEMORY_KIB,
    time: config.ARGON2_TIME_COST,
    parallelism: config.ARGON2_PARALLELISM,
  }
  const argon2 = await loadArgon2(loadFast)
  const concurrency = concurrentHashes(config)
  const queue = hashQueue(concurrency, config.HASH_QUEUE_TIMEOUT)
  const dummy = dummyHash(cost)

  function reserve(client: Client): Slot {
    const networks = networksOf(client.ip)
    const slot = queue.reserve(networks[0] as string, networks.at(-1))
    // Not after the response: one that is pipelined behind an unread response does not end.
    client.runOnReply(slot.release)
    return slot
  }

  /** The slot that the client has reserved. A second hash of one request queues again. */
  function takeSlot(client: Client): Slot {
    const slot = client.hashSlot ?? reserve(client)
    client.hashSlot = null
    return slot
  }

  app.decorate('passwords', {
    assertAcceptable: (password, email) =>
      assertAcceptable(password, {
        email,
        serviceName: config.SERVICE_NAME,
        minLength: config.PASSWORD_MIN_LENGTH,
      }),
    hash: async (password, client) =>
      takeSlot(client).run(() => argon2.hash(normalizePassword(password), cost)),
    async verify(stored, password, client) {
      // Both are parsed in any case, because that takes measurable time.
      const comparable = [stored ?? dummy, dummy].find(isAffordable) ?? dummy
      const matches = await takeSlot(client).run(() => argon2.verify(comparable, normalizePassword(password)))
      // Half a surrogate pair is hashed as U+FFFD. Without this check, two different passwords would match.
      return matches && comparable === stored && isWellFormedPassword(password)
    },
    isOutdated(stored) {
      const storedCost = costOf(stored)
      return storedCost !== undefined && (storedCost.memory < cost.memory || storedCost.time < cost.time)
    },
    queue,
    describe: () => `${argon2.name}, ${concurrency} at once`,
  })

  app.decorateRequest('hashSlot', null)
  app.addHook('onRequest', (request, _reply, done) => {
    if (request.routeOptions.config.hashes) request.hashSlot = reserve(request)
    done()
  })
  app.addHook('onRoute', route => {
    if (!route.config?.hashes) return
    // Last, so that a request that another hook refuses does not wait.
    route.preHandler = [...[route.preHandler ?? []].flat(), async request => request.hashSlot?.turn()]
  })
}

/** One per core, but one thread of libuv's pool stays free for DNS and files. */
function concurrentHashes({ UV_THREADPOOL_SIZE = LIBUV_THREADS }: Config): number {
  return Math.max(1, Math.min(availableParallelism(), UV_THREADPOOL_SIZE - 1))
}

export default fp(passwords, { name: 'passwords', dependencies: ['after-response'] })
