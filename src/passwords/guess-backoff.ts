/**
 * Slows down guessing at one account from one network. It is bound to the network so that nobody else
 * can lock the owner out, and to the date of the password so that a reset clears it everywhere.
 */
import { createHash } from 'node:crypto'
import { normalizeIP } from '@fastify/rate-limit'
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { type RateLimiterAbstract, RateLimiterRes } from 'rate-limiter-flexible'
import { problem } from '../errors.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** Guards a check of a password. */
    guessBackoff: GuessBackoff
  }
}

/** A counted try. */
export interface Attempt {
  forgive(): Promise<void>
  /** Takes the count back, then throws what it was given. */
  undoAndRethrow(error: unknown): Promise<never>
}

export interface GuessBackoff {
  /**
   * Counts a try before its outcome is known, so that parallel guesses count too.
   *
   * @param guess the address as canonical text, the client's IP address, and when the account's password
   *   was set (undefined where there is no account, which behaves the same)
   * @returns to be called when the try was no wrong guess: `forgive` after a right password,
   *   `undoAndRethrow` when nothing was checked
   * @throws {ProblemError} `rate_limited` with the seconds to wait
   */
  attempt(guess: { email: string; ip: string; since?: Date | undefined }): Promise<Attempt>
}

/** Failures that cost no waiting; NIST SP 800-63B-4 section 3.2.2 allows 100 in all. */
const FREE_FAILURES = 4
const LONGEST_WAIT = 15 * 60
/** A day after the first, failures are forgotten; seconds. */
const MEMORY = 24 * 60 * 60

const UNCOUNTED: Attempt = {
  async forgive() {},
  async undoAndRethrow(error) {
    throw error
  },
}

async function guessBackoff(app: FastifyInstance) {
  const failures = app.counter('guess-failures', Number.MAX_SAFE_INTEGER, MEMORY)
  const gate = app.counter('guess-gate', 1, LONGEST_WAIT)

  app.decorate('guessBackoff', {
    async attempt({ email, ip, since }) {
      if (app.config.RATE_LIMIT === 'off') return UNCOUNTED
      const key = keyOf(email, ip, since)
      // Counted and taken back like those below, the tries of an impatient client would all be under way
      // when the gate opens, and the one that passes would pay for them.
      const gateNow = await gate.get(key)
      if (gateNow !== null && gateNow.msBeforeNext > 0) throw tooEarly(gateNow)
      const { consumedPoints } = await failures.penalty(key)
      const undo = async () => void (await failures.reward(key))
      const paid = consumedPoints - FREE_FAILURES
      if (paid > 0) await pass(gate, key, Math.min(2 ** (paid - 1), LONGEST_WAIT), undo)
      return {
        async undoAndRethrow(error) {
          await undo()
          throw error
        },
        async forgive() {
          await Promise.all([failures.delete(key), gate.delete(key)])
        },
      }
    },
  })
}

/** Goes through the gate and closes it for `seconds`; where it is closed, takes the count back and throws. */
async function pass(gate: RateLimiterAbstract, key: string, seconds: number, undo: () => Promise<void>) {
  try {
    await gate.consume(key, 1, { customDuration: seconds })
  } catch (refusal) {
    if (!(refusal instanceof RateLimiterRes)) throw refusal
    // A refused try is no failure: else waiting would only grow while a client repeats itself.
    await undo()
    throw tooEarly(refusal)
  }
}

function tooEarly({ msBeforeNext }: RateLimiterRes) {
  return problem('rate_limited', { retryAfter: Math.max(1, Math.ceil(msBeforeNext / 1000)) })
}

/** No address in clear in a shared store. */
function keyOf(email: string, ip: string, since: Date | undefined): string {
  return createHash('sha256')
    .update(JSON.stringify([email, normalizeIP(ip), since?.getTime() ?? 0]))
    .digest('base64url')
}

export default fp(guessBackoff, { name: 'guess-backoff', dependencies: ['counters'] })
