/**
 * Password hashing: argon2id behind a bounded queue. Decorates the app with `passwords`.
 */
import { randomBytes } from 'node:crypto'
import { availableParallelism } from 'node:os'
import { argon2id, hash, verify } from 'argon2'
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import type { Config } from '../config.ts'
import { type HashQueue, hashQueue } from './hash-queue.ts'
import { assertAcceptable, isWellFormedPassword, normalizePassword } from './policy.ts'

declare module 'fastify' {
  interface FastifyInstance {
    passwords: Passwords
  }
}

/** What flows do with passwords. All of it normalises first. */
export interface Passwords {
  /** @throws {ProblemError} `password_rejected` with the reason */
  assertAcceptable(password: string, email: string): void
  /**
   * @returns a PHC string
   * @throws {ProblemError} `overloaded`
   */
  hash(password: string): Promise<string>
  /**
   * Verifies against a stored hash or, where there is none, against one of equal cost that nothing
   * matches, so that an unknown address costs what a known one does.
   *
   * @throws {ProblemError} `overloaded`
   */
  verify(stored: string | undefined, password: string): Promise<boolean>
  /** Whether a stored hash was made with weaker parameters than today's. */
  isOutdated(stored: string): boolean
  /** Sheds a request that will need a hash before it costs anything; see hash-queue.ts. */
  assertRoom: HashQueue['assertRoom']
  load: HashQueue['load']
}

/** Parameters above these come from no configuration of ours, but from somebody who can write to the database. */
const MOST_MEMORY_KIB = 1024 * 1024
const MOST_TIME_COST = 16
const MOST_PARALLELISM = 16

async function passwords(app: FastifyInstance) {
  const { config } = app
  const parameters = {
    type: argon2id,
    memoryCost: config.ARGON2_MEMORY_KIB,
    timeCost: config.ARGON2_TIME_COST,
    parallelism: config.ARGON2_PARALLELISM,
  }
  const queue = hashQueue(hashesAtOnce(config), config.HASH_PATIENCE)
  const dummy = matchless(config)

  app.decorate('passwords', {
    assertAcceptable: (password, email) =>
      assertAcceptable(password, {
        email,
        serviceName: config.SERVICE_NAME,
        minLength: config.PASSWORD_MIN_LENGTH,
      }),
    hash: password => queue.run(() => hash(normalizePassword(password), parameters)),
    async verify(stored, password) {
      const comparable = stored !== undefined && isAffordable(stored) ? stored : dummy
      const matches = await queue.run(() => verify(comparable, normalizePassword(password)))
      // Half a character is hashed as U+FFFD: without this, two different passwords would match.
      return matches && comparable === stored && isWellFormedPassword(password)
    },
    isOutdated(stored) {
      const cost = costOf(stored)
      if (cost === undefined) return false
      return cost.memory < config.ARGON2_MEMORY_KIB || cost.time < config.ARGON2_TIME_COST
    },
    assertRoom: queue.assertRoom,
    load: queue.load,
  })
}

/** A hash of today's cost that no password is known for; random bytes do, so none need be computed. */
function matchless(config: Config): string {
  const base64 = (bytes: number) => randomBytes(bytes).toString('base64').replace(/=+$/, '')
  const { ARGON2_MEMORY_KIB: memory, ARGON2_TIME_COST: time, ARGON2_PARALLELISM: parallelism } = config
  return `$argon2id$v=19$m=${memory},t=${time},p=${parallelism}$${base64(16)}$${base64(32)}`
}

/** As many as cores, and one less than libuv's pool, which DNS and files share. */
function hashesAtOnce(config: Config): number {
  return Math.max(1, Math.min(availableParallelism(), config.UV_THREADPOOL_SIZE - 1))
}

/**
 * Whether a stored hash is argon2id within bounds. Whoever can write a row must not be able to make
 * a log in take gigabytes or minutes.
 */
function isAffordable(stored: string): boolean {
  const cost = costOf(stored)
  if (cost === undefined) return false
  const { memory, time, parallelism } = cost
  // Below these least values (RFC 9106 section 3.1) the library throws.
  if (time < 1 || parallelism < 1 || memory < 8 * parallelism) return false
  return memory <= MOST_MEMORY_KIB && time <= MOST_TIME_COST && parallelism <= MOST_PARALLELISM
}

const ARGON2ID = /^\$argon2id\$v=19\$m=(\d{1,9}),t=(\d{1,9}),p=(\d{1,9})\$[\w+/]{11,88}\$[\w+/]{16,88}$/

/** The parameters in an argon2id PHC string; memory in KiB. */
function costOf(stored: string): { memory: number; time: number; parallelism: number } | undefined {
  const match = ARGON2ID.exec(stored)
  if (match === null) return undefined
  const [memory, time, parallelism] = match.slice(1).map(Number) as [number, number, number]
  return { memory, time, parallelism }
}

export default fp(passwords, { name: 'passwords' })
