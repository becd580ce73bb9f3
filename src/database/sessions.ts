/**
 * Queries about sessions. A session that ended has no row.
 */
import type { Prisma, PrismaClient, Session } from '../generated/sqlite/client.ts'
import type { NewSession } from '../tokens/pair.ts'
import { insertEvent, type Origin } from './events.ts'
import { columns, type Run, runIn, type Statements, type Value } from './sql.ts'

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

/** One statement, so that of two calls with one token one rotates; it also asks whether session and account are alive. */
const rotateOn = (provider: Statements['provider']) => {
  const absolute =
    provider === 'postgresql'
      ? `LEAST($3, created_at + $4 * INTERVAL '1 second')`
      : `min($3, strftime('%Y-%m-%dT%H:%M:%f+00:00', created_at, $4 || ' seconds'))`
  return `UPDATE sessions SET refresh_hash = $1, previous_refresh_hash = refresh_hash,
    refreshed_at = $2, expires_at = ${absolute}, ip = $5, device = $6
    WHERE id = $7 AND refresh_hash = $8 AND expires_at > $2
      AND EXISTS (SELECT 1 FROM users WHERE users.id = sessions.user_id AND users.disabled_at IS NULL)
    RETURNING ${columns(FIELDS, 'sessions')}`
}

/** The columns of a session, in the order of `sessionRow`. */
export const SESSION_COLUMNS = 'id, user_id, refresh_hash, created_at, refreshed_at, expires_at, ip, device'
const INSERT = `INSERT INTO sessions (${SESSION_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`

/** The values of a new session's columns. */
export const sessionRow = (userId: string, session: NewSession, { ip, device }: Origin): Value[] => {
  const { id, refreshHash, createdAt, refreshedAt, expiresAt } = session
  return [id, userId, refreshHash, createdAt, refreshedAt, expiresAt, ip, device]
}

/** Stores a session, within a transaction of either kind. */
export const insertSession = (run: Run, userId: string, session: NewSession, origin: Origin) =>
  run(INSERT, sessionRow(userId, session, origin))

/** Ends every session of an account, within a transaction. */
export function endSessionsOf(tx: Prisma.TransactionClient, userId: string) {
  return tx.session.deleteMany({ where: { userId } })
}

/**
 * @param client the database
 * @param statements on the same database
 */
export function sessions(client: PrismaClient, { provider, read, change }: Statements) {
  const ROTATE = rotateOn(provider)

  function endIf(where: Prisma.SessionWhereInput & { userId: string }, now: Date, origin: Origin) {
    return client.$transaction(async tx => {
      const { count } = await tx.session.deleteMany({ where })
      if (count > 0) {
        await insertEvent(runIn(tx), { userId: where.userId, kind: 'session_ended', at: now, origin })
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
     * Rotates the refresh token of a session by compare-and-swap: one statement.
     *
     * @param shown the session's id and the hash of the token that was shown
     * @param refreshHash of the successor
     * @param limits until when an unused session lives, and for how many seconds a session lives at most
     * @returns the session after it; undefined where the token is not the current one of a session that is alive
     */
    async rotate(
      shown: { sessionId: string; hash: string },
      refreshHash: string,
      limits: { idleUntil: Date; absoluteSeconds: number },
      now: Date,
      { ip, device }: Origin,
    ): Promise<Session | undefined> {
      const { idleUntil, absoluteSeconds } = limits
      const { sessionId, hash } = shown
      const values = [refreshHash, now, idleUntil, absoluteSeconds, ip, device, sessionId, hash]
      return (await change<Session>(ROTATE, values))[0]
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
          await insertEvent(runIn(tx), {
            userId: session.userId,
            kind: 'refresh_token_reused',
            at: now,
            origin,
          })
        }
      }),
  }
}
