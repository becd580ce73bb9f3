/** Queries about emails for operators: listing the outbox, retrying and cancelling. */
import type { Outbox } from '../../generated/sqlite/client.ts'
import { type Change, columns, type Statements, type Value } from '../sql.ts'
import { type By, type EventKind, insertEvent } from './events.ts'
import type { MailState } from './outbox.ts'

/** Columns that operators may see. The values that a code is derived from are excluded. */
const FIELDS = [
  'id',
  'kind',
  'recipient',
  'userId',
  'state',
  'attempts',
  'createdAt',
  'nextAttemptAt',
  'leasedUntil',
  'finishedAt',
  'lastError',
  'requestId',
  'mailId',
] as const satisfies (keyof Outbox)[]

export type MailRow = Pick<Outbox, (typeof FIELDS)[number]>

/** Filter of a list of emails. */
export interface MailFilter {
  state?: MailState | undefined
  recipient?: string | undefined
}

/** The place of a mail in a list. */
export interface MailPlace {
  at: Date
  id: string
}

/** A change by an operator. */
interface MailChange {
  id: string
  now: Date
  by: By
}

/** Queries about emails for operators. */
export type Mails = ReturnType<typeof mails>

const FIND = `SELECT ${columns(FIELDS, 'outbox')} FROM outbox WHERE id = $1`

/** A worker that has claimed the email would send it all the same. */
const FREE = `state = 'queued' AND (leased_until IS NULL OR leased_until <= $2)`

/** A dead letter gets all its attempts again. A queued email keeps its count, which identifies its claim. */
const RETRY = `UPDATE outbox SET state = 'queued', attempts = CASE WHEN state = 'queued' THEN attempts ELSE 0 END,
  next_attempt_at = $2, leased_until = NULL, finished_at = NULL, mail_id = NULL
  WHERE id = $1 AND (state IN ('dead', 'cancelled') OR ${FREE}) RETURNING id`
const RETRY_JOINED = `UPDATE outbox SET state = 'joined', next_attempt_at = $2, finished_at = NULL
  WHERE mail_id = $1 AND id <> $1 AND state IN ('dead', 'cancelled')`

const CANCEL = `UPDATE outbox SET state = 'cancelled', finished_at = $2, leased_until = NULL
  WHERE id = $1 AND ${FREE} RETURNING id`
const CANCEL_JOINED = `UPDATE outbox SET state = 'cancelled', finished_at = $2 WHERE mail_id = $1 AND state = 'joined'`

/** Each order has an index: waiting emails by their next attempt, finished ones newest first. */
const ORDERS = {
  // Ids of emails are ordered by creation time.
  all: { by: 'createdAt', column: undefined, direction: 'DESC' },
  waiting: { by: 'nextAttemptAt', column: 'next_attempt_at', direction: 'ASC' },
  finished: { by: 'finishedAt', column: 'finished_at', direction: 'DESC' },
} as const

/** One recipient has few mails, which are sorted. Given an order that has an index, SQLite reads that index instead. */
function orderOf({ state, recipient }: MailFilter) {
  if (state === undefined || recipient !== undefined) return ORDERS.all
  return ['queued', 'joined'].includes(state) ? ORDERS.waiting : ORDERS.finished
}

function listing(filter: MailFilter, after: MailPlace | undefined, limit: number): Change {
  const { state, recipient } = filter
  const { column, direction } = orderOf(filter)
  const values: Value[] = []
  const value = (given: Value) => `$${values.push(given)}`
  const beyond = direction === 'ASC' ? '>' : '<'
  const conditions = [
    ...(state === undefined ? [] : [`state = ${value(state)}`]),
    ...(recipient === undefined ? [] : [`recipient = ${value(recipient)}`]),
    ...(after === undefined
      ? []
      : column === undefined
        ? [`id ${beyond} ${value(after.id)}`]
        : [`(${column}, id) ${beyond} (${value(after.at)}, ${value(after.id)})`]),
  ]
  const order = [...(column === undefined ? [] : [column]), 'id'].map(name => `${name} ${direction}`)
  const where = conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`
  return [
    `SELECT ${columns(FIELDS, 'outbox')} FROM outbox ${where} ORDER BY ${order.join(', ')} LIMIT ${value(limit)}`,
    values,
  ]
}

/** @param statements on the database */
export function mails({ read, transaction }: Statements) {
  /** @returns whether the mail was in a state that allows the change */
  const changed = (
    [own, joined]: readonly [own: string, joined: string],
    kind: EventKind,
    { id, now, by: { actor, origin } }: MailChange,
  ): Promise<boolean> =>
    transaction(async run => {
      if ((await run(own, [id, now])).length === 0) return false
      await run(joined, [id, now])
      await insertEvent(run, { userId: null, kind, at: now, origin, actor, target: id })
      return true
    })

  return {
    find: async (id: string): Promise<MailRow | undefined> => (await read<MailRow>(FIND, [id]))[0],

    /** @param after the last email of the previous page */
    list: (filter: MailFilter, after: MailPlace | undefined, limit: number): Promise<MailRow[]> =>
      read<MailRow>(...listing(filter, after, limit)),

    /** The place of a mail in a list. */
    placeOf: (mail: MailRow, filter: MailFilter): MailPlace => ({
      at: mail[orderOf(filter).by] ?? mail.createdAt,
      id: mail.id,
    }),

    /** Makes an email due now that waits, is a dead letter or was cancelled; requests that it serves wait with it. */
    retry: (change: MailChange) => changed([RETRY, RETRY_JOINED], 'mail_retried', change),

    /** Cancels a waiting email, and the requests that it would serve. */
    cancel: (change: MailChange) => changed([CANCEL, CANCEL_JOINED], 'mail_cancelled', change),
  }
}
