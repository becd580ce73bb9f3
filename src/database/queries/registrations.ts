/**
 * Queries about registrations: addresses that are not confirmed yet. No password is kept with them.
 */
import type {
  LegacyRegistration,
  Prisma,
  PrismaClient,
  Registration,
  User,
} from '../../generated/sqlite/client.ts'
import { runIn, type Statements, undefinedOnConflict } from '../sql.ts'
import { insertFamiliarNetwork } from './attempts.ts'
import { type Cause, insertEvent, type Origin } from './events.ts'
import { causedBy, mailInsertion, type NewMail } from './outbox.ts'
import { insertSession, type NewSession } from './sessions.ts'

export type { LegacyRegistration, Registration }

/** Queries about registrations. */
export type Registrations = ReturnType<typeof registrations>

/** One statement for a new address and for a waiting one; a link that is out stays good, since the id stays. */
const FILE = `INSERT INTO pending_registrations (id, email, locale, created_at, expires_at)
  VALUES ($1, $2, $3, $4, $5)
  ON CONFLICT (email) DO UPDATE SET
    locale = COALESCE(excluded.locale, pending_registrations.locale),
    expires_at = CASE WHEN excluded.expires_at > pending_registrations.expires_at
      THEN excluded.expires_at ELSE pending_registrations.expires_at END`

/**
 * @param client the database
 * @param statements on the same database
 */
export function registrations(client: PrismaClient, { changeAll }: Statements) {
  return {
    /**
     * Stores a registration, or extends the one that waits, with the mail that asks to confirm it. Never
     * looks whether there is an account.
     *
     * @param registration its `challengeId` names the request, so that the code in the mail is found
     * @param cause the request
     */
    file(
      registration: Omit<Registration, 'createdAt'> & Pick<NewMail, 'challengeId'>,
      now: Date,
      cause: Cause,
    ) {
      const { id, email, locale, expiresAt, ...request } = registration
      const mail = { kind: 'registration' as const, recipient: email, ...request, ...causedBy(cause) }
      return changeAll([[FILE, [id, email, locale, now, expiresAt]], mailInsertion(mail, now)])
    },

    findById: (id: string) => client.registration.findUnique({ where: { id } }),

    /** The registration of an address, unless it expired. */
    findByEmail: (email: string, now: Date) =>
      client.registration.findUnique({ where: { email, expiresAt: { gt: now } } }),

    /** Lets a registration live as long as the link that is being mailed for it. */
    keepUntil: (id: string, expiresAt: Date) =>
      client.registration.updateMany({ where: { id, expiresAt: { lt: expiresAt } }, data: { expiresAt } }),

    /**
     * Turns a registration into an account with this password and its first session. The registration's row
     * is the right to do so: of any number of calls, one removes it. Others of the address go too.
     *
     * @returns the account, or undefined where the registration is gone or the address has an account
     */
    confirm(
      registration: Registration | LegacyRegistration,
      user: { id: string; passwordHash: string },
      session: NewSession,
      origin: Origin,
    ): Promise<User | undefined> {
      const { id, email, locale } = registration
      const now = session.createdAt
      const gone = new Error('the registration is gone')
      const confirmation = client.$transaction(async tx => {
        // The account first: its unique address is where parallel confirmations meet. With the registrations
        // first, two calls could each hold a row that the other waits for.
        const account = await tx.user.create({
          data: {
            ...user,
            email,
            locale,
            emailConfirmedAt: now,
            passwordChangedAt: now,
            lastLoginAt: now,
            createdAt: now,
          },
        })
        const { count } =
          'passwordHash' in registration
            ? await tx.legacyRegistration.deleteMany({ where: { id } })
            : await tx.registration.deleteMany({ where: { id } })
        // Throwing takes the account back.
        if (count !== 1) throw gone
        await removeRegistrations(tx, email)
        const run = runIn(tx)
        await insertSession(run, account.id, session, origin)
        await insertFamiliarNetwork(run, account.id, origin.ip, now)
        const about = { userId: account.id, origin }
        await insertEvent(run, { ...about, kind: 'registered', at: registration.createdAt })
        await insertEvent(run, { ...about, kind: 'confirmed', at: now })
        return account
      })
      return undefinedOnConflict(confirmation).catch(error => {
        if (error === gone) return undefined
        throw error
      })
    },
  }
}

/** Removes what waits for an address, so that no link that is out finds a row. */
export async function removeRegistrations(tx: Prisma.TransactionClient, email: string): Promise<void> {
  await tx.registration.deleteMany({ where: { email } })
  await tx.legacyRegistration.deleteMany({ where: { email } })
}

/**
 * Registrations of the release before, which kept a password. Nothing is written here any more; what is there is read
 * for one release, so that its links still work. The next release drops this and the table.
 */
export type LegacyRegistrations = ReturnType<typeof legacyRegistrations>

/** @param client the database */
export function legacyRegistrations(client: PrismaClient) {
  return {
    findById: (id: string) => client.legacyRegistration.findUnique({ where: { id } }),

    newestFor: (email: string, now: Date) =>
      client.legacyRegistration.findFirst({
        where: { email, expiresAt: { gt: now } },
        orderBy: [{ createdAt: 'desc' }, { id: 'desc' }],
      }),

    /** Lets one live as long as the link that is being mailed for it. */
    keepUntil: (id: string, expiresAt: Date) =>
      client.legacyRegistration.updateMany({
        where: { id, expiresAt: { lt: expiresAt } },
        data: { expiresAt },
      }),
  }
}
