// Queries of accounts. A change that relies on an earlier check is a compare-and-swap on what was read. An event and an
// email are written in the transaction of their change.
import type { Prisma, PrismaClient, User } from '../../generated/sqlite/client.ts'
import { networkOf } from '../../shared/network.ts'
import { columns, runIn, type Statements, undefinedOnConflict } from '../sql.ts'
import { insertEvent, type Origin } from './events.ts'
import {
  familiarIdIn,
  insertFamiliarNetwork,
  isFamiliarNetwork,
  nextFamiliarNetworks,
} from './familiar-networks.ts'
import { causedBy, insertMail } from './outbox.ts'
import { removeRegistrations } from './registrations.ts'
import { endSessionsOf, insertSession, type NewSession } from './sessions.ts'

export type { User }

/** An account as it was when its password or token was verified. */
export type Verified = Pick<
  User,
  'id' | 'email' | 'passwordHash' | 'emailConfirmedAt' | 'emailChangedAt' | 'disabledCount'
>

/** Input of a password check; null if there is no account. */
export interface Credentials {
  userId: string | null
  passwordHash: string | null
  emailConfirmedAt: Date | null
  disabledAt: Date | null
  /** When an operator last reset the back-off. */
  unlockedAt: Date | null
  /** Null if the client's network is not familiar to the account. */
  familiarUntil: Date | null
}

type CredentialsRow = Credentials & { email: string | null }

const NOBODY: Credentials = {
  userId: null,
  passwordHash: null,
  emailConfirmedAt: null,
  disabledAt: null,
  unlockedAt: null,
  familiarUntil: null,
}

const FIELDS = [
  'id',
  'email',
  'passwordHash',
  'emailConfirmedAt',
  'emailChangedAt',
  'passwordChangedAt',
  'lastLoginAt',
  'disabledAt',
  'disabledCount',
  'securedAt',
  'securedNoticeAt',
  'unlockedAt',
  'invitedAt',
  'claims',
  'locale',
  'createdAt',
] as const satisfies (keyof User)[]

/** Columns for every request with an access token: narrow, and without the password hash. */
const BEARER_FIELDS = [
  'id',
  'email',
  'emailConfirmedAt',
  'passwordChangedAt',
  'claims',
  'locale',
  'createdAt',
] as const satisfies (keyof User)[]
export type Bearer = Pick<User, (typeof BEARER_FIELDS)[number]>

/** All columns of an account, as its model has them. */
export const ACCOUNT = columns(FIELDS, 'users')
const BY_EMAIL = `SELECT ${ACCOUNT} FROM users WHERE email = $1`
const BY_ID = `SELECT ${ACCOUNT} FROM users WHERE id = $1`
// One narrow row for every email: reading a wide one takes measurably longer. An unknown email reads its
// neighbour in the index, because a missing row is about 20 µs faster (timing side channel).
const CREDENTIALS = `SELECT users.email, users.id AS "userId", users.password_hash AS "passwordHash",
  users.email_confirmed_at AS "emailConfirmedAt", users.disabled_at AS "disabledAt",
  users.unlocked_at AS "unlockedAt", familiar.expires_at AS "familiarUntil"
  FROM (SELECT 1 AS one) AS always
  LEFT JOIN users ON users.email = (SELECT email FROM users WHERE email >= $1 ORDER BY email LIMIT 1)
  LEFT JOIN familiar_networks AS familiar ON familiar.id = ${familiarIdIn('users.id', '$2')}`
const OF_SESSION = `SELECT ${columns(BEARER_FIELDS, 'users')} FROM sessions JOIN users ON users.id = sessions.user_id
  WHERE sessions.id = $1 AND users.id = $2 AND sessions.expires_at > $3 AND users.disabled_at IS NULL`

/** Never a hash of argon2: no password matches it, and it changes every fingerprint. */
const UNUSABLE = 'unusable'

/** A new value each time, so that it voids every link and code. */
export const unusablePassword = (now: Date) => `${UNUSABLE} ${now.toISOString()}`

/** Whether the owner has to set a password first. */
export const isUnusable = (passwordHash: string) => passwordHash.startsWith(UNUSABLE)

