/** Delays between retries. */

/** Delays that double after each failure up to a limit. */
export interface Backoff {
  /** The next delay in milliseconds. */
  next(): number
  /** Call after a success. The next delay is the first one again. */
  reset(): void
}

/**
 * Exponential back-off. Jitter of ±25 % keeps instances that failed together from retrying together.
 *
 * @param first the first delay in milliseconds
 * @param limit the longest delay in milliseconds, before jitter
 */
export function backoff(first: number, limit: number): Backoff {
  let delay = first
  return {
    next() {
      const current = delay
      delay = Math.min(delay * 2, limit)
      return current * (0.75 + Math.random() / 2)
    },
    reset() {
      delay = first
    },
  }
}
