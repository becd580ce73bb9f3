/**
 * GET /me/export: everything that is held about a person, as one document (GDPR, articles 15 and 20).
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import Type, { type Static } from 'typebox'
import type { Outbox } from '../database/outbox.ts'
import { problem, problems } from '../errors.ts'
import { originOf } from './origin.ts'
import { PublicEvent, publicEvent } from './public-event.ts'
import { PublicSession, publicSession } from './public-session.ts'
import { EXAMPLE, PublicUser, publicUser } from './public-user.ts'

const Time = Type.String({ format: 'date-time', maxLength: 30 })
const MaybeTime = Type.Union([Time, Type.Null()])
/** A bound so that there is one; retention keeps histories far below it. */
const MANY = 1_000_000

const Export = Type.Object(
  {
    exportedAt: Time,
    account: PublicUser,
    lastLoginAt: MaybeTime,
    securedAt: MaybeTime,
    sessions: Type.Array(PublicSession, { maxItems: MANY }),
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
        events: [],
        mails: [],
      },
    ],
  },
)

export async function meExport(app: FastifyInstance) {
  app.route({
    method: 'GET',
    url: '/me/export',
    schema: {
      operationId: 'exportAccount',
      summary: 'Take my data with me',
      description:
        'Everything that is held about the person, as one JSON document. The history records that it was taken.',
      tags: ['account'],
      response: { 200: Export, ...problems('unauthenticated') },
    },
    handler: exportAccount,
  })
}

async function exportAccount(
  this: FastifyInstance,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<Static<typeof Export>> {
  const { userId, id } = request.session
  const now = this.clock()
  const { database } = this
  await database.events.record({ userId, kind: 'exported', at: now, origin: originOf(request) })
  const user = await database.users.findById(userId)
  if (!user) throw problem('unauthenticated')
  const [sessions, events, mails] = await Promise.all([
    database.sessions.listOf(userId, now),
    database.events.all(userId),
    database.outbox.about(user, new Date(now.getTime() - this.config.MAIL_RETENTION * 1000)),
  ])
  reply.header('content-disposition', 'attachment; filename="account.json"')
  return {
    exportedAt: now.toISOString(),
    account: publicUser(user),
    lastLoginAt: user.lastLoginAt?.toISOString() ?? null,
    securedAt: user.securedAt?.toISOString() ?? null,
    sessions: sessions.map(session => publicSession(session, id)),
    events: events.map(publicEvent),
    mails: mails.map(mail => publicMail(mail, user.email)),
  }
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
