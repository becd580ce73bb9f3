/**
 * Tries at codes, counted in the database: by all instances together, with or without Redis.
 */
import type { PrismaClient } from '../generated/sqlite/client.ts'

/** Queries about tries at codes. */
export type Guesses = ReturnType<typeof guesses>

/** @param client the database */
export function guesses(client: PrismaClient) {
  return {
    /**
     * Counts a try before its outcome is known, so that parallel tries count too.
     *
     * @param id what is guarded
     * @param expiresAt when the count may be forgotten
     * @returns the tries so far, this one included
     */
    async count(id: string, expiresAt: Date): Promise<number> {
      // One statement, INSERT … ON CONFLICT DO UPDATE: a read before the write would lose counts.
      const { count } = await client.guess.upsert({
        where: { id },
        create: { id, count: 1, expiresAt },
        update: { count: { increment: 1 } },
      })
      return count
    },
  }
}
