// Caps for emails that any client can cause: three an hour per recipient and purpose. The response does not reveal
// it. Requests that wait for the same email share it, so that none is dropped within a day.
import type { Cap, Lead } from '../database/queries/mail-turns.ts'
import { busyKey, type OutboxKind, type OutboxRow, type Outcome } from '../database/queries/outbox.ts'
import { CLOCK_TOLERANCE } from '../tokens/jwt.ts'
import type { MailDependencies } from './dependencies.ts'

/** The rate of Supabase Auth. */
const COOLDOWN_MS = 60_000
const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

/** Emails that any client can cause. All others need a password or a mailbox. */
const PURPOSES: Record<string, readonly OutboxKind[]> = {
  confirmation: ['registration', 'confirmation_resend'],
  reset: ['reset_request'],
  'email-change': ['email_change'],
}

const purposeOf = ({ kind }: OutboxRow) => Object.entries(PURPOSES).find(([, kinds]) => kinds.includes(kind))

/** Whether any client can cause the email, so that nothing may reveal whether it was sent. */
export const isCapped = (row: OutboxRow) => purposeOf(row) !== undefined

/** Lets a claimed row take its recipient's turn or wait for it. Rows without a cap are sent at once. */
export async function takeTurn(app: MailDependencies, row: OutboxRow): Promise<Lead> {
  const purpose = purposeOf(row)
  if (purpose === undefined) {
    return { outcome: 'leads', newestRequest: row.createdAt, alsoServes: [], hasMore: false }
  }
  const [, kinds] = purpose
  const now = app.clock()
  const id = capId(app, row)
  if (id === undefined) return app.database.mailTurns.lead(row, kinds, now)
  const cap: Cap = {
    id,
    nextTurn: turns => nextTurn(turns, now),
    // Only requests of many accounts for one address can queue this long.
    waitedTooLong: now.getTime() - row.createdAt.getTime() > DAY_MS,
    expiresAt: new Date(now.getTime() + DAY_MS),
  }
  return app.database.mailTurns.lead(row, kinds, now, cap)
}

/**
 * Keys of the emails that must not be in progress together with this one. They would only wait for its turn, and all
 * places of the worker could be taken by requests for one recipient.
 */
export function busyKeys(app: MailDependencies, row: OutboxRow): string[] {
  const purpose = purposeOf(row)
  if (purpose === undefined || app.config.RATE_LIMIT === 'off') return []
  return purpose[1].map(kind => busyKey(kind, row.recipient))
}

/** Finishes a batch of the requests that a finished email serves and that did not join it. Returns how many. */
export async function finishRest(
  app: MailDependencies,
  row: OutboxRow,
  newestRequest: Date,
  result: { outcome: Outcome; lastError: string | null },
): Promise<number> {
  const [, kinds] = purposeOf(row) ?? []
  if (kinds === undefined) return 0
  return app.database.mailTurns.finishRest(row, kinds, newestRequest, { ...result, now: app.clock() })
}

/** Returns the turn of an email that the server refused. */
export async function giveTurnBack(app: MailDependencies, row: OutboxRow): Promise<void> {
  const id = capId(app, row)
  if (id !== undefined) await app.database.mailTurns.giveBack(id, row)
}

function capId(app: MailDependencies, row: OutboxRow): string | undefined {
  const purpose = purposeOf(row)
  if (purpose === undefined || app.config.RATE_LIMIT === 'off') return undefined
  return app.tokens.recipientId(purpose[0], row.recipient)
}

// A minute after the last email, an hour after the third last, and at least halfway between the last one and
// the hour after the second last. Without the last rule, a burst of two would be followed by almost an hour
// without a valid link.
export function nextTurn(turns: Date[], now: Date): Date {
  // A turn that lies ahead was taken before a clock rollback.
  const tolerated = now.getTime() + CLOCK_TOLERANCE * 1000
  const [last, second, third] = turns.map(at => at.getTime()).filter(at => at <= tolerated)
  if (last === undefined) return now
  return new Date(
    Math.max(
      last + COOLDOWN_MS,
      second === undefined ? 0 : (last + second + HOUR_MS) / 2,
      third === undefined ? 0 : third + HOUR_MS,
    ),
  )
}
