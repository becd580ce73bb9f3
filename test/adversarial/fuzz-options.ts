// Options and results of both kinds of fuzzing.
import type { RunDetails } from 'fast-check'
import type { Provider } from '../../src/database/index.ts'
import type { Audience } from './fuzz-contract.ts'

/**
 * Seconds of processor time that the requests of a run may take. A pattern with catastrophic backtracking
 * takes more; the costliest requests take 0.2.
 */
export const CPU_BOUND = 1

export interface FuzzOptions {
  kind: 'inject' | 'wire'
  audience: Audience
  provider: Provider
  seed: number
  /** Number of runs; each sends several requests in parallel. */
  runs: number
}

export interface Fuzzed {
  /** Number of responses. */
  sent: number
  /** Text for reports. */
  said: string
  /** Errors that must not occur. */
  never: string[]
  /** Errors in the log. */
  errors: unknown[]
  /** Rows that the service must not write. */
  wrong: unknown[]
  /** Whether the service is ready afterwards and accepts logins. */
  working: boolean
  /** Growth of retained memory in MiB. */
  grown: number
  /** Longest stall in seconds. */
  stall: number
  /** Most processor seconds of parallel requests. */
  costliest: number
  /** The smallest run that fails. */
  failure?: { run: number; requests: unknown; error: string }
}

/** The shrunk failure. */
export function failureOf<Run>(outcome: RunDetails<[Run[]]>): Pick<Fuzzed, 'failure'> {
  if (!outcome.failed) return {}
  const requests = outcome.counterexample?.[0]
  return {
    failure: {
      run: outcome.numRuns,
      // Options without operations, which are long and cannot be transferred to another thread.
      requests: JSON.parse(
        JSON.stringify(requests, (key, value) => (key === 'operation' ? undefined : value)),
      ),
      error: String(outcome.errorInstance),
    },
  }
}
