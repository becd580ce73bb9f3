/** Counts attempts at emailed codes. */
import type { PrismaClient } from '../../generated/sqlite/client.ts'

export function codeAttempts(client: PrismaClient) {
  return {
    /**
     * Counts an attempt before its outcome is known, so that parallel attempts count too.
     * @returns the attempts so far, including this one
     */
    async count(id: string, expiresAt: Date): Promise<number> {
      // Prisma turns this into INSERT … ON CONFLICT DO UPDATE, which loses no counts.
      const { count } = await client.guess.upsert({
        where: { id },
        create: { id, count: 1, expiresAt },
        update: { count: { increment: 1 } },
      })
      return count
    },
  }
}
