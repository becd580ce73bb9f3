/**
 * Queries about registrations whose address is not confirmed yet.
 */
import type { PrismaClient, Registration, User } from '../generated/sqlite/client.ts'
import type { NewSession } from '../tokens/pair.ts'
import { type Origin, recordEvent } from './events.ts'
import { recordFamiliarNetwork } from './familiar-networks.ts'
import { INSERT_MAIL, mailRow } from './outbox.ts'
import { columns, type Statements } from './statements.ts'
import { unlessTaken } from './unique-violation.ts'

export type { Registration }

/** Queries about registrations. */
export type Registrations = ReturnType<typeof registrations>

const FIELDS = [
  'id',
  'email',
  'passwordHash',
  'locale',
  'createdAt',
  'expiresAt',
] as const satisfies (keyof Registration)[]

const NEWEST = `SELECT ${columns(FIELDS, 'registrations')} FROM registrations
  WHERE email = $1 AND expires_at > $2 ORDER BY created_at DESC, id DESC LIMIT 1`

const FILE = `INSERT INTO registrations (id, email, password_hash, locale, created_at, expires_at)
  VALUES ($1, $2, $3, $4, $5, $6)`

/**
 * @param client the database
 * @param statements on the same database
 */
export function registrations(client: PrismaClient, { read, transaction }: Statements) {
  return {
    /** Stores a registration with the mail that asks to confirm it. Never looks whether there is an account. */
    file(registration: Omit<Registration, 'createdAt'>, now: Date) {
      const { id, email, passwordHash, locale, expiresAt } = registration
      return transaction(async run => {
        await run(FILE, [id, email, passwordHash, locale, now, expiresAt])
        await run(INSERT_MAIL, mailRow({ kind: 'registration', recipient: email, registrationId: id }, now))
      })
    },

    findById: (id: string) => client.registration.findUnique({ where: { id } }),

    /** The registration whose password a log in would be told about. */
    newestFor: async (email: string, now: Date): Promise<Registration | null> =>
      (await read<Registration>(NEWEST, [email, now]))[0] ?? null,

    /** Lets a registration live as long as the link that is being mailed for it. */
    keepUntil: (id: string, expiresAt: Date) =>
      client.registration.updateMany({ where: { id, expiresAt: { lt: expiresAt } }, data: { expiresAt } }),

    /**
     * Turns a registration into an account with its first session. All other registrations of the
     * address go; an account that is there already stays as it is.
     *
     * @returns the account, or undefined where this registration or its address is gone
     */
    confirm(
      registration: Registration,
      user: { id: string },
      session: NewSession,
      origin: Origin,
    ): Promise<User | undefined> {
      const now = session.createdAt
      const gone = new Error('the registration is gone')
      const confirmation = client.$transaction(async tx => {
        // The account first: its address is where confirmations of different registrations meet. With
        // the registrations first, each would hold its own row and wait for the other's.
        const account = await tx.user.create({
          data: {
            id: user.id,
            email: registration.email,
            passwordHash: registration.passwordHash,
            locale: registration.locale,
            emailConfirmedAt: now,
            passwordChangedAt: now,
            lastLoginAt: now,
            createdAt: now,
          },
        })
        // The row is the right to confirm; throwing takes the account back.
        const { count } = await tx.registration.deleteMany({ where: { id: registration.id } })
        if (count !== 1) throw gone
        await tx.registration.deleteMany({ where: { email: registration.email } })
        await tx.session.create({
          data: { ...session, userId: account.id, ip: origin.ip, device: origin.device },
        })
        await recordFamiliarNetwork(tx, account.id, origin.ip, now)
        const about = { userId: account.id, origin }
        await recordEvent(tx, { ...about, kind: 'registered', at: registration.createdAt })
        await recordEvent(tx, { ...about, kind: 'confirmed', at: now })
        return account
      })
      return unlessTaken(confirmation).catch(error => {
        if (error === gone) return undefined
        throw error
      })
    },
  }
}
