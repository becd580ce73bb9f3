// GET /me/export: all data of an account (GDPR, articles 15 and 20). Streamed in pages, so that a long
// history neither fills memory nor blocks the event loop.
import { Readable } from 'node:stream'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import Type from 'typebox'
import type { Outbox } from '../database/queries/outbox.ts'
import type { User } from '../database/queries/users.ts'
import { problem, problems } from '../errors.ts'
import type { App, Handler } from '../http/routes.ts'
import { originOf } from '../sessions/origin.ts'
import { PublicSession, publicSession } from '../sessions/public-session.ts'
import { PublicEvent, publicEvent } from './public-event.ts'
import { EXAMPLE, PublicUser, publicUser } from './public-user.ts'

const Time = Type.String({ format: 'date-time', maxLength: 30 })
const MaybeTime = Type.Union([Time, Type.Null()])
/** Seconds within which a repeated export adds no event. */
const REPEAT_SECONDS = 3600
/** Rows per read; about 2 ms of the event loop. */
const PAGE = 500
/** OpenAPI requires a bound. Retention keeps histories far below it. */
const MAX_ITEMS = 1_000_000

const Export = Type.Object(
  {
    exportedAt: Time,
    account: PublicUser,
    lastLoginAt: MaybeTime,
    securedAt: MaybeTime,
    sessions: Type.Array(PublicSession, { maxItems: MAX_ITEMS }),
    notices: Type.Array(
      Type.Object(
        { recipient: Type.String({ maxLength: 254 }), expiresAt: Time },
        { additionalProperties: false },
      ),
      { maxItems: MAX_ITEMS, description: 'emails whose notices can secure the account' },
    ),
    events: Type.Array(PublicEvent, { maxItems: MAX_ITEMS }),
    mails: Type.Array(
      Type.Object(
        {
          kind: Type.String({ maxLength: 64 }),
          recipient: Type.String({ maxLength: 254 }),
          state: Type.Union([Type.String({ maxLength: 16 }), Type.Null()], {
            description: 'null for emails to another recipient than the account',
          }),
          createdAt: Time,
          finishedAt: MaybeTime,
        },
        { additionalProperties: false },
      ),
      { maxItems: MAX_ITEMS, description: 'queued and recently sent emails' },
    ),
  },
  {
    additionalProperties: false,
    description: 'All data of the account except the hashes of the password and of refresh tokens',
    examples: [
      {
        exportedAt: '2026-01-31T10:00:00.000Z',
        account: EXAMPLE,
        lastLoginAt: '2026-01-31T09:30:00.000Z',
        securedAt: null,
        sessions: [],
        notices: [],
        events: [],
        mails: [],
      },
    ],
  },
)

export async function meExport(app: App) {
  app.route({
    method: 'GET',
    url: '/me/export',
    onRequest: app.accountLimit('export'),
    schema: {
      operationId: 'exportAccount',
      summary: 'Export account data',
      description:
        'Returns all data of the account as one JSON document, at most five times an hour. The ' +
        'history records the export, at most once an hour per device and IP address.',
      tags: ['account'],
      response: { 200: Export, ...problems('unauthenticated') },
    },
    handler: exportAccount,
  })
}

const exportAccount: Handler = async function (request, reply) {
  const { userId, id } = request.session
  const now = this.clock()
  const { events, users, sessions, notices } = this.database
  const ago = (seconds: number) => new Date(now.getTime() - seconds * 1000)
  await events.recordOnce(
    { userId, kind: 'exported', at: now, origin: originOf(request) },
    ago(REPEAT_SECONDS),
  )
  const user = await users.findById(userId)
  if (!user) throw problem('unauthenticated')
  request.securityEvent('sensitive_read', { account: userId, session: id }, '/me/export')
  const alive = await sessions.listOf(userId, now)
  const noticed = await notices.active(userId, now)
  const facts = {
    exportedAt: now.toISOString(),
    account: publicUser(user),
    lastLoginAt: user.lastLoginAt?.toISOString() ?? null,
    securedAt: user.securedAt?.toISOString() ?? null,
    sessions: alive.map(session => publicSession(session, id)),
    notices: noticed.map(({ recipient, expiresAt }) => ({ recipient, expiresAt: expiresAt.toISOString() })),
  }
  reply.header('content-disposition', 'attachment; filename="account.json"')
  reply.type('application/json; charset=utf-8')
  const document = documentOf(this, user, facts, ago(this.config.MAIL_RETENTION))
  return reply.send(Readable.from(document, { objectMode: false }))
}

async function* documentOf({ database }: FastifyInstance, user: User, facts: object, mailsSince: Date) {
  const { events, outbox } = database
  yield JSON.stringify(facts).slice(0, -1)
  // Later rows are left out: a busy account would be read for ever.
  const newest = (await events.newest(user.id)) ?? ''
  yield* list('events', publicEvent, [last => events.next(user.id, last?.id ?? '', newest, PAGE)])
  yield* list<Outbox>('mails', mail => publicMail(mail, user.email), [
    last => outbox.nextTo(user, last, PAGE),
    last => outbox.nextAbout(user, last, mailsSince, PAGE),
  ])
  yield '}'
}

/** Streams a property whose value is a list. Each source returns the rows after a given row. */
async function* list<Row>(
  name: string,
  pick: (row: Row) => object,
  sources: ((last: Row | undefined) => Promise<Row[]>)[],
) {
  yield `,${JSON.stringify(name)}:[`
  let separator = ''
  for (const next of sources) {
    for (let rows = await next(undefined); rows.length > 0; rows = await next(rows.at(-1))) {
      yield separator + rows.map(row => JSON.stringify(pick(row))).join(',')
      separator = ','
      if (rows.length < PAGE) break
      // SQLite reads do not yield to the event loop.
      await nextTurn()
    }
  }
  yield ']'
}

// The state of an email to another address depends on whether that address has an account, so it is left out.
function publicMail(mail: Outbox, ownAddress: string) {
  const { kind, recipient, createdAt } = mail
  const isOwn = recipient === ownAddress
  return {
    kind,
    recipient,
    state: isOwn ? mail.state : null,
    createdAt: createdAt.toISOString(),
    finishedAt: (isOwn && mail.finishedAt?.toISOString()) || null,
  }
}
