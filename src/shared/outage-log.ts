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

/** Logs the beginning and the end of an outage, however often it is reported. */
export interface OutageLog {
  /** Logs one line when the outage begins, and one when it turns into another kind. */
  failed(error: unknown): void
  /** Logs one line when the outage is over, with its length in seconds. */
  worked(): void
}

/** What a line says of an outage. */
export interface OutageFacts {
  reason: string
  /** Reasons of one kind are one outage: a server that goes away has several. Each reason is a kind by default. */
  kind?: string
}

/** How an outage is told. */
export interface OutageLogOptions {
  /** Level of the lines that tell of a failure. */
  level?: 'error' | 'warn'
  /**
   * For so many milliseconds after a kind was told it is not told again, even if it was over meanwhile: where a
   * stranger can cause a single failure, lines must not come and go with each.
   */
  quiet?: number
  /** Milliseconds of a clock that nobody can set. */
  now?: () => number
}

/**
 * @param log where the lines go
 * @param text the messages for the beginning and the end
 * @param factsOf what a line says
 */
export function outageLog(
  log: FastifyBaseLogger,
  text: { failed: string; worked: string },
  factsOf: (error: unknown) => OutageFacts,
  { level = 'error', quiet = 0, now = () => performance.now() }: OutageLogOptions = {},
): OutageLog {
  let begun = 0
  /** When a kind was last told, where that matters. */
  const toldAt = new Map<string, number>()
  /** Those told of the outage that goes on; none while all is well. Requests in parallel may report two kinds in turn. */
  const kinds = new Set<string>()
  return {
    failed(error) {
      const { kind, ...facts } = factsOf(error)
      const name = kind ?? facts.reason
      if (kinds.has(name) || now() - (toldAt.get(name) ?? -Infinity) < quiet) return
      if (kinds.size === 0) begun = now()
      kinds.add(name)
      if (quiet > 0) toldAt.set(name, now())
      log[level](facts, text.failed)
    },
    worked() {
      if (kinds.size === 0) return
      kinds.clear()
      log.info({ seconds: Math.round((now() - begun) / 1000) }, text.worked)
    },
  }
}
