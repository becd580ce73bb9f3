/** A failure is made smaller for so long; milliseconds. */
const SHRINKING = 30_000

/**
 * What fast-check is to run, for which it shrinks a failure for half a minute at most: each try may take a
 * second, and there are thousands. The smallest failure by then is the one that is told.
 */
export function shrinkShortly<Args extends unknown[]>(run: (...args: Args) => Promise<void>) {
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
