/** Queries of sessions. A revoked session has no row. */
import type { Prisma, PrismaClient, Session, User } from '../../generated/sqlite/client.ts'
import { columns, type Run, runIn, type Statements, type Value } from '../sql.ts'
import { ARRIVED, EVENT_COLUMNS, eventRow, insertEvent, isKnownDevice, type Origin } from './events.ts'
import { insertFamiliarNetwork, networkRow, RECORD_NETWORK } from './familiar-networks.ts'
import { insertMail, MAIL_COLUMNS, mailRow } from './outbox.ts'

export type { Session }

/** A session with the claims of its account, for the access token. */
export type ClaimedSession = Session & Pick<User, 'claims'>

export interface NewSession {
  id: string
  refreshHash: string
  createdAt: Date
  refreshedAt: Date
  expiresAt: Date
}

/** More devices than a person has. A further session ends the oldest. */
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

const ALIVE = `SELECT ${columns(FIELDS, 'sessions')}, users.claims FROM sessions JOIN users ON users.id = sessions.user_id
  WHERE sessions.id = $1 AND sessions.expires_at > $2 AND users.disabled_at IS NULL`

/** One statement, so that of two calls with one token only one rotates. */
const rotateOn = (provider: Statements['provider']) => {
  const absolute =
    provider === 'postgresql'
      ? `LEAST($3, created_at + $4 * INTERVAL '1 second')`
      : `min($3, strftime('%Y-%m-%dT%H:%M:%f+00:00', created_at, $4 || ' seconds'))`
  return `UPDATE sessions SET refresh_hash = $1, previous_refresh_hash = refresh_hash,
    refreshed_at = $2, expires_at = ${absolute}, ip = $5, device = $6
    WHERE id = $7 AND refresh_hash = $8 AND expires_at > $2
      AND EXISTS (SELECT 1 FROM users WHERE users.id = sessions.user_id AND users.disabled_at IS NULL)
    RETURNING ${columns(FIELDS, 'sessions')},
      (SELECT users.claims FROM users WHERE users.id = sessions.user_id) AS claims`
}

/** Columns in the order of `sessionRow`. */
const SESSION_COLUMNS = 'id, user_id, refresh_hash, created_at, refreshed_at, expires_at, ip, device'
const INSERT = `INSERT INTO sessions (${SESSION_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`

const sessionRow = (userId: string, session: NewSession, { ip, device }: Origin): Value[] => {
  const { id, refreshHash, createdAt, refreshedAt, expiresAt } = session
  return [id, userId, refreshHash, createdAt, refreshedAt, expiresAt, ip, device]
}

export const insertSession = (run: Run, userId: string, session: NewSession, origin: Origin) =>
  run(INSERT, sessionRow(userId, session, origin))

export function endSessionsOf(tx: Prisma.TransactionClient, userId: string) {
  return tx.session.deleteMany({ where: { userId } })
}

const LOCK = 'SELECT 1 AS one FROM users WHERE id = $1 FOR NO KEY UPDATE'

/** Locks an account until the transaction ends, so that a concurrent login waits. SQLite has one writer. */
export async function lockAccount({ provider }: Pick<Statements, 'provider'>, run: Run, userId: string) {
  if (provider === 'postgresql') await run(LOCK, [userId])
}

interface LoginChanges {
  /** An upgraded hash of the same password. */
  passwordHash?: string
  networkIsRecorded?: boolean
}

/** A login's result: the claims of its account, and whether it announces a new device. */
interface OpenedSession extends Pick<User, 'claims'> {
  mailQueued: boolean
}

/** What a login verified. */
export type LoggedIn = Pick<User, 'id' | 'email' | 'passwordHash'>

interface Login {
  account: LoggedIn
  session: NewSession
  origin: Origin
  changes: LoginChanges
}

const AS_VERIFIED = 'FROM users WHERE id = $1 AND password_hash = $2 AND email = $3 AND disabled_at IS NULL'
const ACCOUNT = `SELECT last_login_at AS "lastLoginAt", claims ${AS_VERIFIED}`
const RECORD_LOGIN = 'UPDATE users SET last_login_at = $2, password_hash = $3 WHERE id = $1'

