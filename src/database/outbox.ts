/**
 * Queries about mails to be sent. A row is filed in the transaction of what causes it, claimed by lease
 * (compare-and-swap, so that any number of instances may work), and finished once.
 */

import { v7 as uuidv7 } from 'uuid'
import type { Outbox } from '../generated/sqlite/client.ts'
import type { Cause, Origin } from './events.ts'
import { type Change, column, columns, type Run, type Statements, type Value } from './sql.ts'

/** Why a mail is sent. Which mail it becomes, the worker decides when it sends it. */
export type OutboxKind =
  | 'registration'
  | 'confirmation_resend'
  | 'reset_request'
  | 'password_changed'
  | 'password_change_code'
  | 'email_change'
  | 'email_change_requested'
  | 'email_changed'
  | 'new_device'
  | 'account_secured'
  | 'farewell'

/** What a mail is about; see the model. */
export interface NewMail extends Partial<Origin> {
  kind: OutboxKind
  recipient: string
  userId?: string
  challengeId?: string
  mentionedEmail?: string
  locale?: string | null
}

/** What a mail carries of the request that caused it, so that the worker's log lines name it. */
export const causedBy = ({ requestId, traceparent = null }: Cause): Cause => ({ requestId, traceparent })

export type { Outbox }

/** A mail in the outbox. */
export type OutboxRow = Omit<Outbox, 'kind'> & { kind: OutboxKind }

/** How a mail ended: it was sent, there was nothing to send, or all tries failed (dead letter). */
export type Outcome = 'sent' | 'dropped' | 'dead'

/** Queries about the outbox. */
export type OutboxQueries = ReturnType<typeof outbox>

const FIELDS = [
  'id',
  'kind',
  'recipient',
  'registrationId',
  'userId',
  'challengeId',
  'mentionedEmail',
  'locale',
  'ip',
  'device',
  'requestId',
  'traceparent',
  'mailId',
  'state',
  'attempts',
  'nextAttemptAt',
  'leasedUntil',
  'lastError',
  'createdAt',
  'finishedAt',
] as const satisfies (keyof Outbox)[]

/** The columns of a mail, in the order of `mailRow`. */
export const MAIL_COLUMNS = FIELDS.map(column).join(', ')

const INSERT = `INSERT INTO outbox (${MAIL_COLUMNS})
  VALUES (${FIELDS.map((_, index) => `$${index + 1}`).join(', ')})`

/** The statement that puts a mail into the outbox, and its values. */
export const mailInsertion = (mail: NewMail, now: Date): Change => [INSERT, mailRow(mail, now)]

/** Puts a mail into the outbox, within a transaction of either kind. */
export const insertMail = (run: Run, mail: NewMail, now: Date) => run(...mailInsertion(mail, now))

/** The values of a new mail's columns. */
export function mailRow(mail: NewMail, now: Date): Value[] {
  const row: Partial<Outbox> = {
    ...mail,
    id: uuidv7(),
    state: 'queued',
    attempts: 0,
    nextAttemptAt: now,
    createdAt: now,
  }
  return FIELDS.map(field => row[field] ?? null)
}

/** Whose mails are asked for. */
type Owner = { id: string; email: string }

const TO_OWNER = `SELECT ${columns(FIELDS, 'outbox')} FROM outbox
  WHERE recipient = $1 AND (user_id IS NULL OR user_id = $2) AND (created_at, id) > ($3, $4)
  ORDER BY created_at, id LIMIT $5`

const ABOUT_OWNER = `SELECT ${columns(FIELDS, 'outbox')} FROM outbox
  WHERE user_id = $1 AND recipient <> $2 AND created_at > $3 AND id > $4 ORDER BY id LIMIT $5`

const NEXT_DUE = `SELECT next_attempt_at AS "nextAttemptAt" FROM outbox WHERE state = 'queued'
  ORDER BY next_attempt_at LIMIT 1`

/** Whatever code was derived from the row was not mailed. */
export const DEFER = `UPDATE outbox SET next_attempt_at = $1, attempts = $2, last_error = COALESCE($3, last_error),
  leased_until = NULL, mail_id = NULL WHERE id = $4 AND state = 'queued' AND attempts = $5`

const FINISH = `UPDATE outbox SET state = $1, finished_at = $2, last_error = $3, leased_until = NULL
  WHERE id = $4 AND state = 'queued' AND attempts = $5 RETURNING id`

const FINISH_JOINED = `UPDATE outbox SET state = $1, finished_at = $2, last_error = $3, leased_until = NULL
  WHERE mail_id = $4 AND state = 'joined'`

