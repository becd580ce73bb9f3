/**
 * The export of an account: one JSON document, streamed in pages, so that a long history neither fills memory nor blocks
 * the event loop.
 */
import { Readable } from 'node:stream'
import { setImmediate as nextTurn } from 'node:timers/promises'
import Type from 'typebox'
import type { Database } from '../database/index.ts'
import type { FamiliarNetwork } from '../database/queries/familiar-networks.ts'
import type { Outbox } from '../database/queries/outbox.ts'
import type { User } from '../database/queries/users.ts'
import { orNull, Time } from '../http/schemas.ts'
import { PublicSession, publicSession } from '../sessions/public-session.ts'
import { PublicEvent, publicEvent } from './public-event.ts'
import { EXAMPLE, PublicUser, publicUser } from './public-user.ts'

const MaybeTime = orNull(Time)
/** Rows per read; about 2 ms of the event loop. */
const PAGE = 500
/** OpenAPI requires a bound. Retention keeps histories far below it. */
const MAX_ITEMS = 1_000_000

export const Export = Type.Object(
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
    familiarNetworks: Type.Array(
      Type.Object(
        { network: Type.String({ maxLength: 64 }), expiresAt: Time },
        { additionalProperties: false },
      ),
      {
        maxItems: MAX_ITEMS,
        description:
          'networks of recent logins, resets and confirmations: IPv4 addresses, and IPv6 networks of 64 bits',
      },
    ),
    events: Type.Array(PublicEvent, { maxItems: MAX_ITEMS }),
    mails: Type.Array(
      Type.Object(
        {
          kind: Type.String({ maxLength: 64 }),
          recipient: Type.String({ maxLength: 254 }),
          state: orNull(
            Type.String({ maxLength: 16 }),
            'null for emails to another recipient than the account',
          ),
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
    description: 'All data of the account except hashes and counts',
    examples: [
      {
        exportedAt: '2026-01-31T10:00:00.000Z',
        account: EXAMPLE,
        lastLoginAt: '2026-01-31T09:30:00.000Z',
        securedAt: null,
        sessions: [],
        notices: [],
        familiarNetworks: [{ network: '192.0.2.7', expiresAt: '2026-05-01T09:30:00.000Z' }],
        events: [],
        mails: [],
      },
    ],
  },
)

/** Dependencies of an export. */
export interface ExportNeeds {
  database: Pick<Database, 'events' | 'notices' | 'outbox' | 'sessions' | 'users'>
  clock: () => Date
  config: { MAIL_RETENTION: number }
}

/**
 * Streams all data of an account as JSON.
 *
 * @param current id of the requesting session, if the owner exports
 */
export async function exportOf(needs: ExportNeeds, user: User, current?: string): Promise<Readable> {
  const { database, clock, config } = needs
  const now = clock()
  const alive = await database.sessions.listOf(user.id, now)
  const noticed = await database.notices.active(user.id, now)
  const facts = {
    exportedAt: now.toISOString(),
    account: publicUser(user),
    lastLoginAt: user.lastLoginAt?.toISOString() ?? null,
    securedAt: user.securedAt?.toISOString() ?? null,
    sessions: alive.map(session => publicSession(session, current)),
    notices: noticed.map(({ recipient, expiresAt }) => ({ recipient, expiresAt: expiresAt.toISOString() })),
  }
  const mailsSince = new Date(now.getTime() - config.MAIL_RETENTION * 1000)
  return Readable.from(documentOf(needs, user, { facts, now, mailsSince }), { objectMode: false })
}

async function* documentOf(
  { database }: ExportNeeds,
  user: User,
  { facts, now, mailsSince }: { facts: object; now: Date; mailsSince: Date },
) {
  const { events, outbox, users } = database
  yield JSON.stringify(facts).slice(0, -1)
  yield* list<FamiliarNetwork>('familiarNetworks', publicNetwork, [
    last => users.nextFamiliarNetworks(user.id, last?.network ?? '', now, PAGE),
  ])
  // Later rows are left out; otherwise the export of a busy account might never end.
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

const publicNetwork = ({ network, expiresAt }: FamiliarNetwork) => ({
  network,
  expiresAt: expiresAt.toISOString(),
})

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
