/**
 * Queries of turns: three emails an hour to one recipient for one purpose. A row that takes a turn leads: its email
 * serves all waiting requests.
 */
import type { MailTurn, Outbox } from '../../generated/sqlite/client.ts'
import type { Provider, Statements } from '../sql.ts'
import { among, BATCH, DEFER, type OutboxKind, type OutboxRow, type Outcome } from './outbox.ts'

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

/** Right before its email is sent, a row refers to itself. */
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

// Passes over rows that another worker has claimed, and over those that have joined an email in the queue: that
// one serves them. SKIP LOCKED waits for nobody, so that two workers cannot wait for each other.
const REST = {
  // Not IS NULL, for which SQLite would read the index of that column, with all rows that never had an email.
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

/** The row of an email refers to itself once `MARK` ran. */
const MAIL_OF_REQUEST = `SELECT mail.id, mail.state, mail.finished_at AS "finishedAt"
  FROM outbox AS request JOIN outbox AS mail ON mail.id = request.mail_id AND mail.mail_id = mail.id
  WHERE request.challenge_id = $1`

// Attempts while other workers change the same turns. They need no back-off, because they converge: the changed row
// is locked until its worker commits, and then its turn is taken, so that the next attempt waits for a free one. Only
// turns given back in between cause more. After the last, the delivery is retried like any other failure.
const MAX_CONTENTION_ATTEMPTS = 10

export function mailTurns({ provider, read, change, transaction }: Statements) {
  const contention = new Error('another worker changed the turns')
  const lost = new Error('another worker has claimed the row')

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
