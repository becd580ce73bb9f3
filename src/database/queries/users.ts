/**
 * Queries about accounts, and the changes that must happen whole or not at all. Every change is a
 * compare-and-swap on what was read, and writes its event and its notice in the same transaction.
 */
import type { Prisma, PrismaClient, User } from '../../generated/sqlite/client.ts'
import { networkOf } from '../../shared/network.ts'
import { columns, runIn, type Statements, undefinedOnConflict } from '../sql.ts'
import { FAMILIAR_ID, insertFamiliarNetwork, isFamiliarNetwork } from './attempts.ts'
import { insertEvent, type Origin } from './events.ts'
import { causedBy, insertMail } from './outbox.ts'
import { removeRegistrations } from './registrations.ts'
import { endSessionsOf, insertSession, type NewSession, type Verified } from './sessions.ts'

export type { User, Verified }

/** What a password for an address is held against; nulls where there is no account. */
export interface Credentials {
  userId: string | null
  passwordHash: string | null
  passwordChangedAt: Date | null
  /** Until when the client's network is familiar to the account; null where it is not. */
  familiarUntil: Date | null
}

/** Those of an address, or of the one next to it. */
type CredentialsRow = Credentials & { email: string | null }

/** Queries about accounts. */
export type Users = ReturnType<typeof users>

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

const ACCOUNT = columns(FIELDS, 'users')
const BY_EMAIL = `SELECT ${ACCOUNT} FROM users WHERE email = $1`
const BY_ID = `SELECT ${ACCOUNT} FROM users WHERE id = $1`
/**
 * One row of few columns, whether there is an account or not: to make an object of a whole one that is found takes
 * long enough to tell. An address that nobody has finds its neighbour, who is read and thrown away, since a row
 * that is not there is not read, which tells by some twenty microseconds.
 */
const CREDENTIALS = `SELECT users.email, users.id AS "userId", users.password_hash AS "passwordHash",
  users.password_changed_at AS "passwordChangedAt",
  familiar.expires_at AS "familiarUntil"
  FROM (SELECT 1 AS one) AS always
  LEFT JOIN users ON users.email = (SELECT email FROM users WHERE email >= $1 ORDER BY email LIMIT 1)
  LEFT JOIN familiar_networks AS familiar ON familiar.id = ${FAMILIAR_ID('users.id', '$2')}`
const OF_SESSION = `SELECT ${ACCOUNT} FROM sessions JOIN users ON users.id = sessions.user_id
  WHERE sessions.id = $1 AND users.id = $2 AND sessions.expires_at > $3 AND users.disabled_at IS NULL`

/** What argon2 never makes: no password matches it, and every fingerprint changes with it. */
const UNUSABLE = 'unusable'

/**
 * @param client the database
 * @param statements on the same database
 */
