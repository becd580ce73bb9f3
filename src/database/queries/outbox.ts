// Queries of the outbox. A row is inserted in the transaction that causes the email, claimed by lease
// (compare-and-swap, for any number of instances) and finished once.

import { v7 as uuidv7 } from 'uuid'
import type { Outbox } from '../../generated/sqlite/client.ts'
import { type Change, column, columns, type Provider, type Run, type Statements, type Value } from '../sql.ts'
import type { Cause, Origin } from './events.ts'

/** Reasons to send an email. The worker decides at sending time which email it becomes. */
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
  | 'invitation'
  | 'reset_required'

export interface NewMail extends Partial<Origin> {
  kind: OutboxKind
  recipient: string
  userId?: string
  challengeId?: string
  mentionedEmail?: string
  locale?: string | null
}

/** Stored so that the worker's log lines name the request. */
export const causedBy = ({ requestId, traceparent = null }: Cause): Cause => ({ requestId, traceparent })

export type { Outbox }

export type OutboxRow = Omit<Outbox, 'kind'> & { kind: OutboxKind }

/** `dropped`: nothing to send. `dead`: a dead letter, after all attempts failed. */
export type Outcome = 'sent' | 'dropped' | 'dead'

/** States of an email; see the model. An operator cancels. */
export const MAIL_STATES = ['queued', 'joined', 'sent', 'dropped', 'dead', 'cancelled'] as const
export type MailState = (typeof MAIL_STATES)[number]

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

/** Columns in the order of `mailRow`. */
export const MAIL_COLUMNS = FIELDS.map(column).join(', ')

const INSERT = `INSERT INTO outbox (${MAIL_COLUMNS})
  VALUES (${FIELDS.map((_, index) => `$${index + 1}`).join(', ')})`

export const mailInsertion = (mail: NewMail, now: Date): Change => [INSERT, mailRow(mail, now)]

export const insertMail = (run: Run, mail: NewMail, now: Date) => run(...mailInsertion(mail, now))

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

type Owner = { id: string; email: string }

const TO_OWNER = `SELECT ${columns(FIELDS, 'outbox')} FROM outbox
  WHERE recipient = $1 AND (user_id IS NULL OR user_id = $2) AND (created_at, id) > ($3, $4)
  ORDER BY created_at, id LIMIT $5`

const ABOUT_OWNER = `SELECT ${columns(FIELDS, 'outbox')} FROM outbox
  WHERE user_id = $1 AND recipient <> $2 AND created_at > $3 AND id > $4 ORDER BY id LIMIT $5`

/** Clears the email's id, because a code derived from it was not sent. */
export const DEFER = `UPDATE outbox SET next_attempt_at = $1, attempts = $2, last_error = COALESCE($3, last_error),
  leased_until = NULL, mail_id = NULL WHERE id = $4 AND state = 'queued' AND attempts = $5 RETURNING id`

const FINISH = `UPDATE outbox SET state = $1, finished_at = $2, last_error = $3, leased_until = NULL
  WHERE id = $4 AND state = 'queued' AND attempts = $5 RETURNING id`

/**
 * Rows that one statement changes for one recipient, however many wait. All at once would exceed PostgreSQL's
 * time limit for a statement, or block SQLite's event loop for seconds.
 */
export const BATCH = 500

const FINISH_JOINED = `UPDATE outbox SET state = $1, finished_at = $2, last_error = $3, leased_until = NULL
  WHERE mail_id = $4 AND state = 'joined'
    AND id IN (SELECT id FROM outbox WHERE mail_id = $4 AND state = 'joined' LIMIT ${BATCH})`

const RESCHEDULE = `UPDATE outbox SET
  created_at = CASE WHEN created_at > $1 THEN $1 ELSE created_at END,
  next_attempt_at = CASE WHEN leased_until IS NULL THEN $1 ELSE $2 END,
  leased_until = CASE WHEN leased_until IS NULL THEN leased_until ELSE $2 END
  WHERE state = 'queued' AND (created_at > $3 OR leased_until > $4)`

// `next_attempt_at` moves to the end of the lease, so that one index finds due rows. On PostgreSQL, SKIP
// LOCKED passes over rows that another instance is claiming.
const claimOn = (provider: Provider) => {
  const due = `SELECT id FROM outbox WHERE state = 'queued' AND next_attempt_at <= $1
    AND NOT ${isHeld(provider, '$4', '$5')} ORDER BY next_attempt_at, id LIMIT $2`
  return `UPDATE outbox SET attempts = attempts + 1, leased_until = $3, next_attempt_at = $3
    WHERE id ${among(provider, due, 'FOR UPDATE SKIP LOCKED')}
    RETURNING ${columns(FIELDS, 'outbox')}`
}

const nextDueOn = (provider: Provider) => `SELECT next_attempt_at AS "nextAttemptAt" FROM outbox
  WHERE state = 'queued' AND NOT ${isHeld(provider, '$1', '$2')} ORDER BY next_attempt_at LIMIT 1`

/** The rows of one claim have the same end of their lease. */
const releaseOn = (provider: Provider) => `UPDATE outbox
  SET attempts = attempts - 1, next_attempt_at = $1, leased_until = NULL
  WHERE id ${among(provider, listed(provider, '$2'))} AND state = 'queued' AND leased_until = $3`