// The oldest session at the cap, to make room for one. Only an active one leaves an event.
const BEYOND_CAP = `(SELECT id FROM sessions WHERE user_id = $1
  ORDER BY created_at DESC, id DESC LIMIT ${SESSIONS_PER_ACCOUNT} OFFSET ${SESSIONS_PER_ACCOUNT - 1})`
const MAKE_ROOM = `DELETE FROM sessions WHERE id IN ${BEYOND_CAP}
  RETURNING CASE WHEN expires_at > $2 THEN 1 ELSE 0 END AS active`

const newDevice = ({ account, session, origin }: Login) =>
  [
    { kind: 'new_device' as const, recipient: account.email, userId: account.id, ...origin },
    session.createdAt,
  ] as const

// SQLite: the statements of a transaction cost a hundredth of its commit.
function openInTransaction(statements: Statements, login: Login): Promise<OpenedSession | undefined> {
  const { account, session, origin, changes } = login
  const { id, email, passwordHash } = account
  const at = session.createdAt
  return statements.transaction(async run => {
    const [current] = await run<Pick<User, 'lastLoginAt' | 'claims'>>(ACCOUNT, [id, passwordHash, email])
    if (current === undefined) return undefined
    await run(RECORD_LOGIN, [id, at, changes.passwordHash ?? passwordHash])
    const isNews = current.lastLoginAt !== null && !(await isKnownDevice(run, id, origin.device))
    if (isNews) await insertMail(run, ...newDevice(login))
    const ended = await run<{ active: number }>(MAKE_ROOM, [id, at])
    if (ended.some(({ active }) => active === 1)) {
      await insertEvent(run, { userId: id, kind: 'session_ended', at, origin })
    }
    await insertSession(run, id, session, origin)
    if (!changes.networkIsRecorded) await insertFamiliarNetwork(run, id, origin.ip, at)
    await insertEvent(run, { userId: id, kind: 'logged_in', at, origin })
    return { mailQueued: isNews, claims: current.claims }
  })
}

interface Opening extends Pick<User, 'claims'> {
  held: boolean
  opened: boolean
  announced: boolean
}

// PostgreSQL: one statement, because each is a round trip. All parts read one snapshot. A login that waited
// for another change of the account would miss its writes, so it does nothing if the locked row is newer, and
// runs again under the lock.
async function openInOneStatement(statements: Statements, login: Login): Promise<OpenedSession | undefined> {
  const { account, session, origin, changes } = login
  const { id: userId, email, passwordHash } = account
  const { device, ip } = origin
  const at = session.createdAt
  const network = changes.networkIsRecorded || ip === null ? [] : networkRow(userId, ip, at)
  const sql = openingOf(device !== null, network.length > 0)
  const values = [
    ...[userId, passwordHash, email, at, changes.passwordHash ?? passwordHash],
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
      await lockAccount(statements, run, userId)
      return open(run)
    })
  }
  const { opened, announced: mailQueued, claims } = opening
  return opened ? { mailQueued, claims } : undefined
}

const openings = new Map<string, string>()

function openingOf(hasDevice: boolean, recordsNetwork: boolean): string {
  const key = `${hasDevice} ${recordsNetwork}`
  const sql = openings.get(key) ?? opening(hasDevice, recordsNetwork)
  openings.set(key, sql)
  return sql
}