const RECALL = `UPDATE outbox SET
  created_at = CASE WHEN created_at > $1 THEN $1 ELSE created_at END,
  next_attempt_at = CASE WHEN leased_until IS NULL THEN $1 ELSE $2 END,
  leased_until = CASE WHEN leased_until IS NULL THEN leased_until ELSE $2 END
  WHERE state = 'queued' AND (created_at > $3 OR leased_until > $4)`

/**
 * `next_attempt_at` moves to the end of the lease, so that one index finds what is due. What another
 * instance is claiming at this moment is passed over, not waited for; what it has claimed is no longer due
 * once it can be locked. SQLite has one writer.
 */
const claimOn = (provider: Statements['provider']) => {
  const due = `SELECT id FROM outbox WHERE state = 'queued' AND next_attempt_at <= $1
    ORDER BY next_attempt_at, id LIMIT $2`
  // As an array it is read once; as a join it might be read again, and more be locked than is taken.
  const among = provider === 'postgresql' ? `= ANY(ARRAY(${due} FOR UPDATE SKIP LOCKED))` : `IN (${due})`
  return `UPDATE outbox SET attempts = attempts + 1, leased_until = $3, next_attempt_at = $3
    WHERE id ${among}
    RETURNING ${columns(FIELDS, 'outbox')}`
}

/** @param statements on the database */
export function outbox({ provider, read, change, changeAll, transaction }: Statements) {
  const CLAIM = claimOn(provider)
  // No row joins a mail once it is handed over, so one snapshot for both parts misses none.
  const finishAll = (values: Value[]) =>
    provider === 'postgresql'
      ? change(`WITH finished AS (${FINISH}) ${FINISH_JOINED} AND EXISTS (SELECT 1 FROM finished)`, values)
      : transaction(async run => {
          if ((await run(FINISH, values)).length === 1) await run(FINISH_JOINED, values.slice(0, 4))
        })

  return {
    file: (mail: NewMail, now: Date) => insertMail(change, mail, now),

    /** Files several mails, all or none. */
    fileAll: (mails: NewMail[], now: Date) => changeAll(mails.map(mail => mailInsertion(mail, now))),

    /**
     * The next mails to the address of an account, oldest first, but for those that another account asked for.
     *
     * @param after the last mail before them
     */
    nextTo: (user: Owner, after: Pick<Outbox, 'id' | 'createdAt'> | undefined, limit: number) =>
      read<Outbox>(TO_OWNER, [user.email, user.id, after?.createdAt ?? new Date(0), after?.id ?? '', limit]),

    /**
     * The next mails about an account to other addresses. They are listed by age alone, since how long a row is kept
     * depends on what became of the mail.
     *
     * @param after the last mail before them
     * @param since they are not older
     */
    nextAbout: (user: Owner, after: Pick<Outbox, 'id'> | undefined, since: Date, limit: number) =>
      read<Outbox>(ABOUT_OWNER, [user.id, user.email, since, after?.id ?? '', limit]),

    /**
     * Claims rows that are due, in one statement.
     *
     * @param limit how many at most
     * @param leasedUntil when another worker may take them, should this one die
     * @returns the rows that are now this worker's
     */
    async claim(limit: number, now: Date, leasedUntil: Date): Promise<OutboxRow[]> {
      const rows = await change<OutboxRow>(CLAIM, [now, limit, leasedUntil])
      return rows.sort((a, b) => (a.id < b.id ? -1 : 1))
    },

    /**
     * Brings rows out of the future, where they are after the clock was set back: what was filed there counts
     * as filed now, and what was leased there is leased from now on.
     *
     * @param leasedUntil when a lease ends that begins now
     * @param tolerance by how many seconds clocks may differ that are right
     */
    recall(now: Date, leasedUntil: Date, tolerance: number) {
      const tolerated = (date: Date) => new Date(date.getTime() + tolerance * 1000)
      return change(RECALL, [now, leasedUntil, tolerated(now), tolerated(leasedUntil)])
    },

    /** When the next row is due; undefined where none waits. */
    async nextDue(): Promise<Date | undefined> {
      return (await read<Pick<Outbox, 'nextAttemptAt'>>(NEXT_DUE, []))[0]?.nextAttemptAt
    },

    /** Gives a claimed row back: after a failure, or because its time has not come. */
    defer: (row: OutboxRow, to: { nextAttemptAt: Date; attempts?: number; lastError?: string }) =>
      change(DEFER, [
        to.nextAttemptAt,
        to.attempts ?? row.attempts,
        to.lastError ?? null,
        row.id,
        row.attempts,
      ]),

    /** Finishes a claimed row, and the rows that its mail serves. */
    finish: (row: OutboxRow, outcome: Outcome, now: Date, lastError: string | null = null) =>
      finishAll([outcome, now, lastError, row.id, row.attempts]),
  }
}
