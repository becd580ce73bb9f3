/**
 * Queries about sessions. A session that ended has no row.
 */
import type { Prisma, PrismaClient, Session } from '../generated/sqlite/client.ts'
import { type Origin, recordEvent } from './events.ts'

export type { Session }

/** Queries about sessions. */
export type Sessions = ReturnType<typeof sessions>

/** More devices than a person has; the oldest session makes room for the newest. */
export const SESSIONS_PER_ACCOUNT = 50

/** Ends every session of an account, within a transaction. */
export function endSessionsOf(tx: Prisma.TransactionClient, userId: string) {
  return tx.session.deleteMany({ where: { userId } })
}

/**
 * Ends the oldest sessions of an account, so that one more is within the cap.
 *
 * @param at when the new session begins
 * @param origin of the new session
 */
export async function makeRoomForSession(
  tx: Prisma.TransactionClient,
  userId: string,
  at: Date,
  origin: Origin,
): Promise<void> {
  const surplus = await tx.session.findMany({
    where: { userId },
    orderBy: [{ createdAt: 'desc' }, { id: 'desc' }],
    skip: SESSIONS_PER_ACCOUNT - 1,
    select: { id: true, expiresAt: true },
  })
  if (surplus.length === 0) return
  await tx.session.deleteMany({ where: { id: { in: surplus.map(({ id }) => id) } } })
  // One that had run out was over before.
  if (surplus.some(({ expiresAt }) => expiresAt > at)) {
    await recordEvent(tx, { userId, kind: 'session_ended', at, origin })
  }
}

/** @param client the database */
export function sessions(client: PrismaClient) {
  function endIf(where: Prisma.SessionWhereInput & { userId: string }, now: Date, origin: Origin) {
    return client.$transaction(async tx => {
      const { count } = await tx.session.deleteMany({ where })
      if (count > 0) {
        await recordEvent(tx, { userId: where.userId, kind: 'session_ended', at: now, origin })
      }
      return count
    })
  }

  return {
    /** The session if it is alive: one read, at every call with an access token. */
    findAlive: (id: string, now: Date) =>
      client.session.findFirst({ where: { id, expiresAt: { gt: now }, user: { disabledAt: null } } }),

    /** The living sessions of an account, the one used last first. */
    listOf: (userId: string, now: Date) =>
      client.session.findMany({
        where: { userId, expiresAt: { gt: now } },
        orderBy: [{ refreshedAt: 'desc' }, { id: 'desc' }],
      }),

    /**
     * Rotates the refresh token by compare-and-swap.
     *
     * @param session the session as it was read
     * @param refreshHash of the successor
     * @returns whether this call was the one that rotated it
     */
    async rotate(session: Session, refreshHash: string, expiresAt: Date, now: Date, origin: Origin) {
      const { count } = await client.session.updateMany({
        where: { id: session.id, refreshHash: session.refreshHash },
        data: {
          refreshHash,
          previousRefreshHash: session.refreshHash,
          refreshedAt: now,
          expiresAt,
          ip: origin.ip,
          device: origin.device,
        },
      })
      return count === 1
    },

    /** Ends one session of an account; how many ended, 0 where it is gone or another account's. */
    end: (userId: string, id: string, now: Date, origin: Origin) => endIf({ userId, id }, now, origin),

    /** Ends all sessions of an account but one. */
    endOthers: (userId: string, id: string, now: Date, origin: Origin) =>
      endIf({ userId, id: { not: id } }, now, origin),

    /** Ends a session whose spent refresh token was shown. */
    endReused: (session: Session, now: Date, origin: Origin) =>
      client.$transaction(async tx => {
        const { count } = await tx.session.deleteMany({ where: { id: session.id } })
        if (count > 0) {
          await recordEvent(tx, { userId: session.userId, kind: 'refresh_token_reused', at: now, origin })
        }
      }),

    purgeExpired: (now: Date) => client.session.deleteMany({ where: { expiresAt: { lte: now } } }),
  }
}
