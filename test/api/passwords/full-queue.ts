/** A hash queue that one client has filled. */
import { setImmediate as turn } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import { clientAt } from '../../harness/client.ts'
import type { Teardown } from '../../harness/database.ts'

/** For an app whose queue takes far longer to drain than a test takes. */
export const SLOW_HASHES = { ARGON2_MEMORY_KIB: '65536', ARGON2_TIME_COST: '3', HASH_QUEUE_TIMEOUT: '60' }

/**
 * Fills the queue and keeps it full: when a hash ends, another one takes its slot before any request can.
 *
 * @param ip the client whose hashes wait
 * @returns empties the queue; running hashes are finished
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
  // Hashes for which a core is free have started then.
  await turn()
  const empty = async () => {
    filling = false
    client.disconnect()
    await Promise.all(outcomes)
  }
  t.teardown(empty)
  return empty
}
