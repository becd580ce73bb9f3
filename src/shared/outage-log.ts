/** A log with one line at the start and one at the end of an outage. */
import type { FastifyBaseLogger } from 'fastify'

/** Logs the start and the end of an outage, however often it is reported. */
export interface OutageLog {
  /** Logs one line when the outage starts, and one when its kind changes. */
  failed(error: unknown): void
  /** Logs one line when the outage ends, with its duration in seconds. */
  worked(): void
}

/** Fields of the log line. */
export interface OutageFacts {
  reason: string
  /** Groups reasons, because one outage of a server has several. By default each reason is a kind. */
  kind?: string
}

/** How an outage is logged. */
export interface OutageLogOptions {
  /** Level of the line at the start. */
  level?: 'error' | 'warn'
  /**
   * Milliseconds in which a kind is logged once, even if it ended meanwhile. For failures that any client can cause
   * one request at a time.
   */
  quiet?: number
  /** Milliseconds of a monotonic clock. */
  now?: () => number
}

/**
 * @param text messages for the start and the end
 * @param factsOf fields of the line
 */
export function outageLog(
  log: FastifyBaseLogger,
  text: { failed: string; worked: string },
  factsOf: (error: unknown) => OutageFacts,
  { level = 'error', quiet = 0, now = () => performance.now() }: OutageLogOptions = {},
): OutageLog {
  let begun = 0
  /** When each kind was last logged, if `quiet` is set. */
  const toldAt = new Map<string, number>()
  /** Kinds that the current outage has logged. Parallel requests may report two kinds in turn. */
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