/** An array is evaluated once. A join might evaluate it again and lock further rows. */
export const among = (provider: Provider, ids: string, lock = '') =>
  provider === 'postgresql' ? `= ANY(ARRAY(${ids} ${lock}))` : `IN (${ids})`

/** The strings of a JSON array. */
const listed = (provider: Provider, parameter: string) =>
  provider === 'postgresql'
    ? `SELECT json_array_elements_text(${parameter}::json)`
    : `SELECT value FROM json_each(${parameter})`

// A row in progress itself is claimed again, which renews its lease, if the clock was set forward.
const isHeld = (provider: Provider, keys: string, ids: string) =>
  `(kind || ' ' || recipient ${among(provider, listed(provider, keys))}
    AND NOT id ${among(provider, listed(provider, ids))})`

/** What a worker has in progress: ids of rows, and keys of kinds and recipients of which it takes no further rows. */
interface Busy {
  ids: string[]
  keys: string[]
}

const NOTHING: Busy = { ids: [], keys: [] }

export const busyKey = (kind: OutboxKind, recipient: string) => `${kind} ${recipient}`

export function outbox({ provider, read, change, changeAll, transaction }: Statements) {
  const CLAIM = claimOn(provider)
  const NEXT_DUE = nextDueOn(provider)
  const RELEASE = releaseOn(provider)
  // No row joins an email after its delivery has begun, so that one snapshot serves both parts.
  const finishAll = (values: Value[]) =>
    provider === 'postgresql'
      ? change(
          `WITH finished AS (${FINISH}), joined AS (${FINISH_JOINED} AND EXISTS (SELECT 1 FROM finished))
            SELECT id FROM finished`,
          values,
        )
      : transaction(async run => {
          const finished = await run(FINISH, values)
          if (finished.length === 1) await run(FINISH_JOINED, values.slice(0, 4))
          return finished
        })

  return {
    enqueue: (mail: NewMail, now: Date) => insertMail(change, mail, now),

    enqueueAll: (mails: NewMail[], now: Date) => changeAll(mails.map(mail => mailInsertion(mail, now))),

    /** Returns the next emails to the account's address, without those that another account requested. */
    nextTo: (user: Owner, after: Pick<Outbox, 'id' | 'createdAt'> | undefined, limit: number) =>
      read<Outbox>(TO_OWNER, [user.email, user.id, after?.createdAt ?? new Date(0), after?.id ?? '', limit]),

    /**
     * Returns the next emails about an account to other recipients. Selected by age only, because retention
     * depends on the outcome, which must stay hidden.
     */
    nextAbout: (user: Owner, after: Pick<Outbox, 'id'> | undefined, since: Date, limit: number) =>
      read<Outbox>(ABOUT_OWNER, [user.id, user.email, since, after?.id ?? '', limit]),

    /** Claims due rows in one statement. Other workers may claim them again at `leasedUntil`. */
    async claim(
      limit: number,
      now: Date,
      leasedUntil: Date,
      { ids, keys }: Busy = NOTHING,
    ): Promise<OutboxRow[]> {
      const rows = await change<OutboxRow>(CLAIM, [
        now,
        limit,
        leasedUntil,
        JSON.stringify(keys),
        JSON.stringify(ids),
      ])
      return rows.sort((a, b) => (a.id < b.id ? -1 : 1))
    },

    /** Returns rows of one claim to the queue, due now and without an attempt. */
    release: (rows: readonly OutboxRow[], now: Date, leasedUntil: Date) =>
      change(RELEASE, [now, JSON.stringify(rows.map(({ id }) => id)), leasedUntil]),

    /**
     * After a clock rollback, moves rows whose due time lies ahead to now.
     * @param leasedUntil end of a lease that starts now
     * @param tolerance seconds by which correct clocks may differ
     */
    rescheduleAfterRollback(now: Date, leasedUntil: Date, tolerance: number) {
      const tolerated = (date: Date) => new Date(date.getTime() + tolerance * 1000)
      return change(RESCHEDULE, [now, leasedUntil, tolerated(now), tolerated(leasedUntil)])
    },

    /** Returns the due time of the next row that is not busy, or undefined. */
    async nextDue({ ids, keys }: Busy = NOTHING): Promise<Date | undefined> {
      return (
        await read<Pick<Outbox, 'nextAttemptAt'>>(NEXT_DUE, [JSON.stringify(keys), JSON.stringify(ids)])
      )[0]?.nextAttemptAt
    },

    /** Returns a claimed row to the queue after a failure. False if it was claimed again. */
    async defer(row: OutboxRow, { nextAttemptAt, lastError }: { nextAttemptAt: Date; lastError: string }) {
      const changed = await change(DEFER, [nextAttemptAt, row.attempts, lastError, row.id, row.attempts])
      return changed.length > 0
    },

    /**
     * Finishes a claimed row, and the rows that joined it, up to a batch. False if it was claimed again.
     * `mailTurns.finishRest` finishes the others.
     */
    async finish(row: OutboxRow, outcome: Outcome, now: Date, lastError: string | null = null) {
      return (await finishAll([outcome, now, lastError, row.id, row.attempts])).length > 0
    },
  }
}
