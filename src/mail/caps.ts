/**
 * How many mails one recipient gets that anybody can cause, counted in the outbox itself and never
 * visible to who asked.
 */
import type { OutboxKind, OutboxQueries, OutboxRow } from '../database/outbox.ts'

/** Supabase Auth sends one a minute; seconds. */
const COOLDOWN = 60
const PER_HOUR = 3
const HOUR = 3600
const DAY = 24 * HOUR

/**
 * The kinds that a stranger can cause by knowing an address, and how long such a mail may be put off,
 * in seconds. The other kinds need a password or a mailbox.
 */
const PATIENCE: Partial<Record<OutboxKind, number>> = {
  // May be for somebody else's registration than the mail before: the owner must get the own one.
  registration: DAY,
  // The mail before has the same link, but the code of another request.
  reset_request: 3 * COOLDOWN,
  // The mail before may be for another account's change.
  email_change: 3 * COOLDOWN,
  // The mail before has the same link, and nothing else to say.
  confirmation_resend: 0,
}

/** What the caps say of a mail: when it may be sent, or that it may not. */
export type Verdict = { notBefore: Date } | 'drop'

/**
 * Holds a mail against the caps: a minute after the one before, an hour after the third before. Whether
 * it waits or is dropped depends only on rows that every worker sees alike.
 *
 * @param outbox where mails are counted
 * @param row a claimed row
 */
export async function capVerdict(outbox: OutboxQueries, row: OutboxRow): Promise<Verdict> {
  const patience = PATIENCE[row.kind]
  if (patience === undefined) return { notBefore: row.createdAt }
  const asked = [
    ...(await outbox.askedBefore(row, new Date(row.createdAt.getTime() - DAY * 1000))),
    row.createdAt,
  ]
  const sent: number[] = []
  for (const at of asked) {
    const turn = turnAfter(sent, at.getTime())
    // One that was dropped takes nobody's turn.
    if (turn - at.getTime() <= patience * 1000) sent.push(turn)
    else if (at === row.createdAt) return 'drop'
  }
  return { notBefore: new Date(sent.at(-1) as number) }
}

/** The first moment from `at` on that the mails sent so far leave room for; milliseconds. */
function turnAfter(sent: number[], at: number): number {
  const last = sent.at(-1) ?? Number.NEGATIVE_INFINITY
  const thirdLast = sent.at(-PER_HOUR) ?? Number.NEGATIVE_INFINITY
  return Math.max(at, last + COOLDOWN * 1000, thirdLast + HOUR * 1000)
}
