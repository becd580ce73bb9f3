/**
 * Returns a function that tells whether the clock was set back since its last call, by comparing it with a
 * monotonic clock.
 * @param tolerance seconds that are ignored
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