function opening(hasDevice: boolean, recordsNetwork: boolean): string {
  let next = hasDevice ? 7 : 6
  /** Inserts a row, with the next values, if the named part has a row. */
  const insert = (table: string, columns: string, from: string) =>
    `INSERT INTO ${table} (${columns}) SELECT ${columns.replace(/\w+/g, () => `$${next++}`)} FROM ${from}`
  const parts = [
    'seen AS MATERIALIZED (SELECT xmin AS version FROM users WHERE id = $1)',
    `held AS MATERIALIZED (SELECT id, last_login_at, claims, xmin AS version ${AS_VERIFIED} FOR NO KEY UPDATE)`,
    'account AS MATERIALIZED (SELECT held.* FROM held JOIN seen ON seen.version = held.version)',
    `arrived AS (UPDATE users SET last_login_at = $4, password_hash = $5 FROM account WHERE users.id = account.id)`,
    `room AS (DELETE FROM sessions WHERE id IN ${BEYOND_CAP} AND EXISTS (SELECT 1 FROM account)
      RETURNING expires_at > $4 AS active)`,
    `ended AS (${insert('events', EVENT_COLUMNS, 'account WHERE EXISTS (SELECT 1 FROM room WHERE active)')})`,
    `announced AS MATERIALIZED (SELECT 1 FROM account WHERE last_login_at IS NOT NULL
      AND NOT EXISTS (${ARRIVED} AND device ${hasDevice ? '= $6' : 'IS NULL'}))`,
    `mail AS (${insert('outbox', MAIL_COLUMNS, 'announced')})`,
    `opened AS (${insert('sessions', SESSION_COLUMNS, 'account')})`,
  ]
  if (recordsNetwork) {
    const { columns, otherwise } = RECORD_NETWORK
    parts.push(`network AS (${insert('familiar_networks', columns, 'account')} ${otherwise})`)
  }
  parts.push(`logged AS (${insert('events', EVENT_COLUMNS, 'account')})`)
  return `WITH ${parts.join(',\n')}
    SELECT EXISTS (SELECT 1 FROM held) AS held, EXISTS (SELECT 1 FROM account) AS opened,
      EXISTS (SELECT 1 FROM announced) AS announced, (SELECT claims FROM account) AS claims`
}

export function sessions(client: PrismaClient, statements: Statements) {
  const { provider, read, change } = statements
  const open = provider === 'sqlite' ? openInTransaction : openInOneStatement
  const ROTATE = rotateOn(provider)

  function endIf(
    where: Prisma.SessionWhereInput & { userId: string },
    now: Date,
    origin: Origin,
    { locked } = { locked: false },
  ) {
    return client.$transaction(async tx => {
      if (locked) await lockAccount(statements, runIn(tx), where.userId)
      const { count } = await tx.session.deleteMany({ where })
      if (count > 0) {
        await insertEvent(runIn(tx), { userId: where.userId, kind: 'session_ended', at: now, origin })
      }
      return count
    })
  }

  return {
    async findAlive(id: string, now: Date): Promise<ClaimedSession | null> {
      return (await read<ClaimedSession>(ALIVE, [id, now]))[0] ?? null
    },

    /** The active sessions of an account, most recently used first. */
    listOf: (userId: string, now: Date) =>
      client.session.findMany({
        where: { userId, expiresAt: { gt: now } },
        orderBy: [{ refreshedAt: 'desc' }, { id: 'desc' }],
      }),

    /**
     * Opens a session if the verified hash and email are still stored: otherwise a login that began before a
     * reset would outlive it. Ends the oldest session over the cap, and announces a new device by email.
     * @returns undefined if the account has changed
     */
    open: (account: LoggedIn, session: NewSession, origin: Origin, changes: LoginChanges = {}) =>
      open(statements, { account, session, origin, changes }),

    /**
     * Rotates the refresh token by compare-and-swap.
     * @returns undefined if the token is not the current one of an active session
     */
    async rotate(
      presented: { sessionId: string; hash: string },
      refreshHash: string,
      limits: { idleUntil: Date; absoluteSeconds: number },
      now: Date,
      { ip, device }: Origin,
    ): Promise<ClaimedSession | undefined> {
      const { idleUntil, absoluteSeconds } = limits
      const { sessionId, hash } = presented
      const values = [refreshHash, now, idleUntil, absoluteSeconds, ip, device, sessionId, hash]
      return (await change<ClaimedSession>(ROTATE, values))[0]
    },

    /** Revokes a session. Returns 0 if there is none, or if it belongs to another account. */
    end: (userId: string, id: string, now: Date, origin: Origin) => endIf({ userId, id }, now, origin),

    /** Revokes all sessions but one, including that of a concurrent login. */
    endOthers: (userId: string, id: string, now: Date, origin: Origin) =>
      endIf({ userId, id: { not: id } }, now, origin, { locked: true }),

    /** Revokes a session whose refresh token was replayed. */
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
