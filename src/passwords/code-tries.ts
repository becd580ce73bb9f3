/**
 * Tries at mailed codes, counted in the database: five a request, and fifteen an hour over all requests of
 * an account or address. One code may serve many requests, so many requests must not be many tries.
 */
import { createHash } from 'node:crypto'
import type { Database } from '../database/index.ts'

/** More lock the request even for the right code (Kratos allows as many). */
const TRIES_PER_CODE = 5
/** Three requests' worth; at this pace the odds of a hit at 6 digits are one in eight a year. */
const TRIES_PER_HOUR = 15
const HOUR_MS = 3_600_000

/** A try at a code. */
export interface CodeTry {
  /** What the code is for, such as `reset`. */
  purpose: string
  /** Id of the request that the code belongs to. */
  requestId: string
  /** When the code expires, and its count may be forgotten. */
  expiresAt: Date
  /** Whose code it would be: the account, or an address that may have none. */
  owner: string
}

/**
 * Counts a try, before its outcome is known.
 *
 * @returns whether the code may be looked at; if not, even the right one is wrong
 */
export async function countTry(
  { database: { guesses }, clock }: { database: Pick<Database, 'guesses'>; clock: () => Date },
  { purpose, requestId, expiresAt, owner }: CodeTry,
): Promise<boolean> {
  const hour = Math.floor(clock().getTime() / HOUR_MS)
  // The owner may be an address, which has no business in this table.
  const whose = createHash('sha256').update(owner).digest('base64url')
  const ofRequest = await guesses.count(`${purpose}:${requestId}`, expiresAt)
  const ofOwner = await guesses.count(`${purpose}:${whose}:${hour}`, new Date((hour + 1) * HOUR_MS))
  return ofRequest <= TRIES_PER_CODE && ofOwner <= TRIES_PER_HOUR
}
