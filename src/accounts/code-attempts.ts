/**
 * Counts attempts at emailed codes in the database: five for a request, and fifteen an hour over all requests of an
 * account or email. One code may serve many requests, which must not multiply the attempts.
 */
import { createHash } from 'node:crypto'
import type { Database } from '../database/index.ts'

/** After these, even the right code is refused (Ory Kratos allows as many). */
const ATTEMPTS_PER_REQUEST = 5
/** Attempts of three requests. At this rate, the chance to guess a 6-digit code is one in eight a year. */
const ATTEMPTS_PER_HOUR = 15
const HOUR_MS = 3_600_000

/** An attempt at a code. */
interface CodeAttempt {
  /** What the code is for, such as `reset`. */
  purpose: string
  /** Id of the request that the code belongs to. */
  requestId: string
  /** Expiry of the request's token. No attempt succeeds later, so the count may be deleted. */
  expiresAt: Date
  /** The owner of the code: the account, or an email that may have no account. */
  owner: string
}

/**
 * Counts an attempt before its outcome is known, so that parallel attempts count too.
 *
 * @returns whether the attempt is allowed; if not, even the right code must be refused
 */
export async function countAttempt(
  { database: { codeAttempts }, clock }: { database: Pick<Database, 'codeAttempts'>; clock: () => Date },
  { purpose, requestId, expiresAt, owner }: CodeAttempt,
): Promise<boolean> {
  const hour = Math.floor(clock().getTime() / HOUR_MS)
  // The owner may be an email, which this table must not contain.
  const ownerHash = createHash('sha256').update(owner).digest('base64url')
  const ofRequest = await codeAttempts.count(`${purpose}:${requestId}`, expiresAt)
  const ofOwner = await codeAttempts.count(`${purpose}:${ownerHash}:${hour}`, new Date((hour + 1) * HOUR_MS))
  return ofRequest <= ATTEMPTS_PER_REQUEST && ofOwner <= ATTEMPTS_PER_HOUR
}
