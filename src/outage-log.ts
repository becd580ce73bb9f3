/** Retry delays, and a log that tells an outage once at its start and once at its end. */
import type { FastifyBaseLogger } from 'fastify'

/** Delays that double after each failure up to a limit. */
export interface Backoff {
  /** The next delay in milliseconds. */
  next(): number
  /** To be called after a success: the next delay is the first again. */
  reset(): void
}

/**
 * Exponential back-off. Jitter of a quarter either way keeps instances that failed together from retrying together.
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

/** Logs changes of state, however often the state is reported. */
export interface OutageLog {
  /** Logs one line when the outage begins, and one when its reason changes. */
  failed(error: unknown): void
  /** Logs one line when the outage is over. */
  worked(): void
}

/**
 * @param log where the lines go
 * @param text the messages for the beginning and the end
 * @param level of the lines that tell of a failure
 * @param factsOf what a line says; a report with the reason of the one before is not logged
 */
export function outageLog(
  log: FastifyBaseLogger,
  text: { failed: string; worked: string },
  factsOf: (error: unknown) => { reason: string },
  level: 'error' | 'warn' = 'error',
): OutageLog {
  let reason: string | undefined
  return {
    failed(error) {
      const current = factsOf(error)
      if (current.reason === reason) return
      reason = current.reason
      log[level](current, text.failed)
    },
    worked() {
      if (reason === undefined) return
      reason = undefined
      log.info(text.worked)
    },
  }
}
