import { setTimeout as delay } from 'node:timers/promises'

/** Only a failing test waits so long, so it may be longer than the slowest machine needs; milliseconds. */
const PATIENCE = 60_000

/**
 * Waits for a condition, where nothing tells the test of it.
 *
 * @param what the condition in words, for the message
 * @param holds looked at every few milliseconds
 * @throws Error when it does not hold within a minute
 */
export async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + PATIENCE
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`waited for ${PATIENCE / 1000} s in vain: ${what}`)
    await delay(10)
  }
}
