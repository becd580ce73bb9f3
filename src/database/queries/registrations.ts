/** Registrations: emails that are not confirmed yet. They have no password. */
import type {
  LegacyRegistration,
  Prisma,
  PrismaClient,
  Registration,
  User,
} from '../../generated/sqlite/client.ts'
import { runIn, type Statements, undefinedOnConflict } from '../sql.ts'
import { type Cause, insertEvent, type Origin } from './events.ts'
import { insertFamiliarNetwork } from './familiar-networks.ts'
import { causedBy, mailInsertion, type NewMail } from './outbox.ts'
import { insertSession, type NewSession } from './sessions.ts'

export type { LegacyRegistration, Registration }

/** A repeated registration keeps its id, so that earlier links stay valid. */
const STORE = `INSERT INTO pending_registrations (id, email, locale, created_at, expires_at)
  VALUES ($1, $2, $3, $4, $5)
  ON CONFLICT (email) DO UPDATE SET
    locale = COALESCE(excluded.locale, pending_registrations.locale),
    expires_at = CASE WHEN excluded.expires_at > pending_registrations.expires_at
      THEN excluded.expires_at ELSE pending_registrations.expires_at END`

export function registrations(client: PrismaClient, { changeAll }: Statements) {
  return {
    /** Stores or extends a registration, together with its email. Never looks up the account. */
    store(
      registration: Omit<Registration, 'createdAt'> & Pick<NewMail, 'challengeId'>,
      now: Date,
      cause: Cause,
    ) {
      const { id, email, locale, expiresAt, ...request } = registration
      const mail = { kind: 'registration' as const, recipient: email, ...request, ...causedBy(cause) }
      return changeAll([[STORE, [id, email, locale, now, expiresAt]], mailInsertion(mail, now)])
    },

    findById: (id: string) => client.registration.findUnique({ where: { id } }),

    findByEmail: (email: string, now: Date) =>
      client.registration.findUnique({ where: { email, expiresAt: { gt: now } } }),

    /** Extends a registration to the expiry of the link that is being sent. */
    extendUntil: (id: string, expiresAt: Date) =>
      client.registration.updateMany({ where: { id, expiresAt: { lt: expiresAt } }, data: { expiresAt } }),

    /**
     * Turns a registration into an account with a password and a first session. Deleting the registration is
     * the compare-and-swap.
     * @returns undefined if the registration is gone or the email has an account
     */
    confirm(
      registration: Registration | LegacyRegistration,
      user: { id: string; passwordHash: string },
      session: NewSession,
      origin: Origin,
    ): Promise<User | undefined> {
      const { id, email, locale } = registration
      const now = session.createdAt
      const missingRegistration = new Error('the registration is gone')
      const confirmation = client.$transaction(async tx => {
        // The account first: its unique email serialises parallel confirmations. The other order could
        // deadlock.
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
        // Throwing rolls the account back.
        if (count !== 1) throw missingRegistration
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
        if (error === missingRegistration) return undefined
        throw error
      })
    },
  }
}

/** Deletes all registrations of an email, which voids their links. */
export async function removeRegistrations(tx: Prisma.TransactionClient, email: string): Promise<void> {
  await tx.registration.deleteMany({ where: { email } })
  await tx.legacyRegistration.deleteMany({ where: { email } })
}

/**
 * Registrations of the previous release, which stored a password. Read for one release, so that their links
 * work; then this and the table can go.
 */
export function legacyRegistrations(client: PrismaClient) {
  return {
    findById: (id: string) => client.legacyRegistration.findUnique({ where: { id } }),

    newestFor: (email: string, now: Date) =>
      client.legacyRegistration.findFirst({
        where: { email, expiresAt: { gt: now } },
        orderBy: [{ createdAt: 'desc' }, { id: 'desc' }],
      }),

    /** Extends a registration to the expiry of the link that is being sent. */
    extendUntil: (id: string, expiresAt: Date) =>
      client.legacyRegistration.updateMany({
        where: { id, expiresAt: { lt: expiresAt } },
        data: { expiresAt },
      }),
  }
}
