/**
 * Delays password guesses at one account: for each network, for the wider IPv6 networks around it, and for the account
 * over all networks. An email without an account is treated the same.
 */
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { type Counter, hashedKey } from '../counters/counter.ts'
import { rateLimited } from '../errors.ts'
import { networkOf, widerNetworksOf } from '../shared/network.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** Called before each check of a password. */
    guessBackoff: GuessBackoff
  }
}

/** The canonical email of an account and the client's IP address. */
interface Guesser {
  email: string
  ip: string
  /** When an operator lifted the back-off. It is part of the keys, so that earlier failures no longer count. */
  unlockedAt?: Date | null | undefined
}

/** A counted attempt. */
interface Attempt {
  /** Forgets the failures of this network, and removes this attempt from the other counts. */
  forgive(): Promise<void>
  /** Removes this attempt from all counts, then throws the given error. */
  undoAndRethrow(error: unknown): Promise<never>
}

export interface GuessBackoff {
  /**
   * Counts an attempt before its outcome is known, so that parallel guesses count too.
   *
   * @param guess `isFamiliar` if a login, reset or confirmation of the account recently succeeded from the client's
   *   network: then only its own failures count
   * @returns call `forgive` after a right password, and `undoAndRethrow` if nothing was checked
   * @throws {ProblemError} `rate_limited` with the seconds to wait
   */
  attempt(guess: Guesser & { isFamiliar?: boolean | undefined }): Promise<Attempt>
  /** Forgets the failures of one network, after a reset from there. */
  forgive(guesser: Guesser): Promise<void>
}

/** Failures without a delay. */
const FREE = {
  network: 4,
  /** A /56 or /48 may belong to one household or to many customers of a provider. */
  wider: 16,
  /** NIST SP 800-63B-4 section 3.2.2 allows 100 failures in a row; the hundredth causes the first delay. */
  account: 99,
}
/** Longest delay in seconds. */
const LONGEST_WAIT = 15 * 60
/** Seconds after the first failure of a network until its failures are forgotten. */
const MEMORY = 24 * 60 * 60
/**
 * Seconds until one failure of an account over all networks is forgotten. A login or a reset does not clear that count:
 * otherwise strangers could tell that the account exists.
 */
const DRAIN = LONGEST_WAIT

const UNCOUNTED: Attempt = {
  async forgive() {},
  async undoAndRethrow(error) {
    throw error
  },
}

/** One of the counts of an attempt. */
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

  /** Closes the gate of a count for the delay that its failures cause. */
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
      // Read before anything is counted: parallel attempts of an impatient client would otherwise count against the
      // one that passes when the gate opens.
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
        // A refused attempt is no failure. Otherwise the delay would grow while a client retries.
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
