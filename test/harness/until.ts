import { setTimeout as delay } from 'node:timers/promises'

/** Only a failing test waits so long, so it may be longer than the slowest machine needs; milliseconds. */
const PATIENCE = 60_000

/**
 * Waits for a condition, where nothing tells the test of it.
 *
 * @param what the condition in words, for the message
 * @param holds looked at every few milliseconds
 * @param patience milliseconds; a minute by default, more only where the condition itself takes longer
 * @throws Error when it does not hold by then
 */
export async function until(
  what: string,
  holds: () => boolean | Promise<boolean>,
  patience = PATIENCE,
): Promise<void> {
  const deadline = performance.now() + patience
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`waited for ${patience / 1000} s in vain: ${what}`)
    await delay(10)
  }
}
