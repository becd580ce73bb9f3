/**
 * Which refused logins go into the history of an account: anybody can cause them, so a flood of guesses must not fill it.
 * Counted for every address alike, since a count that only an account has would tell of it.
 */
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { hashedKey } from '../shared/counter.ts'
import { networkOf } from '../shared/network.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** Counts a refused login, and says whether the history of its account records it. */
    isRecordedRefusal(refusal: Refusal): Promise<boolean>
  }
}

/** A refusal that repeats one of so many seconds ago, from the same network and device, is not recorded. */
const REPEATED = 3600
/** Refusals of one address that are recorded in a day, from wherever they come. */
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
