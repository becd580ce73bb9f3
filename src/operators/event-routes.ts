/** GET /events: the feed of events of accounts, keys and emails. */
import Type, { type Static } from 'typebox'
import { problems } from '../errors.ts'
import { pageLimit, readLimit } from '../http/page-limit.ts'
import type { App, Handler } from '../http/route-types.ts'
import { CURSOR, nextEvents } from './events.ts'
import { EXAMPLE, OperatorEvent, operatorEvent } from './public-event.ts'
import { REFUSED } from './schemas.ts'

const DEFAULT_LIMIT = 100
const MOST = 1000

const Query = Type.Object(
  {
    cursor: Type.Optional(
      Type.String({ pattern: CURSOR, maxLength: 16, description: '`nextCursor` of the previous page' }),
    ),
    limit: pageLimit('events', DEFAULT_LIMIT, MOST),
  },
  { additionalProperties: false },
)

const Page = Type.Object(
  {
    events: Type.Array(OperatorEvent, { maxItems: MOST }),
    nextCursor: Type.String({ maxLength: 16, description: 'where to continue, also at the end of the feed' }),
  },
  {
    additionalProperties: false,
    description: 'A page, oldest first',
    examples: [{ events: [EXAMPLE], nextCursor: '4711' }],
  },
)

export async function eventRoutes(app: App) {
  app.route({
    method: 'GET',
    url: '/events',
    config: { scope: 'events:read' },
    preValidation: readLimit,
    schema: {
      operationId: 'listEvents',
      summary: 'List events',
      description:
        'One feed over all accounts, from the oldest event that is kept (`EVENT_RETENTION`). A client that continues from ' +
        '`nextCursor` misses no event and gets none twice. Poll it with the last `nextCursor`.',
      tags: ['events'],
      querystring: Query,
      response: { 200: Page, ...problems('validation_failed', ...REFUSED) },
    },
    handler: list,
  })
}

const list: Handler<{ querystring: typeof Query }, Static<typeof Page>> = async function (request) {
  const { cursor, limit = DEFAULT_LIMIT } = request.query
  const { events, nextCursor } = await nextEvents(this, cursor, limit)
  return { events: events.map(operatorEvent), nextCursor }
}