export function users(client: PrismaClient, { read }: Statements) {
  const findOne = async (sql: string, value: string): Promise<User | null> =>
    (await read<User>(sql, [value]))[0] ?? null

  return {
    /** @param email canonical */
    findByEmail: (email: string) => findOne(BY_EMAIL, email),

    findById: (id: string) => findOne(BY_ID, id),

    /**
     * Reads what a login needs before the password is verified. Takes the same time for every email.
     * @param email canonical
     */
    async credentialsFor(email: string, ip: string): Promise<Credentials> {
      const [found] = (await read<CredentialsRow>(CREDENTIALS, [email, networkOf(ip)])) as [CredentialsRow]
      // Copied in either case, so that both take the same time.
      const { userId, passwordHash, emailConfirmedAt, disabledAt, unlockedAt, familiarUntil } =
        found.email === email ? found : NOBODY
      return { userId, passwordHash, emailConfirmedAt, disabledAt, unlockedAt, familiarUntil }
    },

    /** Whether a login, reset or confirmation succeeded from the network of `ip` recently. */
    isFamiliarNetwork: (id: string, ip: string, now: Date) => isFamiliarNetwork(read, id, ip, now),

    /** The next familiar networks, ordered, after one of them. */
    nextFamiliarNetworks: (id: string, after: string, now: Date, limit: number) =>
      nextFamiliarNetworks(client, id, after, now, limit),

    /** Returns the account of a session, if both are active. One read, at every call with an access token. */
    async findBearer(session: { id: string; userId: string }, now: Date): Promise<Bearer | null> {
      return (await read<Bearer>(OF_SESSION, [session.id, session.userId, now]))[0] ?? null
    },

    /** Creates an unconfirmed account (EMAIL_CONFIRMATION=off). Returns undefined if the email is taken. */
    create(
      user: Pick<User, 'id' | 'email' | 'passwordHash' | 'locale'>,
      now: Date,
      origin: Origin,
    ): Promise<User | undefined> {
      const creation = client.$transaction(async tx => {
        const account = await tx.user.create({ data: { ...user, createdAt: now, passwordChangedAt: now } })
        // Registrations from before EMAIL_CONFIRMATION=off must not outlive this account.
        await removeRegistrations(tx, user.email)
        await insertEvent(runIn(tx), { userId: account.id, kind: 'registered', at: now, origin })
        return account
      })
      return undefinedOnConflict(creation)
    },

    /**
     * Confirms an account that was invited, or registered with EMAIL_CONFIRMATION=off. The password of a
     * registration proved nothing, so this is a reset that also opens a session.
     * @returns false if another call was first
     */
    confirm(
      unconfirmed: Verified & Pick<User, 'invitedAt'>,
      passwordHash: string,
      session: NewSession,
      origin: Origin,
    ): Promise<boolean> {
      const { id, email } = unconfirmed
      const now = session.createdAt
      return client.$transaction(async tx => {
        const { count } = await tx.user.updateMany({
          where: { ...whereUnchanged(unconfirmed), emailConfirmedAt: null },
          data: { passwordHash, passwordChangedAt: now, emailConfirmedAt: now, lastLoginAt: now },
        })
        if (count !== 1) return false
        await removeRegistrations(tx, email)
        await endSessionsOf(tx, id)
        await insertSession(runIn(tx), id, session, origin)
        // Networks of the person who registered prove nothing either.
        await tx.familiarNetwork.deleteMany({ where: { userId: id } })
        await insertFamiliarNetwork(runIn(tx), id, origin.ip, now)
        // An account that was invited had no password before.
        if (unconfirmed.invitedAt === null) {
          await insertEvent(runIn(tx), { userId: id, kind: 'password_reset', at: now, origin })
          const notice = { kind: 'password_changed' as const, recipient: email, userId: id }
          await insertMail(runIn(tx), { ...notice, ...causedBy(origin) }, now)
        }
        await insertEvent(runIn(tx), { userId: id, kind: 'confirmed', at: now, origin })
        return true
      })
    },

    /**
     * Sets a new password by compare-and-swap, revokes every session, and queues the notice. The email counts
     * as confirmed, because the person has read a message sent there.
     * @returns false if another change was first
     */
    setPassword(
      old: Verified,
      passwordHash: string,
      now: Date,
      origin: Origin,
      how: 'password_reset' | 'password_changed',
    ): Promise<boolean> {
      return client.$transaction(async tx => {
        const { count } = await tx.user.updateMany({
          where: whereUnchanged(old),
          data: { passwordHash, passwordChangedAt: now, emailConfirmedAt: old.emailConfirmedAt ?? now },
        })
        if (count !== 1) return false
        await endSessionsOf(tx, old.id)
        // As in `confirm`, the networks so far prove nothing.
        if (old.emailConfirmedAt === null) await tx.familiarNetwork.deleteMany({ where: { userId: old.id } })
        if (how === 'password_reset') await insertFamiliarNetwork(runIn(tx), old.id, origin.ip, now)
        await insertEvent(runIn(tx), { userId: old.id, kind: how, at: now, origin })
        await insertMail(
          runIn(tx),
          { kind: 'password_changed', recipient: old.email, userId: old.id, ...causedBy(origin) },
          now,
        )
        return true
      })
    },

    /**
     * Changes the email by compare-and-swap. Sessions continue; the old address gets a notice.
     * @returns `stale` if another change was first, `taken` if another account has the email
     */
    async changeEmail(
      old: Verified,
      email: string,
      now: Date,
      origin: Origin,
    ): Promise<'changed' | 'stale' | 'taken'> {
      const change = client.$transaction(async tx => {
        const { count } = await tx.user.updateMany({
          where: whereUnchanged(old),
          data: { email, emailConfirmedAt: now, emailChangedAt: now },
        })
        if (count !== 1) return 'stale' as const
        await removeRegistrations(tx, email)
        await insertEvent(runIn(tx), { userId: old.id, kind: 'email_changed', at: now, origin })
        await insertMail(
          runIn(tx),
          {
            kind: 'email_changed',
            recipient: old.email,
            userId: old.id,
            mentionedEmail: email,
            ...causedBy(origin),
          },
          now,
        )
        return 'changed' as const
      })
      return (await undefinedOnConflict(change)) ?? 'taken'
    },

    /**
     * Secures an account ("this was not me"): revokes all sessions, disables the password, restores the email
     * of the notice, and queues a reset link.
     * @returns false if another call was first
     */
    async secure(
      user: Pick<User, 'id' | 'securedAt' | 'disabledCount'>,
      { email, notice }: Securing,
      now: Date,
      origin: Origin,
    ): Promise<boolean> {
      const secureWith = (changes: Prisma.UserUpdateManyMutationInput) =>
        client.$transaction(async tx => {
          const { count } = await tx.user.updateMany({
            where: {
              id: user.id,
              securedAt: user.securedAt,
              disabledAt: null,
              disabledCount: user.disabledCount,
            },
            data: { ...changes, ...secured({ email, notice }, now) },
          })
          if (count !== 1) return false
          if (changes.email !== undefined) await removeRegistrations(tx, email)
          await endSessionsOf(tx, user.id)
          // The attacker's network may be among them.
          await tx.familiarNetwork.deleteMany({ where: { userId: user.id } })
          // Newer notices are void; older ones outrank this one.
          await tx.notice.deleteMany({ where: { userId: user.id, noticeAt: { gte: notice } } })
          await insertEvent(runIn(tx), { userId: user.id, kind: 'secured', at: now, origin })
          await insertMail(
            runIn(tx),
            { kind: 'account_secured', recipient: email, userId: user.id, ...causedBy(origin) },
            now,
          )
          return true
        })
      const taken = 'taken' as const
      const done = (await undefinedOnConflict(secureWith({ email }))) ?? taken
      // The old email has another account: secure the account with its current email.
      return done === taken ? secureWith({}) : done
    },

    /** @param locale BCP 47 tag, or null */
    async setLocale(id: string, locale: string | null): Promise<User | null> {
      await client.user.updateMany({ where: { id }, data: { locale } })
      return client.user.findUnique({ where: { id } })
    },
  }
}

export interface Securing {
  /** Recipient of the notice. */
  email: string
  /** When the notice was queued. */
  notice: Date
}

export const secured = ({ notice }: Securing, now: Date) => ({
  passwordHash: unusablePassword(now),
  securedAt: now,
  securedNoticeAt: notice,
})

/** Matches the account if nothing that a token or password check relied on has changed. */
export function whereUnchanged(old: Verified): Prisma.UserWhereInput {
  const { id, email, passwordHash, emailChangedAt, disabledCount } = old
  return { id, email, passwordHash, emailChangedAt, disabledCount, disabledAt: null }
}
