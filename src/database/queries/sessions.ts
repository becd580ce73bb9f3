/**
 * Queries about sessions: opening one by a login, rotating its refresh token, ending it. A session that ended has no row.
 */
import type { Prisma, PrismaClient, Session, User } from '../../generated/sqlite/client.ts'
import { columns, type Run, runIn, type Statements, type Value } from '../sql.ts'
import { insertFamiliarNetwork, networkRow, RECORD_NETWORK } from './attempts.ts'
import { ARRIVED, EVENT_COLUMNS, eventRow, insertEvent, isKnownDevice, type Origin } from './events.ts'
import { insertMail, MAIL_COLUMNS, mailRow } from './outbox.ts'

export type { Session }

/** An account as it was when its password or a token was verified. */
export type Verified = Pick<
  User,
  'id' | 'email' | 'passwordHash' | 'emailConfirmedAt' | 'emailChangedAt' | 'disabledCount'
>

/** What a new session needs besides its account. */
export interface NewSession {
  id: string
  refreshHash: string
  createdAt: Date
  refreshedAt: Date
  expiresAt: Date
}

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
const SESSION_COLUMNS = 'id, user_id, refresh_hash, created_at, refreshed_at, expires_at, ip, device'
const INSERT = `INSERT INTO sessions (${SESSION_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`