export function users(client: PrismaClient, { read }: Statements) {
  const one = async (sql: string, ...values: (string | Date)[]): Promise<User | null> =>
    (await read<User>(sql, values))[0] ?? null

  return {
    /** @param email canonical */
    findByEmail: (email: string) => one(BY_EMAIL, email),

    findById: (id: string) => one(BY_ID, id),

    /**
     * What a log in needs before the password is known to be right; takes as long for every address.
     *
     * @param email canonical
     * @param ip the client's
     */
    async credentialsFor(email: string, ip: string): Promise<Credentials> {
      const [found] = (await read<CredentialsRow>(CREDENTIALS, [email, networkOf(ip)])) as [CredentialsRow]
      const isIts = found.email === email
      return {
        userId: isIts ? found.userId : null,
        passwordHash: isIts ? found.passwordHash : null,
        passwordChangedAt: isIts ? found.passwordChangedAt : null,
        familiarUntil: isIts ? found.familiarUntil : null,
      }
    },

    /** Whether a login, reset or confirmation of the account succeeded from the client's network lately. */
    isFamiliarNetwork: (id: string, ip: string, now: Date) => isFamiliarNetwork(read, id, ip, now),

    /**
     * The account of a session, if both are alive: one read, at every call with an access token.
     *
     * @param id of the account, as the token has it
     */
    findBearer: (session: { id: string; userId: string }, now: Date) =>
      one(OF_SESSION, session.id, session.userId, now),

    /**
     * Makes an account at once, unconfirmed (EMAIL_CONFIRMATION=off).
     *
     * @returns the account, or undefined where the address is taken
     */
    create(
      user: Pick<User, 'id' | 'email' | 'passwordHash' | 'locale'>,
      now: Date,
      origin: Origin,
    ): Promise<User | undefined> {
      const creation = client.$transaction(async tx => {
        const account = await tx.user.create({ data: { ...user, createdAt: now, passwordChangedAt: now } })
        // Left from a time with confirmation: a link of theirs must not outlive this account.
        await removeRegistrations(tx, user.email)
        await insertEvent(runIn(tx), { userId: account.id, kind: 'registered', at: now, origin })
        return account
      })
      return undefinedOnConflict(creation)
    },

    /**
     * Confirms the address of an account that was made unconfirmed (EMAIL_CONFIRMATION=off). The password it
     * was made with proved nothing, so this is a reset: the new password is set by compare-and-swap, every
     * session ends, and one is opened for whoever read the mail.
     *
     * @returns whether this call was the one that confirmed it
     */
    confirm(
      unconfirmed: Verified,
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
        await endSessionsOf(tx, id)
        await insertSession(runIn(tx), id, session, origin)
        // Those of whoever made the account prove nothing either.
        await tx.familiarNetwork.deleteMany({ where: { userId: id } })
        await insertFamiliarNetwork(runIn(tx), id, origin.ip, now)
        await insertEvent(runIn(tx), { userId: id, kind: 'password_reset', at: now, origin })
        await insertEvent(runIn(tx), { userId: id, kind: 'confirmed', at: now, origin })
        await insertMail(
          runIn(tx),
          { kind: 'password_changed', recipient: email, userId: id, ...causedBy(origin) },
          now,
        )
        return true
      })
    },

    /**
     * Sets a new password by compare-and-swap, ends every session, and files the notice. The address
     * counts as confirmed, since whoever does this has read a mail sent there.
     *
     * @param old the account as it was when the right to change it was checked
     * @param how what the history says
     * @returns whether this call was the one that changed it
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
        // Those of whoever made the account prove nothing, as in `confirm`.
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
     * Gives the account another address by compare-and-swap. Sessions go on; the old address is told.
     *
     * @returns `changed`, `stale` where another change was first, `taken` where another account has the address
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
     * Secures an account whose owner says "this was not me": no session, no usable password, the address
     * that the owner read the notice at, and a reset link on its way there.
     *
     * @param user as it was when the right to do so was checked
     * @param by the address that the notice went to, and when it was filed
     * @returns whether this call was the one that did it
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
          // The intruder's network may be among them.
          await tx.familiarNetwork.deleteMany({ where: { userId: user.id } })
          // These are void by now; older ones outrank this one.
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
      // Somebody else has registered the old address since; the account is locked where it is.
      return done === taken ? secureWith({}) : done
    },

    /** @param locale BCP 47 tag, null for none */
    async setLocale(id: string, locale: string | null): Promise<User | null> {
      await client.user.updateMany({ where: { id }, data: { locale } })
      return client.user.findUnique({ where: { id } })
    },
  }
}

/** What secures an account. */
export interface Securing {
  /** The address that the notice went to. */
  email: string
  /** When the notice was filed. */
  notice: Date
}

/** What an account has after that. */
export const secured = ({ notice }: Securing, now: Date) => ({
  passwordHash: `${UNUSABLE} ${now.toISOString()}`,
  securedAt: now,
  securedNoticeAt: notice,
})

/** The account, if nothing that a token or a password check relied on has changed since. */
export function whereUnchanged(old: Verified): Prisma.UserWhereInput {
  const { id, email, passwordHash, emailChangedAt, disabledCount } = old
  return { id, email, passwordHash, emailChangedAt, disabledCount, disabledAt: null }
}
