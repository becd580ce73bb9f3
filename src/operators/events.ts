/** The feed of events, for the operators' API and the command line. */
import type { EventFeed, FeedEvent } from '../database/queries/event-feed.ts'

/** Dependencies of the feed. */
interface EventNeeds {
  database: { eventFeed: EventFeed }
}

/** Start of a page of the feed: the position of the previous event. */
export const CURSOR = '^(0|[1-9][0-9]{0,14})$'

/**
 * The next events, oldest first. A reader that continues from `nextCursor` misses none, however late a transaction
 * commits.
 *
 * @param cursor `nextCursor` of the previous page; the first event without one
 * @returns a cursor even at the end of the feed: continue with it later
 */
export async function nextEvents(
  { database: { eventFeed } }: EventNeeds,
  cursor: string | undefined,
  limit: number,
): Promise<{ events: FeedEvent[]; nextCursor: string }> {
  const events = await eventFeed.next(Number(cursor ?? 0), limit)
  return { events, nextCursor: String(events.at(-1)?.position ?? cursor ?? 0) }
}

/** The latest events, oldest first, and the cursor after them. */
export async function latestEvents(
  { database: { eventFeed } }: EventNeeds,
  limit: number,
): Promise<{ events: FeedEvent[]; nextCursor: string }> {
  const events = await eventFeed.latest(limit)
  return { events, nextCursor: String(events.at(-1)?.position ?? 0) }
}
