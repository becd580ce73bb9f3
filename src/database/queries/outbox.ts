/**
 * Queries about mails to be sent. A row is filed in the transaction of what causes it, claimed by lease
 * (compare-and-swap, so that any number of instances may work), and finished once.
 */

import { v7 as uuidv7 } from 'uuid'
import type { MailTurn, Outbox } from '../../generated/sqlite/client.ts'
import { type Change, column, columns, type Run, type Statements, type Value } from '../sql.ts'
import type { Cause, Origin } from './events.ts'

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

/** How a mail ended for the worker: it was sent, there was nothing to send, or all tries failed (dead letter). */
export type Outcome = 'sent' | 'dropped' | 'dead'

/** What becomes of a mail; see the model. An operator cancels. */
export const MAIL_STATES = ['queued', 'joined', 'sent', 'dropped', 'dead', 'cancelled'] as const
export type MailState = (typeof MAIL_STATES)[number]

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
const DEFER = `UPDATE outbox SET next_attempt_at = $1, attempts = $2, last_error = COALESCE($3, last_error),
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

/** Queries about turns. */
export type MailTurns = ReturnType<typeof mailTurns>

/** What the turns of a recipient are counted by. */
export interface Cap {
  /** Names the recipient and the purpose. */
  id: string
  /** @param turns the last ones, newest first */
  nextTurn(turns: Date[]): Date
  /** Whether the row is given up if it is not its turn now. */
  waitedTooLong: boolean
  /** When the count of a turn may be forgotten. */
  expiresAt: Date
}

/**
 * What became of a claimed row. `alsoServes`: ids of other requests that its mail serves, for the log. `waits`: given back until its turn. `lost`: another row's mail serves it, or
 * it is gone.
 */
export type Lead =
  | { outcome: 'leads'; newestRequest: Date; alsoServes: string[] }
  | { outcome: 'waits' | 'lost' | 'waited too long' }

type Turns = Pick<MailTurn, 'version' | 'mailId' | 'lastAt' | 'secondAt' | 'thirdAt'>

const TURNS = `SELECT version, mail_id AS "mailId", last_at AS "lastAt", second_at AS "secondAt",
  third_at AS "thirdAt" FROM mail_turns WHERE id = $1`

/** No row where another worker changed the turns since they were read. */
const TAKE = `INSERT INTO mail_turns (id, version, mail_id, last_at, second_at, third_at, expires_at)
  VALUES ($1, $2, $3, $4, $5, $6, $7)
  ON CONFLICT (id) DO UPDATE SET version = excluded.version, mail_id = excluded.mail_id,
    last_at = excluded.last_at, second_at = excluded.second_at, third_at = excluded.third_at,
    expires_at = excluded.expires_at
  WHERE mail_turns.version = $8
  RETURNING id`

/** The turn that moved out when this one was taken was more than an hour before it, so it is not missed. */
const GIVE_BACK = `UPDATE mail_turns SET version = version + 1, mail_id = '', last_at = second_at,
  second_at = third_at, third_at = NULL WHERE id = $1 AND mail_id = $2`

const MARK = `UPDATE outbox SET mail_id = id WHERE id = $1 AND state = 'queued' AND attempts = $2 RETURNING id`

/** Requests of other accounts for the same recipient (`$3`) ask for another link. */
const gatherOf = (kinds: readonly OutboxKind[]) => `UPDATE outbox SET state = 'joined', mail_id = $1
  WHERE recipient = $2 AND state IN ('queued', 'joined') AND id <> $1
    AND kind IN (${kinds.map(kind => `'${kind}'`).join(', ')})
    AND COALESCE(user_id, registration_id, '') = $3
  RETURNING request_id AS "requestId"`

const NEWEST_REQUEST = `SELECT created_at AS "createdAt" FROM outbox WHERE mail_id = $1
  ORDER BY created_at DESC LIMIT 1`

/** The mail's row points at itself while it is handed over and once it was sent. */
const MAIL_OF_REQUEST = `SELECT mail.id, mail.state, mail.finished_at AS "finishedAt"
  FROM outbox AS request JOIN outbox AS mail ON mail.id = request.mail_id AND mail.mail_id = mail.id
  WHERE request.challenge_id = $1`

/** How often a turn is tried for while other workers change the same turns. */
const CONTENDED = 10

/** @param statements on the database */
export function mailTurns({ read, change, transaction }: Statements) {
  const contended = new Error('another worker changed the turns')

  function tryToLead(
    row: OutboxRow,
    kinds: readonly OutboxKind[],
    now: Date,
    cap: Cap | undefined,
  ): Promise<Lead> {
    return transaction(async run => {
      const [turns] = cap ? await run<Turns>(TURNS, [cap.id]) : []
      const past = [turns?.lastAt, turns?.secondAt, turns?.thirdAt].filter(at => at instanceof Date)
      // A mail that is tried again after a crash still has its turn.
      const previous = turns?.mailId === row.id ? past.slice(1) : past
      if (cap && turns?.mailId !== row.id) {
        const free = cap.nextTurn(previous)
        if (free > now && cap.waitedTooLong) return { outcome: 'waited too long' }
        if (free > now) {
          // Waiting for one's turn is no try.
          await run(DEFER, [free, row.attempts - 1, null, row.id, row.attempts])
          return { outcome: 'waits' }
        }
      }
      if ((await run(MARK, [row.id, row.attempts])).length === 0) return { outcome: 'lost' }
      if (!cap) return { outcome: 'leads', newestRequest: row.createdAt, alsoServes: [] }
      const version = turns?.version ?? 0
      const [second = null, third = null] = previous
      const values = [cap.id, version + 1, row.id, now, second, third, cap.expiresAt, version]
      if ((await run(TAKE, values)).length === 0) throw contended
      const owner = row.userId ?? row.registrationId ?? ''
      const joined = await run<Pick<Outbox, 'requestId'>>(gatherOf(kinds), [row.id, row.recipient, owner])
      const [newest] = await run<Pick<Outbox, 'createdAt'>>(NEWEST_REQUEST, [row.id])
      const alsoServes = joined.flatMap(({ requestId }) => requestId ?? [])
      return { outcome: 'leads', newestRequest: newest?.createdAt ?? row.createdAt, alsoServes }
    })
  }

  return {
    /**
     * Makes a claimed row the one whose mail is sent next, with all requests that wait with it, or lets it
     * wait for its turn. One transaction.
     *
     * @param kinds whose requests one mail serves
     * @param cap none where mails are not capped; then each row has a mail of its own
     */
    async lead(row: OutboxRow, kinds: readonly OutboxKind[], now: Date, cap?: Cap): Promise<Lead> {
      for (let tries = 1; ; tries++) {
        try {
          return await tryToLead(row, kinds, now, cap)
        } catch (error) {
          if (error !== contended || tries === CONTENDED) throw error
        }
      }
    },

    /** Gives back the turn of a mail that was refused, so that it counts for nothing. */
    giveBack: (capId: string, row: OutboxRow) => change(GIVE_BACK, [capId, row.id]),

    /**
     * The id that the code of a request is derived from: that of the mail that serves it.
     *
     * @param challengeId of the request
     * @param since a mail that was sent before has expired
     * @returns undefined where no such mail was sent, or is being sent
     */
    async codeIdOf(challengeId: string, since: Date): Promise<string | undefined> {
      type Mail = Pick<Outbox, 'id' | 'state' | 'finishedAt'>
      const [mail] = await read<Mail>(MAIL_OF_REQUEST, [challengeId])
      if (!mail || !['queued', 'sent'].includes(mail.state)) return undefined
      return mail.finishedAt === null || mail.finishedAt > since ? mail.id : undefined
    },
  }
}
