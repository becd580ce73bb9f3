/** What both kinds of fuzzing are told, and tell. */
import type { RunDetails } from 'fast-check'
import type { Provider } from '../../src/database/index.ts'

/**
 * Most of a core's time that the requests of one run may take, in seconds, however busy the machine is; a
 * pattern that explodes takes more. The costliest take 0.2.
 */
export const CPU_BOUND = 1

export interface FuzzOptions {
  kind: 'inject' | 'wire'
  provider: Provider
  seed: number
  /** A run is some requests at once. */
  runs: number
}

export interface Fuzzed {
  /** Requests answered. */
  sent: number
  /** For whoever reads the results. */
  said: string
  /** What should have happened at some time, and never did. */
  never: string[]
  /** What the service logged as errors. */
  errors: unknown[]
  /** Rows that nobody meant to write. */
  wrong: unknown[]
  /** Whether it is ready in the end, and lets people in. */
  working: boolean
  /** What is held on to more than at the beginning, in MiB. */
  grown: number
  /** The longest time for which nothing was done, in seconds. */
  stall: number
  /** The most that requests at once took of a core, in seconds. */
  costliest: number
  /** The smallest run that fails. */
  failure?: { run: number; requests: unknown; error: string }
}

/** What failed, made smaller. */
export function failureOf<Run>(outcome: RunDetails<[Run[]]>): Pick<Fuzzed, 'failure'> {
  if (!outcome.failed) return {}
  const requests = outcome.counterexample?.[0]
  return {
    failure: {
      run: outcome.numRuns,
      // Operations are long, and hold what cannot be sent to another thread.
      requests: JSON.parse(
        JSON.stringify(requests, (key, value) => (key === 'operation' ? undefined : value)),
      ),
      error: String(outcome.errorInstance),
    },
  }
}
