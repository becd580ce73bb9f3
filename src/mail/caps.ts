/**
 * How many mails one recipient gets that anybody can cause: three an hour of each purpose. Whoever asks is
 * told nothing. Requests that wait for the same mail are served by it together, so none is dropped.
 */
import type { Cap, Lead, OutboxKind, OutboxRow } from '../database/queries/outbox.ts'
import { CLOCK_TOLERANCE } from '../tokens/jwt.ts'
import type { MailNeeds } from './needs.ts'

/** Supabase Auth sends one a minute. */
const COOLDOWN_MS = 60_000
const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

/** What a stranger can cause by knowing an address. The other kinds need a password or a mailbox. */
const PURPOSES: Record<string, readonly OutboxKind[]> = {
  confirmation: ['registration', 'confirmation_resend'],
  reset: ['reset_request'],
  'email-change': ['email_change'],
}

const purposeOf = ({ kind }: OutboxRow) => Object.entries(PURPOSES).find(([, kinds]) => kinds.includes(kind))

/** Whether a stranger can cause such a mail, so that it must not tell whether it was sent. */
export const isCapped = (row: OutboxRow) => purposeOf(row) !== undefined

/**
 * Lets a claimed row take its recipient's turn or wait for it. Rows of kinds that are not capped are sent at
 * once.
 */
export async function takeTurn(app: MailNeeds, row: OutboxRow): Promise<Lead> {
  const purpose = purposeOf(row)
  if (purpose === undefined) return { outcome: 'leads', newestRequest: row.createdAt, alsoServes: [] }
  const [, kinds] = purpose
  const now = app.clock()
  const id = capId(app, row)
  if (id === undefined) return app.database.mailTurns.lead(row, kinds, now)
  const cap: Cap = {
    id,
    nextTurn: turns => nextTurn(turns, now),
    // Only requests of many accounts for one address can queue for so long.
    waitedTooLong: now.getTime() - row.createdAt.getTime() > DAY_MS,
    expiresAt: new Date(now.getTime() + DAY_MS),
  }
  return app.database.mailTurns.lead(row, kinds, now, cap)
}

/** Gives back the turn of a mail that the server did not take. */
export async function giveTurnBack(app: MailNeeds, row: OutboxRow): Promise<void> {
  const id = capId(app, row)
  if (id !== undefined) await app.database.mailTurns.giveBack(id, row)
}

function capId(app: MailNeeds, row: OutboxRow): string | undefined {
  const purpose = purposeOf(row)
  if (purpose === undefined || app.config.RATE_LIMIT === 'off') return undefined
  return app.tokens.recipientId(purpose[0], row.recipient)
}

/**
 * The first moment that is free: a minute after the last mail, an hour after the third last, and halfway from
 * the last one to the moment when the second last is an hour ago. Without the third condition two mails at
 * once would be followed by almost an hour of silence, in which every mailed link expires.
 *
 * @param turns the last ones, newest first
 */
export function nextTurn(turns: Date[], now: Date): Date {
  // A turn in the future was taken before the clock was set back.
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
