/**
 * Registrations of the release before, which kept a password. Nothing is written here any more; what is
 * there is read for one release, so that its links still work. The next release drops file and table.
 */
import type { LegacyRegistration, PrismaClient } from '../generated/sqlite/client.ts'

export type { LegacyRegistration }

/** Queries about them. */
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
