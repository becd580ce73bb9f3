/**
 * Queries about sessions. A session that ended has no row.
 */
import type { Prisma, PrismaClient, Session } from '../generated/sqlite/client.ts'
import type { NewSession } from '../tokens/pair.ts'
import { insertEvent, type Origin, recordEvent } from './events.ts'
import { columns, type Run, type Statements } from './statements.ts'

export type { Session }

/** Queries about sessions. */
export type Sessions = ReturnType<typeof sessions>

/** More devices than a person has; the oldest session makes room for the newest. */
export const SESSIONS_PER_ACCOUNT = 50

const FIELDS = [
  'id',
  'userId',
  'refreshHash',
  'previousRefreshHash',
  'createdAt',
  'refreshedAt',
  'ip',
  'device',
  'expiresAt',
] as const satisfies (keyof Session)[]

const ALIVE = `SELECT ${columns(FIELDS, 'sessions')} FROM sessions JOIN users ON users.id = sessions.user_id
  WHERE sessions.id = $1 AND sessions.expires_at > $2 AND users.disabled_at IS NULL`

const ROTATE = `UPDATE sessions SET refresh_hash = $1, previous_refresh_hash = refresh_hash,
  refreshed_at = $2, expires_at = $3, ip = $4, device = $5
  WHERE id = $6 AND refresh_hash = $7 RETURNING id`

/**
 * No account has more than the cap, so that one more than it is all there can be to end. Tells whether it was
 * still alive, or had run out before.
 */
const MAKE_ROOM = `DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE user_id = $1
  ORDER BY created_at DESC, id DESC LIMIT ${SESSIONS_PER_ACCOUNT} OFFSET ${SESSIONS_PER_ACCOUNT - 1})
  RETURNING CASE WHEN expires_at > $2 THEN 1 ELSE 0 END AS alive`

const INSERT = `INSERT INTO sessions
  (id, user_id, refresh_hash, created_at, refreshed_at, expires_at, ip, device)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`

/** Stores a session within a transaction; the oldest one beyond the cap ends, on account of the new one. */
export async function insertSession(run: Run, userId: string, session: NewSession, origin: Origin) {
  const { id, refreshHash, createdAt, refreshedAt, expiresAt } = session
  const ended = await run<{ alive: number }>(MAKE_ROOM, [userId, createdAt])
  if (ended.some(({ alive }) => Number(alive) === 1)) {
    await insertEvent(run, { userId, kind: 'session_ended', at: createdAt, origin })
  }
  const { ip, device } = origin
  await run(INSERT, [id, userId, refreshHash, createdAt, refreshedAt, expiresAt, ip, device])
}

/** Ends every session of an account, within a transaction. */
export function endSessionsOf(tx: Prisma.TransactionClient, userId: string) {
  return tx.session.deleteMany({ where: { userId } })
}

/**
 * @param client the database
 * @param statements on the same database
 */
export function sessions(client: PrismaClient, { read, change }: Statements) {
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
    /** The session if it and its account are alive. */
    async findAlive(id: string, now: Date): Promise<Session | null> {
      return (await read<Session>(ALIVE, [id, now]))[0] ?? null
    },

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
      const { id, refreshHash: shown } = session
      const rotated = await change(ROTATE, [refreshHash, now, expiresAt, origin.ip, origin.device, id, shown])
      return rotated.length === 1
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
  }
}