/** The values of a new session's columns. */
const sessionRow = (userId: string, session: NewSession, { ip, device }: Origin): Value[] => {
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

/** What a login changes besides. */
export interface LoginChanges {
  /** A stronger hash of the same password. */
  passwordHash?: string
  /** The client's network is on record already. */
  networkIsRecorded?: boolean
}

/** A session that was opened, and perhaps a mail that tells of it. */
export interface OpenedSession {
  mailFiled: boolean
}

interface Login {
  account: Verified
  session: NewSession
  origin: Origin
  changes: LoginChanges
}

/** The account as its password was verified against it. */
const STILL_AS_VERIFIED = 'FROM users WHERE id = $1 AND password_hash = $2 AND disabled_at IS NULL'
const ACCOUNT = `SELECT last_login_at AS "lastLoginAt" ${STILL_AS_VERIFIED}`
const RECORD_LOGIN = 'UPDATE users SET last_login_at = $2, password_hash = $3 WHERE id = $1'

/**
 * No account has more sessions than the cap, so one more than it is all there can be to end. Tells whether that one
 * was still alive, or had expired before.
 */
const BEYOND_CAP = `(SELECT id FROM sessions WHERE user_id = $1
  ORDER BY created_at DESC, id DESC LIMIT ${SESSIONS_PER_ACCOUNT} OFFSET ${SESSIONS_PER_ACCOUNT - 1})`
const MAKE_ROOM = `DELETE FROM sessions WHERE id IN ${BEYOND_CAP}
  RETURNING CASE WHEN expires_at > $2 THEN 1 ELSE 0 END AS alive`

const newDevice = ({ account, session, origin }: Login) =>
  [
    { kind: 'new_device' as const, recipient: account.email, userId: account.id, ...origin },
    session.createdAt,
  ] as const

/** On SQLite, where the statements of one transaction cost a hundredth of its commit. */
function openInSteps(statements: Statements, login: Login): Promise<OpenedSession | undefined> {
  const { account, session, origin, changes } = login
  const { id, passwordHash } = account
  const at = session.createdAt
  return statements.transaction(async run => {
    const [current] = await run<{ lastLoginAt: Date | null }>(ACCOUNT, [id, passwordHash])
    if (current === undefined) return undefined
    await run(RECORD_LOGIN, [id, at, changes.passwordHash ?? passwordHash])
    const isNews = current.lastLoginAt !== null && !(await isKnownDevice(run, id, origin.device))
    if (isNews) await insertMail(run, ...newDevice(login))
    const ended = await run<{ alive: number }>(MAKE_ROOM, [id, at])
    if (ended.some(({ alive }) => alive === 1)) {
      await insertEvent(run, { userId: id, kind: 'session_ended', at, origin })
    }
    await insertSession(run, id, session, origin)
    if (!changes.networkIsRecorded) await insertFamiliarNetwork(run, id, origin.ip, at)
    await insertEvent(run, { userId: id, kind: 'logged_in', at, origin })
    return { mailFiled: isNews }
  })
}

/** What the one statement tells: whether the account is as it was verified, and what became of it. */
interface Opening {
  held: boolean
  opened: boolean
  news: boolean
}

const LOCK = 'SELECT 1 AS one FROM users WHERE id = $1 FOR NO KEY UPDATE'

/**
 * On PostgreSQL, where each statement is a round trip: one. All its parts read one snapshot. A login that waited for
 * another change of the account would miss what that change wrote (a device that is known by now, a session that
 * counts), so it does nothing where the row that it locked is newer than its snapshot, and is repeated under the lock.
 */
async function openAtOnce(statements: Statements, login: Login): Promise<OpenedSession | undefined> {
  const { account, session, origin, changes } = login
  const { id: userId, passwordHash } = account
  const { device, ip } = origin
  const at = session.createdAt
  const network = changes.networkIsRecorded || ip === null ? [] : networkRow(userId, ip, at)
  const sql = openingOf(device !== null, network.length > 0)
  const values = [
    ...[userId, passwordHash, at, changes.passwordHash ?? passwordHash],
    ...(device === null ? [] : [device]),
    ...eventRow({ userId, kind: 'session_ended', at, origin }),
    ...mailRow(...newDevice(login)),
    ...sessionRow(userId, session, origin),
    ...network,
    ...eventRow({ userId, kind: 'logged_in', at, origin }),
  ]
  const open = async (run: Run) => (await run<Opening>(sql, values))[0] as Opening
  let opening = await open(statements.change)
  if (opening.held && !opening.opened) {
    opening = await statements.transaction(async run => {
      await run(LOCK, [userId])
      return open(run)
    })
  }
  return opening.opened ? { mailFiled: opening.news } : undefined
}

const openings = new Map<string, string>()

/** The statement for a client that names a device or none, from a network that is to be recorded or not. */
function openingOf(hasDevice: boolean, recordsNetwork: boolean): string {
  const key = `${hasDevice} ${recordsNetwork}`
  const sql = openings.get(key) ?? opening(hasDevice, recordsNetwork)
  openings.set(key, sql)
  return sql
}

function opening(hasDevice: boolean, recordsNetwork: boolean): string {
  let next = hasDevice ? 6 : 5
  /** Inserts one row, whose values come next, if a part has a row. */
  const insert = (table: string, columns: string, from: string) =>
    `INSERT INTO ${table} (${columns}) SELECT ${columns.replace(/\w+/g, () => `$${next++}`)} FROM ${from}`
  const parts = [
    'seen AS MATERIALIZED (SELECT xmin AS version FROM users WHERE id = $1)',
    `held AS MATERIALIZED (SELECT id, last_login_at, xmin AS version ${STILL_AS_VERIFIED} FOR NO KEY UPDATE)`,
    'account AS MATERIALIZED (SELECT held.* FROM held JOIN seen ON seen.version = held.version)',
    `arrived AS (UPDATE users SET last_login_at = $3, password_hash = $4 FROM account WHERE users.id = account.id)`,
    `room AS (DELETE FROM sessions WHERE id IN ${BEYOND_CAP} AND EXISTS (SELECT 1 FROM account)
      RETURNING expires_at > $3 AS alive)`,
    `ended AS (${insert('events', EVENT_COLUMNS, 'account WHERE EXISTS (SELECT 1 FROM room WHERE alive)')})`,
    `news AS MATERIALIZED (SELECT 1 FROM account WHERE last_login_at IS NOT NULL
      AND NOT EXISTS (${ARRIVED} AND device ${hasDevice ? '= $5' : 'IS NULL'}))`,
    `mail AS (${insert('outbox', MAIL_COLUMNS, 'news')})`,
    `opened AS (${insert('sessions', SESSION_COLUMNS, 'account')})`,
  ]
  if (recordsNetwork) {
    const { columns, otherwise } = RECORD_NETWORK
    parts.push(`network AS (${insert('familiar_networks', columns, 'account')} ${otherwise})`)
  }
  parts.push(`logged AS (${insert('events', EVENT_COLUMNS, 'account')})`)
  return `WITH ${parts.join(',\n')}
    SELECT EXISTS (SELECT 1 FROM held) AS held, EXISTS (SELECT 1 FROM account) AS opened,
      EXISTS (SELECT 1 FROM news) AS news`
}

/**
 * @param client the database
 * @param statements on the same database
 */
export function sessions(client: PrismaClient, statements: Statements) {
  const { provider, read, change } = statements
  const open = provider === 'sqlite' ? openInSteps : openAtOnce
  const ROTATE = rotateOn(provider)

  function endIf(
    where: Prisma.SessionWhereInput & { userId: string },
    now: Date,
    origin: Origin,
    { locked } = { locked: false },
  ) {
    return client.$transaction(async tx => {
      if (locked && provider === 'postgresql') await runIn(tx)(LOCK, [where.userId])
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
     * Opens a session for somebody whose password was just verified. The hash it was verified against must still be
     * the stored one: otherwise a login that began before a reset would outlive it. The oldest session beyond the cap
     * ends, a new device is announced by mail, and the history says so.
     *
     * @param account as it was read
     * @param changes what the login changes besides
     * @returns undefined where the account changed since
     */
    open: (account: Verified, session: NewSession, origin: Origin, changes: LoginChanges = {}) =>
      open(statements, { account, session, origin, changes }),

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

    /** Ends all sessions of an account but one, that of a login under way at this moment too. */
    endOthers: (userId: string, id: string, now: Date, origin: Origin) =>
      endIf({ userId, id: { not: id } }, now, origin, { locked: true }),

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
