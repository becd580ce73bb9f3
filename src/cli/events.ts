/** `latchkey events`: the feed of events. */
import { CURSOR, latestEvents, nextEvents } from '../operators/events.ts'
import { operatorEvent } from '../operators/public-event.ts'
import { type Command, usageError } from './command.ts'
import { limitOption, readLimit } from './input.ts'
import { table } from './table.ts'

const DEFAULT_LIMIT = 50
const MOST = 1000

export const events: Command = {
  name: 'events',
  summary: 'list events of accounts, keys and emails, the latest last',
  description:
    'A program that continues from the cursor of the last page misses no event and gets none twice.',
  options: {
    after: { value: 'cursor', description: 'continue after this cursor; 0 is the beginning' },
    ...limitOption(DEFAULT_LIMIT),
  },
  async run(context, input) {
    const after = input.optional('after')
    if (after !== undefined && !new RegExp(CURSOR).test(after)) {
      throw usageError('--after: expected the cursor that the last page ended with, or 0.')
    }
    const limit = readLimit(input, DEFAULT_LIMIT, MOST)
    const needs = await context.needs()
    const page =
      after === undefined ? await latestEvents(needs, limit) : await nextEvents(needs, after, limit)
    const rows = page.events.map(({ at, kind, userId, target, actor, ip, device }) => [
      at,
      kind,
      userId ?? target,
      actor,
      ip,
      device,
    ])
    const heads = ['at', 'event', 'about', 'operator', 'from', 'device']
    return {
      json: { events: page.events.map(operatorEvent), nextCursor: page.nextCursor },
      text: `${rows.length === 0 ? 'No event.' : table(heads, rows)}\n\nLater events: latchkey events --after ${page.nextCursor}`,
    }
  },
}
