// Queries of the outbox. A row is inserted in the transaction that causes the email, claimed by lease
// (compare-and-swap, for any number of instances) and finished once.

import { v7 as uuidv7 } from 'uuid'
import type { MailTurn, Outbox } from '../../generated/sqlite/client.ts'
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
const DEFER = `UPDATE outbox SET next_attempt_at = $1, attempts = $2, last_error = COALESCE($3, last_error),
  leased_until = NULL, mail_id = NULL WHERE id = $4 AND state = 'queued' AND attempts = $5 RETURNING id`

const FINISH = `UPDATE outbox SET state = $1, finished_at = $2, last_error = $3, leased_until = NULL
  WHERE id = $4 AND state = 'queued' AND attempts = $5 RETURNING id`

/**
 * Rows that one statement changes for one recipient, however many wait. All at once would exceed PostgreSQL's
 * time limit for a statement, or block SQLite's event loop for seconds.
 */
const BATCH = 500

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
    AND NOT ${isBusy(provider, '$4', '$5')} ORDER BY next_attempt_at, id LIMIT $2`
  return `UPDATE outbox SET attempts = attempts + 1, leased_until = $3, next_attempt_at = $3
    WHERE id ${among(provider, due, 'FOR UPDATE SKIP LOCKED')}
    RETURNING ${columns(FIELDS, 'outbox')}`
}

const nextDueOn = (provider: Provider) => `SELECT next_attempt_at AS "nextAttemptAt" FROM outbox
  WHERE state = 'queued' AND NOT ${isBusy(provider, '$1', '$2')} ORDER BY next_attempt_at LIMIT 1`

/** The end of the lease identifies the claim. */
const releaseOn = (provider: Provider) => `UPDATE outbox
  SET attempts = attempts - 1, next_attempt_at = $1, leased_until = NULL
  WHERE id ${among(provider, listed(provider, '$2'))} AND state = 'queued' AND leased_until = $3`

/** An array is evaluated once. A join might evaluate it again and lock further rows. */
const among = (provider: Provider, ids: string, lock = '') =>
  provider === 'postgresql' ? `= ANY(ARRAY(${ids} ${lock}))` : `IN (${ids})`

/** The strings of a JSON array. */
const listed = (provider: Provider, parameter: string) =>
  provider === 'postgresql'
    ? `SELECT json_array_elements_text(${parameter}::json)`
    : `SELECT value FROM json_each(${parameter})`

// A row in progress itself is claimed again, which renews its lease, if the clock was set forward.
const isBusy = (provider: Provider, keys: string, ids: string) =>
  `(kind || ' ' || recipient ${among(provider, listed(provider, keys))}
    AND NOT id ${among(provider, listed(provider, ids))})`

/** What a worker has in progress: ids of rows, and keys of kinds and recipients of which it takes no further rows. */
export interface Busy {
  ids: string[]
  keys: string[]
}

const NOTHING: Busy = { ids: [], keys: [] }

export const busyKey = (kind: OutboxKind, recipient: string) => `${kind} ${recipient}`

export function outbox({ provider, read, change, changeAll, transaction }: Statements) {
  const CLAIM = claimOn(provider)
  const NEXT_DUE = nextDueOn(provider)
  const RELEASE = releaseOn(provider)
  // No row joins an email after the handover, so that one snapshot serves both parts.
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
    file: (mail: NewMail, now: Date) => insertMail(change, mail, now),

    fileAll: (mails: NewMail[], now: Date) => changeAll(mails.map(mail => mailInsertion(mail, now))),

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

/** Limits how often a recipient gets an email of one kind. */
export interface Cap {
  /** Recipient and kind. */
  id: string
  /** @param turns the last ones, newest first */
  nextTurn(turns: Date[]): Date
  /** Whether to drop the row instead of letting it wait further. */
  waitedTooLong: boolean
  expiresAt: Date
}

/**
 * Result for a claimed row. `alsoServes`: ids of other requests that the email serves. `hasMore`: more requests
 * wait than one batch, up to `newestRequest`; `finishRest` finishes them. `waits`: back in the queue until its
 * turn. `lost`: another email serves it, it was claimed again, or it is gone.
 */
export type Lead =
  | { outcome: 'leads'; newestRequest: Date; alsoServes: string[]; hasMore: boolean }
  | { outcome: 'waits' | 'lost' | 'waited too long' }

type Turns = Pick<MailTurn, 'version' | 'mailId' | 'lastAt' | 'secondAt' | 'thirdAt'>

const TURNS = `SELECT version, mail_id AS "mailId", last_at AS "lastAt", second_at AS "secondAt",
  third_at AS "thirdAt" FROM mail_turns WHERE id = $1`

/** Compare-and-swap: inserts nothing if another worker changed the turns. */
const TAKE = `INSERT INTO mail_turns (id, version, mail_id, last_at, second_at, third_at, expires_at)
  VALUES ($1, $2, $3, $4, $5, $6, $7)
  ON CONFLICT (id) DO UPDATE SET version = excluded.version, mail_id = excluded.mail_id,
    last_at = excluded.last_at, second_at = excluded.second_at, third_at = excluded.third_at,
    expires_at = excluded.expires_at
  WHERE mail_turns.version = $8
  RETURNING id`

/** The turn that dropped off is more than an hour old and no longer counts. */
const GIVE_BACK = `UPDATE mail_turns SET version = version + 1, mail_id = '', last_at = second_at,
  second_at = third_at, third_at = NULL WHERE id = $1 AND mail_id = $2`

const MARK = `UPDATE outbox SET mail_id = id WHERE id = $1 AND state = 'queued' AND attempts = $2 RETURNING id`

const ownerOf = ({ userId, registrationId }: OutboxRow) => userId ?? registrationId ?? ''

const oneOf = (kinds: readonly OutboxKind[]) => `kind IN (${kinds.map(kind => `'${kind}'`).join(', ')})`

/** Requests of other accounts for the same recipient need their own link (`$3`). */
const servedBy = (kinds: readonly OutboxKind[]) => `id <> $1 AND recipient = $2
  AND COALESCE(user_id, registration_id, '') = $3 AND ${oneOf(kinds)}`

const gatherOn = (provider: Provider, kinds: readonly OutboxKind[], state: 'queued' | 'joined') => {
  const rows = `SELECT id FROM outbox WHERE ${servedBy(kinds)} AND state = '${state}' LIMIT $4`
  return `UPDATE outbox SET state = 'joined', mail_id = $1 WHERE id ${among(provider, rows, 'FOR UPDATE')}
    RETURNING request_id AS "requestId"`
}

const newestOf = (kinds: readonly OutboxKind[]) => `SELECT created_at AS "createdAt" FROM outbox
  WHERE ${servedBy(kinds)} AND state IN ('queued', 'joined') ORDER BY created_at DESC LIMIT 1`

// Passes over rows that another worker has in hand, and over those that have joined an email in the queue: that
// one serves them. SKIP LOCKED waits for nobody, so that two workers cannot wait for each other.
const REST = {
  // Not IS NULL, for which SQLite would read the index of that column, with all rows that never had a mail.
  queued: `COALESCE(mail_id, '') = ''`,
  joined: `(mail_id = $1 OR NOT EXISTS (
    SELECT 1 FROM outbox AS mail WHERE mail.id = outbox.mail_id AND mail.state = 'queued'))`,
}

const finishRestOn = (provider: Provider, kinds: readonly OutboxKind[], state: keyof typeof REST) => {
  const rows = `SELECT id FROM outbox WHERE ${servedBy(kinds)} AND state = '${state}' AND created_at <= $4
    AND ${REST[state]} LIMIT ${BATCH}`
  return `UPDATE outbox SET state = $5, mail_id = $1, finished_at = $6, last_error = $7, leased_until = NULL
    WHERE id ${among(provider, rows, 'FOR UPDATE SKIP LOCKED')} RETURNING id`
}

// The rows at the head of the queue, which would otherwise be claimed one by one before those of other recipients.
// An older row is claimed itself, because it may have waited too long.
const postponeOn = (provider: Provider, kinds: readonly OutboxKind[]) => {
  const head = `SELECT id, kind, recipient, created_at FROM outbox
    WHERE state = 'queued' AND next_attempt_at <= $2 ORDER BY next_attempt_at, id LIMIT ${BATCH}`
  const rows = `SELECT id FROM outbox WHERE state = 'queued' AND leased_until IS NULL AND id IN (
    SELECT id FROM (${head}) AS head WHERE recipient = $3 AND ${oneOf(kinds)} AND created_at >= $4)`
  return `UPDATE outbox SET next_attempt_at = $1 WHERE id ${among(provider, rows, 'FOR UPDATE SKIP LOCKED')}`
}

/** The email's row refers to itself from the handover on. */
const MAIL_OF_REQUEST = `SELECT mail.id, mail.state, mail.finished_at AS "finishedAt"
  FROM outbox AS request JOIN outbox AS mail ON mail.id = request.mail_id AND mail.mail_id = mail.id
  WHERE request.challenge_id = $1`

// Attempts while other workers change the same turns. They need no back-off, because they converge: the changed row
// is locked until its worker commits, and then its turn is taken, so that the next attempt waits for a free one. Only
// turns given back in between cause more. After the last, the delivery is retried like any other failure.
const MAX_CONTENTION_ATTEMPTS = 10

export function mailTurns({ provider, read, change, transaction }: Statements) {
  const contention = new Error('another worker changed the turns')
  const lost = new Error('the row is not in hand any more')

  // Locks the turns before any row of the outbox. In the other order, each of two requests that are due at once
  // locks its own row and waits for the other's when it gathers them: a deadlock.
  function tryToLead(row: OutboxRow, kinds: readonly OutboxKind[], now: Date, cap: Cap): Promise<Lead> {
    return transaction(async run => {
      const [turns] = await run<Turns>(TURNS, [cap.id])
      const past = [turns?.lastAt, turns?.secondAt, turns?.thirdAt].filter(at => at instanceof Date)
      // A retry after a crash still has its turn.
      const previous = turns?.mailId === row.id ? past.slice(1) : past
      if (turns?.mailId !== row.id) {
        const free = cap.nextTurn(previous)
        if (free > now && cap.waitedTooLong) return { outcome: 'waited too long' }
        if (free > now) {
          // Waiting for a turn does not count as an attempt.
          const deferred = await run(DEFER, [free, row.attempts - 1, null, row.id, row.attempts])
          if (deferred.length === 0) return { outcome: 'lost' }
          await run(postponeOn(provider, kinds), [free, now, row.recipient, row.createdAt])
          return { outcome: 'waits' }
        }
      }
      const version = turns?.version ?? 0
      const [second = null, third = null] = previous
      const values = [cap.id, version + 1, row.id, now, second, third, cap.expiresAt, version]
      if ((await run(TAKE, values)).length === 0) throw contention
      if ((await run(MARK, [row.id, row.attempts])).length === 0) throw lost
      const served = [row.id, row.recipient, ownerOf(row)]
      const [newest] = await run<Pick<Outbox, 'createdAt'>>(newestOf(kinds), served)
      const gather = (state: 'queued' | 'joined', limit: number) =>
        run<Pick<Outbox, 'requestId'>>(gatherOn(provider, kinds, state), [...served, limit])
      // Those of an earlier email that failed come first: one batch at most has joined at any time.
      const joined = await gather('joined', BATCH)
      if (joined.length < BATCH) joined.push(...(await gather('queued', BATCH - joined.length)))
      const newestRequest = newest && newest.createdAt > row.createdAt ? newest.createdAt : row.createdAt
      const alsoServes = joined.flatMap(({ requestId }) => requestId ?? [])
      return { outcome: 'leads', newestRequest, alsoServes, hasMore: joined.length >= BATCH }
    })
  }

  return {
    /**
     * Makes a claimed row the next email, together with all requests it serves, or lets it wait for its turn.
     * @param kinds requests that one email can serve
     * @param cap undefined if emails are not limited; then each row gets its own email
     */
    async lead(row: OutboxRow, kinds: readonly OutboxKind[], now: Date, cap?: Cap): Promise<Lead> {
      if (!cap) {
        const marked = await change(MARK, [row.id, row.attempts])
        if (marked.length === 0) return { outcome: 'lost' }
        return { outcome: 'leads', newestRequest: row.createdAt, alsoServes: [], hasMore: false }
      }
      for (let attempt = 1; ; attempt++) {
        try {
          return await tryToLead(row, kinds, now, cap)
        } catch (error) {
          if (error === lost) return { outcome: 'lost' }
          if (error !== contention || attempt === MAX_CONTENTION_ATTEMPTS) throw error
        }
      }
    },

    /**
     * Finishes a batch of the requests that a finished email serves and that did not join it before.
     * @param newestRequest of the lead; later requests wait for the next email
     * @returns how many it finished
     */
    async finishRest(
      row: OutboxRow,
      kinds: readonly OutboxKind[],
      newestRequest: Date,
      { outcome, now, lastError }: { outcome: Outcome; now: Date; lastError: string | null },
    ): Promise<number> {
      const served = [row.id, row.recipient, ownerOf(row)]
      const values = [...served, newestRequest, outcome, now, lastError]
      const finish = async (state: keyof typeof REST) =>
        (await change(finishRestOn(provider, kinds, state), values)).length
      return (await finish('queued')) || finish('joined')
    },

    /** Returns the turn of a refused email, so that it does not count. */
    giveBack: (capId: string, row: OutboxRow) => change(GIVE_BACK, [capId, row.id]),

    /**
     * Returns the id that the code of a request is derived from: that of the email that serves it.
     * @param since emails sent earlier have expired
     * @returns undefined if no such email was sent or is being sent
     */
    async codeIdOf(challengeId: string, since: Date): Promise<string | undefined> {
      type Mail = Pick<Outbox, 'id' | 'state' | 'finishedAt'>
      const [mail] = await read<Mail>(MAIL_OF_REQUEST, [challengeId])
      if (!mail || !['queued', 'sent'].includes(mail.state)) return undefined
      return mail.finishedAt === null || mail.finishedAt > since ? mail.id : undefined
    },
  }
}
