import { setTimeout as delay } from 'node:timers/promises'

/** Milliseconds. Only failing tests wait this long. */
const MAX_WAIT_MS = 60_000

/**
 * Waits for a condition that has no event.
 *
 * @param what the condition, for the message
 * @param holds polled every few milliseconds
 * @param patience milliseconds; a minute by default
 * @throws Error if it does not hold by then
 */
export async function until(
  what: string,
  holds: () => boolean | Promise<boolean>,
  patience = MAX_WAIT_MS,
): Promise<void> {
  const deadline = performance.now() + patience
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`waited for ${patience / 1000} s in vain: ${what}`)
    await delay(10)
  }
}
