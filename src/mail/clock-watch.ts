/**
 * Watches a clock that somebody may set: against the time that passes, which nobody can.
 *
 * @param tolerance seconds that are not worth noticing
 * @returns whether it was set back since this was last asked
 */
export function watchClock(clock: () => Date, tolerance: number): () => boolean {
  const ahead = () => clock().getTime() - performance.now()
  let before = ahead()
  return () => {
    const wasSetBack = before - ahead() > tolerance * 1000
    before = ahead()
    return wasSetBack
  }
}
