// A feed of the events of all accounts, for programs that continue from their last position.
//
// An id or a number that is assigned on insert orders events by when they were written, not by when they became
// visible: a reader would skip an event whose transaction commits late. So positions are assigned after the commit,
// by the reader of the feed, one reader at a time. They survive a dump and a restore, unlike PostgreSQL's transaction
// ids.
import type { Event } from '../../generated/sqlite/client.ts'
import { columns, type Statements } from '../sql.ts'
import { FIELDS as FIELDS_OF_HISTORY } from './events.ts'

/** Events that get their positions in one statement: some milliseconds on SQLite, which has one writer. */
const BATCH = 500

const FIELDS = [...FIELDS_OF_HISTORY, 'target', 'position'] as const satisfies (keyof Event)[]

/** An event and its position in the feed. */
export type FeedEvent = Omit<Event, 'position'> & { position: number }

/** Queries about the feed. */
export type EventFeed = ReturnType<typeof eventFeed>

const IS_BEHIND = 'SELECT id FROM events WHERE position IS NULL ORDER BY id LIMIT 1'
/** Locks the row on PostgreSQL: the second of two readers waits and then sees what the first wrote. */
const LAST = `INSERT INTO sequences (id, value) VALUES ('events', 0)
  ON CONFLICT (id) DO UPDATE SET value = sequences.value RETURNING value`
const GIVEN = `UPDATE sequences SET value = value + $1 WHERE id = 'events'`
const LATEST = `SELECT ${columns(FIELDS, 'events')} FROM events WHERE position IS NOT NULL
  ORDER BY position DESC LIMIT $1`
const PAGE = `SELECT ${columns(FIELDS, 'events')} FROM events WHERE position > $1 ORDER BY position LIMIT $2`

/** @param statements on the database */
export function eventFeed({ provider, read, transaction }: Statements) {
  // An event that a deletion has locked gets its position later: waiting for it could deadlock.
  const lock = provider === 'postgresql' ? ' FOR UPDATE SKIP LOCKED' : ''
  const GIVE = `UPDATE events SET position = $1 + numbered.nth
    FROM (SELECT id, row_number() OVER (ORDER BY id) AS nth FROM
      (SELECT id FROM events WHERE position IS NULL ORDER BY id LIMIT ${BATCH}${lock}) AS unnumbered) AS numbered
    WHERE events.id = numbered.id RETURNING events.id`

  /** Assigns positions to committed events that have none. */
  async function givePositions() {
    if ((await read(IS_BEHIND, [])).length === 0) return
    await transaction(async run => {
      const [last] = await run<{ value: number | string }>(LAST, [])
      const given = await run(GIVE, [Number(last?.value ?? 0)])
      await run(GIVEN, [given.length])
    })
  }

  // PostgreSQL's driver returns a bigint as text.
  const placed = (rows: FeedEvent[]) => rows.map(row => ({ ...row, position: Number(row.position) }))

  return {
    /**
     * The next events, oldest first. No event appears before a position that a reader has passed.
     *
     * @param after position of the previous event, 0 for the first
     */
    async next(after: number, limit: number): Promise<FeedEvent[]> {
      await givePositions()
      return placed(await read<FeedEvent>(PAGE, [after, limit]))
    },

    /** The latest events, oldest first. */
    async latest(limit: number): Promise<FeedEvent[]> {
      await givePositions()
      return placed(await read<FeedEvent>(LATEST, [limit])).reverse()
    },
  }
}
