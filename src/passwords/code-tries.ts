/**
 * Counts attempts at emailed codes in the database: five for a request, and fifteen an hour over all requests of an
 * account or email. One code may serve many requests, which must not multiply the attempts.
 */
import { createHash } from 'node:crypto'
import type { Database } from '../database/index.ts'

/** After these, even the right code is refused (Ory Kratos allows as many). */
const TRIES_PER_CODE = 5
/** Attempts of three requests. At this rate, the chance to guess a 6-digit code is one in eight a year. */
const TRIES_PER_HOUR = 15
const HOUR_MS = 3_600_000

/** An attempt at a code. */
export interface CodeTry {
  /** What the code is for, such as `reset`. */
  purpose: string
  /** Id of the request that the code belongs to. */
  requestId: string
  /** Expiry of the code. Its count may be deleted then. */
  expiresAt: Date
  /** The owner of the code: the account, or an email that may have no account. */
  owner: string
}

/**
 * Counts an attempt before its outcome is known, so that parallel attempts count too.
 *
 * @returns whether the attempt is allowed; if not, even the right code must be refused
 */
export async function countTry(
  { database: { guesses }, clock }: { database: Pick<Database, 'guesses'>; clock: () => Date },
  { purpose, requestId, expiresAt, owner }: CodeTry,
): Promise<boolean> {
  const hour = Math.floor(clock().getTime() / HOUR_MS)
  // The owner may be an email, which this table must not contain.
  const ownerHash = createHash('sha256').update(owner).digest('base64url')
  const ofRequest = await guesses.count(`${purpose}:${requestId}`, expiresAt)
  const ofOwner = await guesses.count(`${purpose}:${ownerHash}:${hour}`, new Date((hour + 1) * HOUR_MS))
  return ofRequest <= TRIES_PER_CODE && ofOwner <= TRIES_PER_HOUR
}
