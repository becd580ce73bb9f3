/**
 * Password hashing: argon2id behind a bounded, fair queue. Decorates the app with `passwords`.
 */
import { availableParallelism } from 'node:os'
import { normalizeIP } from '@fastify/rate-limit'
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import type { Config } from '../config/config.ts'
import { type LoadFast, loadArgon2 } from './argon2.ts'
import { type Connection, disconnectSignal } from './disconnect-signal.ts'
import { type HashQueue, hashQueue, type Place } from './hash-queue.ts'
import { assertAcceptable, isWellFormedPassword, normalizePassword } from './policy.ts'
import { costOf, dummyHash, isAffordable } from './stored-hash.ts'

declare module 'fastify' {
  interface FastifyInstance {
    passwords: Passwords
  }
}

/** Whom a hash is for: the request. Clients take turns, and for one that is gone nothing is hashed. */
export interface Client {
  ip: string
  socket: Connection
}

/** What flows do with passwords. All of it normalises first. */
export interface Passwords {
  /** @throws {ProblemError} `password_rejected` with the reason */
  assertAcceptable(password: string, email: string): void
  /**
   * @returns a PHC string
   * @throws {ProblemError} `overloaded`
   */
  hash(password: string, client: Client): Promise<string>
  /**
   * Verifies against a stored hash or, where there is none, against one of equal cost that nothing
   * matches, so that an unknown address costs what a known one does.
   *
   * @throws {ProblemError} `overloaded`
   */
  verify(stored: string | undefined, password: string, client: Client): Promise<boolean>
  /** Whether a stored hash was made with weaker parameters than today's. */
  isOutdated(stored: string): boolean
  /**
   * Takes a place for the client's next hash; see hash-queue.ts.
   *
   * @throws {ProblemError} `overloaded`
   */
  reserve(client: Client): void
  /**
   * Waits until it is of use to prepare that hash.
   *
   * @throws {ProblemError} `overloaded`
   */
  turn(client: Client): Promise<void>
  /** Gives the place back, if no hash came to it. */
  release(client: Client): void
  load: HashQueue['load']
  /** What hashes, and how many at once, for the banner. */
  describe(): string
}

export interface PasswordsOptions {
  /** How the optional library is loaded. */
  loadFast?: LoadFast
}

/** libuv's own size, where nobody set one. https://docs.libuv.org/en/stable/threadpool.html */
const LIBUV_THREADS = 4

async function passwords(app: FastifyInstance, { loadFast }: PasswordsOptions) {
  const { config } = app
  const cost = {
    memory: config.ARGON2_MEMORY_KIB,
    time: config.ARGON2_TIME_COST,
    parallelism: config.ARGON2_PARALLELISM,
  }
  const argon2 = await loadArgon2(loadFast)
  const concurrency = hashesAtOnce(config)
  const queue = hashQueue(concurrency, config.HASH_PATIENCE)
  const dummy = dummyHash(cost)
  const reserved = new WeakMap<Client, Place>()

  const newPlace = (client: Client) => queue.reserve(keyOf(client), disconnectSignal(client.socket))

  /** The place that a client has, for one hash; a second one queues anew. */
  function placeOf(client: Client): Place {
    const place = reserved.get(client)
    reserved.delete(client)
    return place ?? newPlace(client)
  }

  app.decorate('passwords', {
    assertAcceptable: (password, email) =>
      assertAcceptable(password, {
        email,
        serviceName: config.SERVICE_NAME,
        minLength: config.PASSWORD_MIN_LENGTH,
      }),
    hash: async (password, client) =>
      placeOf(client).run(() => argon2.hash(normalizePassword(password), cost)),
    async verify(stored, password, client) {
      // One is looked at closely in any case, since that takes long enough to tell: where there is none, or none
      // that could match, it is the dummy.
      const comparable = [stored ?? dummy, dummy].find(isAffordable) ?? dummy
      const job = () => argon2.verify(comparable, normalizePassword(password))
      const matches = await placeOf(client).run(job)
      // Half a character is hashed as U+FFFD: without this, two different passwords would match.
      return matches && comparable === stored && isWellFormedPassword(password)
    },
    isOutdated(stored) {
      const its = costOf(stored)
      return its !== undefined && (its.memory < cost.memory || its.time < cost.time)
    },
    reserve(client) {
      reserved.set(client, newPlace(client))
    },
    turn: async client => reserved.get(client)?.turn(),
    release(client) {
      reserved.get(client)?.release()
      reserved.delete(client)
    },
    load: queue.load,
    describe: () => `${argon2.name}, ${concurrency} at once`,
  })
}

/** One network, as for every other limit: IPv6 by /64. */
function keyOf({ ip }: Client): string {
  return normalizeIP(ip)
}

/** As many as cores, and one less than libuv's pool, which DNS and files share. */
function hashesAtOnce({ UV_THREADPOOL_SIZE = LIBUV_THREADS }: Config): number {
  return Math.max(1, Math.min(availableParallelism(), UV_THREADPOOL_SIZE - 1))
}

export default fp(passwords, { name: 'passwords' })
