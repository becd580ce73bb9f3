/** GET /me/events: the history of the account. */
import Type, { type Static } from 'typebox'
import { problems } from '../errors.ts'
import { pageLimit, readLimit } from '../http/page-limit.ts'
import type { App, Handler } from '../http/route-types.ts'
import { Id, orNull } from '../http/schemas.ts'
import { PublicEvent, publicEvent } from './public-event.ts'

const DEFAULT_LIMIT = 20

const Query = Type.Object(
  {
    limit: pageLimit('events', DEFAULT_LIMIT, 100),
    cursor: Type.Optional(Type.String({ ...Id, description: '`nextCursor` of the previous page' })),
  },
  { additionalProperties: false },
)

const Page = Type.Object(
  {
    events: Type.Array(PublicEvent, { maxItems: 100 }),
    nextCursor: orNull(Id),
  },
  {
    additionalProperties: false,
    description: 'A page of events, newest first',
    examples: [
      {
        events: [
          {
            id: '01936f3e-8a77-7c3b-9d0e-4f1f2f0c6a55',
            kind: 'logged_in',
            at: '2026-01-31T09:30:00.000Z',
            ip: '192.0.2.7',
            device: 'Firefox on Linux',
            requestId: '01936f3e-8a76-7000-8d6d-40c6c8f8ad2f',
            byOperator: false,
          },
        ],
        nextCursor: null,
      },
    ],
  },
)

export async function meEvents(app: App) {
  app.route({
    method: 'GET',
    url: '/me/events',
    preValidation: readLimit,
    schema: {
      operationId: 'listEvents',
      summary: 'List account events',
      description:
        'Logins, refused logins and changes, with their origin, newest first. A refused login is ' +
        'recorded at most once an hour per network and device, and 50 times a day.',
      tags: ['account'],
      querystring: Query,
      response: { 200: Page, ...problems('validation_failed', 'unauthenticated') },
    },
    handler: history,
  })
}

const history: Handler<{ querystring: typeof Query }, Static<typeof Page>> = async function (request) {
  const { limit = DEFAULT_LIMIT } = request.query
  // One more than requested shows whether there is another page.
  const rows = await this.database.events.page(request.session.userId, limit + 1, request.query.cursor)
  const page = rows.slice(0, limit)
  return {
    events: page.map(publicEvent),
    nextCursor: rows.length > limit ? (page.at(-1)?.id ?? null) : null,
  }
}
