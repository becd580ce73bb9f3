/** Milliseconds for shrinking a failure. */
const SHRINKING = 30_000

/**
 * Bounds fast-check's shrinking: each attempt may take a second, and there are thousands. Reports the
 * smallest failure so far.
 */
export function limitShrinking<Args extends unknown[]>(run: (...args: Args) => Promise<void>) {
  let giveUp = Number.POSITIVE_INFINITY
  return async (...args: Args): Promise<void> => {
    if (Date.now() > giveUp) return
    try {
      await run(...args)
    } catch (error) {
      giveUp = Math.min(giveUp, Date.now() + SHRINKING)
      throw error
    }
  }
}
