/**
 * Decides which refused logins the history of an account records, because a flood of guesses must not fill it. Counts
 * for every email, so that nothing reveals whether it has an account.
 */
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { hashedKey } from '../counters/counter.ts'
import { networkOf } from '../shared/network.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** Counts a refused login. Returns whether the history of its account records it. */
    isRecordedRefusal(refusal: Refusal): Promise<boolean>
  }
}

/** Seconds in which a refusal from the same network and device is recorded once. */
const REPEATED = 3600
/** Recorded refusals of one email in a day, over all networks. */
const MOST_A_DAY = 50

/** A refused login. */
export interface Refusal {
  /** Canonical. */
  email: string
  ip: string
  device: string | null
}

async function recordedRefusals(app: FastifyInstance) {
  const repeated = app.counter('refusals-repeated', REPEATED)
  const ofAddress = app.counter('refusals-recorded', 24 * 60 * 60)

  app.decorate('isRecordedRefusal', async ({ email, ip, device }) => {
    if (app.config.RATE_LIMIT === 'off') return true
    const { current } = await repeated.add(hashedKey(email, networkOf(ip), device))
    return current === 1 && (await ofAddress.add(hashedKey(email))).current <= MOST_A_DAY
  })
}

export default fp(recordedRefusals, { name: 'recorded-refusals', dependencies: ['counters'] })
