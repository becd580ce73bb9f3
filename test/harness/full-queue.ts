/** A hashing queue that one client has filled. */
import { Socket } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import type { Teardown } from './database.ts'

/**
 * For an app whose hashes take seconds: longer than a test looks at the full queue, which each that ends makes room
 * in. Whoever else waits does so for as long as it takes to empty.
 */
export const SLOW_HASHES = { ARGON2_MEMORY_KIB: '262144', ARGON2_TIME_COST: '12', HASH_PATIENCE: '60' }

/**
 * Fills the queue, and keeps it full: patience is a minute.
 *
 * @param ip the client whose hashes wait
 * @returns empties it; what is under way is finished
 */
export async function fillQueue(t: Teardown, app: FastifyInstance, ip: string): Promise<() => Promise<void>> {
  const client = { ip, socket: new Socket() }
  const outcomes: Promise<unknown>[] = []
  const isFull = () => {
    try {
      app.passwords.reserve(client)
      app.passwords.release(client)
      return false
    } catch {
      return true
    }
  }
  while (!isFull()) outcomes.push(app.passwords.verify(undefined, 'x', client).catch(() => {}))
  // Those that a core is free for have begun then.
  await turn()
  const empty = async () => {
    client.socket.destroy()
    await Promise.all(outcomes)
  }
  t.teardown(empty)
  return empty
}
