/**
 * Slows down guessing at the password of one account: by network, by the wider IPv6 networks around it, and by account
 * over all networks. An address without an account is treated alike.
 */
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { rateLimited } from '../errors.ts'
import { type Counter, hashedKey } from '../shared/counter.ts'
import { networkOf, widerNetworksOf } from '../shared/network.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** Guards a check of a password. */
    guessBackoff: GuessBackoff
  }
}

/** An account's address as canonical text, and the client's IP address. */
export interface Guesser {
  email: string
  ip: string
  /** When an operator lifted the back-off: earlier failures count under other keys. */
  unlockedAt?: Date | null | undefined
}

/** A counted try. */
export interface Attempt {
  /** Forgets the failures of this network, and takes this try back from the other counts. */
  forgive(): Promise<void>
  /** Takes the count back, then throws what it was given. */
  undoAndRethrow(error: unknown): Promise<never>
}

export interface GuessBackoff {
  /**
   * Counts a try before its outcome is known, so that parallel guesses count too.
   *
   * @param guess `isFamiliar` where a login, reset or confirmation of the account succeeded from the client's network
   *   lately: it answers for its own failures alone
   * @returns to be called when the try was no wrong guess: `forgive` after a right password,
   *   `undoAndRethrow` when nothing was checked
   * @throws {ProblemError} `rate_limited` with the seconds to wait
   */
  attempt(guess: Guesser & { isFamiliar?: boolean | undefined }): Promise<Attempt>
  /** Forgets the failures of one network, after a reset from there. */
  forgive(guesser: Guesser): Promise<void>
}

/** Failures that cost no waiting. */
const FREE = {
  network: 4,
  /** A /56 or /48 may be one household's or a provider's with many. */
  wider: 16,
  /** NIST SP 800-63B-4 section 3.2.2 allows 100 failures in a row: the hundredth costs the first wait. */
  account: 99,
}
const LONGEST_WAIT = 15 * 60
/** A day after the first, failures of a network are forgotten; seconds. */
const MEMORY = 24 * 60 * 60
/**
 * One failure of an account over all networks is forgotten each 15 minutes. Nothing else lowers that count: a login or
 * a reset that cleared it would tell strangers that the account exists.
 */
const DRAIN = LONGEST_WAIT

const UNCOUNTED: Attempt = {
  async forgive() {},
  async undoAndRethrow(error) {
    throw error
  },
}

/** Failures that are counted together. */
interface FailureCount {
  key: string
  failures: Counter
  free: number
  detail: string
}

async function guessBackoff(app: FastifyInstance) {
  const failures = app.counter('guess-failures', MEMORY)
  const ofAccount = app.counter('guess-failures-account', DRAIN, { leaky: true })
  const gate = app.counter('guess-gate', LONGEST_WAIT)

  const ownCount = ({ email, ip, unlockedAt }: Guesser): FailureCount => ({
    key: keyOf(email, networkOf(ip), unlockedAt),
    failures,
    free: FREE.network,
    detail: 'Too many wrong passwords for this email from this network.',
  })

  const countsOfStrangers = ({ email, ip, unlockedAt }: Guesser): FailureCount[] => [
    ...widerNetworksOf(ip).map(network => ({
      key: keyOf(email, network, unlockedAt),
      failures,
      free: FREE.wider,
      detail: 'Too many wrong passwords for this email from networks near this one.',
    })),
    {
      key: keyOf(email, 'all networks', unlockedAt),
      failures: ofAccount,
      free: FREE.account,
      detail:
        'Too many wrong passwords for this email from all networks together. A password reset lets its owner in at once.',
    },
  ]

  /** Closes the gate of a count for as long as its failures cost. */
  async function pass({ key, free, detail }: FailureCount, current: number) {
    const paid = current - free
    if (paid <= 0) return
    const passed = await gate.add(key, 1, Math.min(2 ** (paid - 1), LONGEST_WAIT))
    if (passed.current > 1) throw rateLimited(detail, app.clock(), passed.ttl)
  }

  async function forgive({ key }: FailureCount) {
    await Promise.all([failures.forget(key), gate.forget(key)])
  }

  app.decorate('guessBackoff', {
    async attempt({ isFamiliar, ...guesser }) {
      if (app.config.RATE_LIMIT === 'off') return UNCOUNTED
      const own = ownCount(guesser)
      const others = isFamiliar ? [] : countsOfStrangers(guesser)
      const counts = [own, ...others]
      // Counted and taken back like those below, the tries of an impatient client would all be under way
      // when the gate opens, and the one that passes would pay for them.
      const gates = await Promise.all(
        counts.map(async ({ key, detail }) => ({ detail, wait: (await gate.get(key))?.ttl ?? 0 })),
      )
      const longest = gates.reduce((one, other) => (other.wait > one.wait ? other : one))
      if (longest.wait > 0) throw rateLimited(longest.detail, app.clock(), longest.wait)

      const counted = await Promise.all(counts.map(count => count.failures.add(count.key)))
      const takeBack = (those: FailureCount[]) =>
        Promise.all(those.map(count => count.failures.add(count.key, -1)))
      try {
        for (const [index, count] of counts.entries()) await pass(count, counted[index]?.current ?? 0)
      } catch (error) {
        // A refused try is no failure: else waiting would only grow while a client repeats itself.
        await takeBack(counts)
        throw error
      }
      return {
        async undoAndRethrow(error) {
          await takeBack(counts)
          throw error
        },
        async forgive() {
          await Promise.all([forgive(own), takeBack(others)])
        },
      }
    },
    forgive: guesser => forgive(ownCount(guesser)),
  })
}

const keyOf = (email: string, network: string, unlockedAt: Date | null | undefined) =>
  hashedKey(email, network, ...(unlockedAt ? [unlockedAt.toISOString()] : []))

export default fp(guessBackoff, { name: 'guess-backoff', dependencies: ['counters'] })
