/**
 * The history of accounts, free of secrets. An event is written in the transaction of its change, if there is one.
 * Later only its position is set, and its person is removed.
 */
import { v7 as uuidv7 } from 'uuid'
import type { Event as EventRow, PrismaClient } from '../../generated/sqlite/client.ts'
import { columns, type Run, type Statements, type Value } from '../sql.ts'

export const EVENT_KINDS = [
  'registered',
  'confirmed',
  'logged_in',
  'log_in_refused',
  'refresh_token_reused',
  'reset_requested',
  'password_reset',
  'password_changed',
  'email_changed',
  'session_ended',
  'secured',
  'exported',
  'deleted',
] as const

/** Actions of operators on an account. */
export const OPERATOR_EVENT_KINDS = [
  'invited',
  'disabled',
  'enabled',
  'reset_required',
  'unlocked',
  'claims_changed',
] as const

/** Actions of operators without an account. */
export const SERVICE_EVENT_KINDS = [
  'api_key_created',
  'api_key_revoked',
  'mail_retried',
  'mail_cancelled',
] as const

export type AccountEventKind = (typeof EVENT_KINDS)[number] | (typeof OPERATOR_EVENT_KINDS)[number]
export type EventKind = AccountEventKind | (typeof SERVICE_EVENT_KINDS)[number]

/** An operator: an API key, or the user of the command line. */
export type Actor = `key:${string}` | 'cli'

/** The request that caused a change, for later log lines. */
export interface Cause {
  requestId: string | null
  /** W3C Trace Context of a trusted proxy. */
  traceparent?: string | null
}

export interface Origin extends Cause {
  ip: string | null
  /** Such as "Firefox on Linux". */
  device: string | null
}

/** The operator and the request that cause a change. */
export interface By {
  actor: Actor
  origin: Origin
}

/** Events that open a session. */
const ARRIVALS: EventKind[] = ['confirmed', 'logged_in']

interface NewEvent {
  userId: string | null
  kind: EventKind
  at: Date
  origin: Origin
  /** The operator who caused it; null for the owner or another client. */
  actor?: Actor
  /** The id of the API key or email concerned. */
  target?: string
}

/** Columns in the order of `eventRow`. */
export const EVENT_COLUMNS = 'id, user_id, kind, at, ip, device, request_id'

export const eventRow = ({ userId, kind, at, origin }: NewEvent): Value[] => [
  uuidv7(),
  userId,
  kind,
  at,
  origin.ip,
  origin.device,
  origin.requestId,
]

const INSERT = `INSERT INTO events (${EVENT_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7)`

const INSERT_OF_OPERATOR = `INSERT INTO events (${EVENT_COLUMNS}, actor, target)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`

/** Writes one event, within a transaction of either kind. */
export function insertEvent(run: Run, event: NewEvent) {
  const { actor, target } = event
  if (actor === undefined) return run(INSERT, eventRow(event))
  return run(INSERT_OF_OPERATOR, [...eventRow(event), actor, target ?? null])
}

/** Columns of an event that an account's history reads. */
export const FIELDS = [
  'id',
  'userId',
  'kind',
  'at',
  'ip',
  'device',
  'requestId',
  'actor',
] as const satisfies (keyof EventRow)[]

/** An event in an account's history. */
export type Event = Pick<EventRow, (typeof FIELDS)[number]>

const NEWEST = 'SELECT id FROM events WHERE user_id = $1 ORDER BY id DESC LIMIT 1'
const NEXT = `SELECT ${columns(FIELDS, 'events')} FROM events
  WHERE user_id = $1 AND id > $2 AND id <= $3 ORDER BY id LIMIT $4`

/** Number of events that `recordOnce` reads, so that a long history does not slow it down. */
const LOOK_BACK = 100

/** Logins and confirmations of account `$1`, which tell its known devices. */
export const ARRIVED = `SELECT id FROM events WHERE user_id = $1 AND kind IN (${ARRIVALS.map(kind => `'${kind}'`).join(', ')})`

export async function isKnownDevice(run: Run, userId: string, device: string | null): Promise<boolean> {
  const before =
    device === null
      ? await run(`${ARRIVED} AND device IS NULL LIMIT 1`, [userId])
      : await run(`${ARRIVED} AND device = $2 LIMIT 1`, [userId, device])
  return before.length > 0
}

export function events(client: PrismaClient, { provider, read, change, transaction }: Statements) {
  // Locks the account's row, so that the statement waits for a deletion in progress.
  const lock = provider === 'postgresql' ? ' FOR KEY SHARE' : ''
  const RECORD_ONCE = `INSERT INTO events (${EVENT_COLUMNS})
    SELECT $1, id, $3, $4, $5, $6, $7 FROM users WHERE id = $2 AND NOT EXISTS (
      SELECT 1 FROM (SELECT kind, at, ip, device FROM events WHERE user_id = $2
        ORDER BY id DESC LIMIT ${LOOK_BACK}) AS recent
      WHERE kind = $3 AND at > $8 AND at <= $4
        AND COALESCE(ip, '') = COALESCE($5, '') AND COALESCE(device, '') = COALESCE($6, ''))${lock}`
  const RECORD_OR_NOBODY = `INSERT INTO events (${EVENT_COLUMNS})
    VALUES ($1, (SELECT id FROM users WHERE id = $2${lock}), $3, $4, $5, $6, $7)`
  const TAKE_BACK = 'DELETE FROM events WHERE id = $1 AND user_id IS NULL'

  return {
    /**
     * Records an event unless one of the same kind, address and device exists since `since`. Does nothing for a
     * deleted account, whose history is anonymous.
     */
    recordOnce: (event: NewEvent & { userId: string }, since: Date) =>
      change(RECORD_ONCE, [...eventRow(event), since]),

    /**
     * Records an event for addresses without an account too: that row is deleted in the same transaction, so
     * that both take the same time (timing side channel).
     */
    recordInEqualTime({ userId, ...event }: NewEvent) {
      // Looking up a random id takes as long as an existing one.
      const row = eventRow({ ...event, userId: userId ?? uuidv7() })
      return transaction(async run => {
        await run(RECORD_OR_NOBODY, row)
        await run(TAKE_BACK, row.slice(0, 1))
      })
    },

    /** Returns a page of the history, newest first. `before` is the last id of the previous page. */
    page: (userId: string, limit: number, before?: string) =>
      client.event.findMany({
        where: { userId, ...(before !== undefined && { id: { lt: before } }) },
        orderBy: { id: 'desc' },
        take: limit,
      }),

    newest: async (userId: string): Promise<string | undefined> =>
      (await read<Pick<Event, 'id'>>(NEWEST, [userId]))[0]?.id,

    /**
     * Returns the next events, oldest first. `after` is the previous id ('' for the first), `upTo` the last.
     */
    next: (userId: string, after: string, upTo: string, limit: number) =>
      read<Event>(NEXT, [userId, after, upTo, limit]),
  }
}
