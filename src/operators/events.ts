/** The feed of events, for the operators' API and the command line. */
import type { EventFeed, FeedEvent } from '../database/queries/event-feed.ts'

/** What the feed needs of the service. */
export interface EventNeeds {
  database: { eventFeed: EventFeed }
}

/** Where a page of the feed begins: behind the event at this place. */
export const CURSOR = '^(0|[1-9][0-9]{0,14})$'

/**
 * The next events, oldest first. Whoever goes on from `nextCursor` misses none, whatever commits late.
 *
 * @param cursor `nextCursor` of the page before; from the first event on without one
 * @returns a cursor at the end of the feed too: ask again with it later
 */
export async function nextEvents(
  { database: { eventFeed } }: EventNeeds,
  cursor: string | undefined,
  limit: number,
): Promise<{ events: FeedEvent[]; nextCursor: string }> {
  const events = await eventFeed.next(Number(cursor ?? 0), limit)
  return { events, nextCursor: String(events.at(-1)?.position ?? cursor ?? 0) }
}

/** The latest events, oldest first, and the cursor behind them. */
export async function latestEvents(
  { database: { eventFeed } }: EventNeeds,
  limit: number,
): Promise<{ events: FeedEvent[]; nextCursor: string }> {
  const events = await eventFeed.latest(limit)
  return { events, nextCursor: String(events.at(-1)?.position ?? 0) }
}
