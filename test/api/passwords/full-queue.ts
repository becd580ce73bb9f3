/** A hashing queue that one client has filled. */
import { setImmediate as turn } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import { clientAt } from '../../harness/client.ts'
import type { Teardown } from '../../harness/database.ts'

/** For an app whose queue takes far longer to work off than a test takes to look at it. */
export const SLOW_HASHES = { ARGON2_MEMORY_KIB: '65536', ARGON2_TIME_COST: '3', HASH_QUEUE_TIMEOUT: '60' }

/**
 * Fills the queue, and keeps it full: whenever a hash ends, another one takes its place before any request can.
 *
 * @param ip the client whose hashes wait
 * @returns empties it; what is under way is finished
 */
export async function fillQueue(t: Teardown, app: FastifyInstance, ip: string): Promise<() => Promise<void>> {
  const client = clientAt(ip)
  const outcomes: Promise<unknown>[] = []
  let filling = true
  const isFull = () => {
    try {
      app.passwords.queue.reserve(ip).release()
      return false
    } catch {
      return true
    }
  }
  const fill = () => {
    while (filling && !isFull())
      outcomes.push(app.passwords.verify(undefined, 'x', client).then(fill, () => {}))
  }
  fill()
  // Those that a core is free for have begun then.
  await turn()
  const empty = async () => {
    filling = false
    client.disconnect()
    await Promise.all(outcomes)
  }
  t.teardown(empty)
  return empty
}
