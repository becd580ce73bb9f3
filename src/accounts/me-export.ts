/**
 * GET /me/export: everything that is held about a person, as one document (GDPR, articles 15 and 20). The document is
 * streamed a page of rows at a time, so that a long history neither fills the memory nor holds up other requests.
 */
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
/** An export that repeats one of so many seconds ago adds no event. */
const REPEATED = 3600
/** Rows of one read: about two milliseconds of the event loop. */
const PAGE = 500
/** A bound so that there is one; retention keeps histories far below it. */
const MANY = 1_000_000

const Export = Type.Object(
  {
    exportedAt: Time,
    account: PublicUser,
    lastLoginAt: MaybeTime,
    securedAt: MaybeTime,
    sessions: Type.Array(PublicSession, { maxItems: MANY }),
    notices: Type.Array(
      Type.Object(
        { recipient: Type.String({ maxLength: 254 }), expiresAt: Time },
        { additionalProperties: false },
      ),
      { maxItems: MANY, description: 'addresses that can secure the account by a notice' },
    ),
    events: Type.Array(PublicEvent, { maxItems: MANY }),
    mails: Type.Array(
      Type.Object(
        {
          kind: Type.String({ maxLength: 64 }),
          recipient: Type.String({ maxLength: 254 }),
          state: Type.Union([Type.String({ maxLength: 16 }), Type.Null()], {
            description: 'null for a mail to another address than that of the account',
          }),
          createdAt: Time,
          finishedAt: MaybeTime,
        },
        { additionalProperties: false },
      ),
      { maxItems: MANY, description: 'mails that wait or were sent lately' },
    ),
  },
  {
    additionalProperties: false,
    description: 'All of it, but for the password hash and the hashes of refresh tokens',
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
        'Everything that is held about the person, as one JSON document. Five times an hour and account. The history ' +
        'records it, once an hour for one device and network address.',
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
  await events.recordOnce({ userId, kind: 'exported', at: now, origin: originOf(request) }, ago(REPEATED))
  const user = await users.findById(userId)
  if (!user) throw problem('unauthenticated')
  request.securityEvent('sensitive_read', { account: userId, session: id }, '/me/export')
  const alive = await sessions.listOf(userId, now)
  const noticed = await notices.living(userId, now)
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

/** The document as text, piece by piece. */
async function* documentOf({ database }: FastifyInstance, user: User, facts: object, mailsSince: Date) {
  const { events, outbox } = database
  yield JSON.stringify(facts).slice(0, -1)
  // What happens meanwhile is left out, or an account that is busy enough would be read for ever.
  const newest = (await events.newest(user.id)) ?? ''
  yield* list('events', publicEvent, [last => events.next(user.id, last?.id ?? '', newest, PAGE)])
  yield* list<Outbox>('mails', mail => publicMail(mail, user.email), [
    last => outbox.nextTo(user, last, PAGE),
    last => outbox.nextAbout(user, last, mailsSince, PAGE),
  ])
  yield '}'
}

/**
 * A property whose value is a list.
 *
 * @param pick what is told of a row
 * @param sources give the rows that follow one, each its own, one source after the other
 */
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
      // SQLite reads without leaving the turn of the event loop that asks.
      await nextTurn()
    }
  }
  yield ']'
}

/**
 * Picks what the owner may see. What became of a mail to another address depends on whether that address has an account,
 * so neither its state nor its time is told.
 */
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
