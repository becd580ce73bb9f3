/** Fuzzing tests with a given number of requests. */
import { randomInt } from 'node:crypto'
import t from 'tap'
import type { Provider } from '../../src/database/index.ts'
import { runInFork } from '../harness/fork.ts'
import type { Audience } from './fuzz-contract.ts'
import type { Fuzzed, FuzzOptions } from './fuzz-options.ts'

/** MiB that are not a leak: late compilation and caches. */
const GROWTH = 12
/** Seconds. Generous, because a busy machine stalls a process. CPU_BOUND is tight. */
const STALL = 10

export interface Suite {
  kind: FuzzOptions['kind']
  audience?: Audience
  /** Parallel services per database. */
  databases: readonly { provider: Provider; skip: string | false }[]
  /** Random if undefined or if FUZZ_RUNS is set; FUZZ_SEED overrides it. */
  seed?: number
  /** Runs of several requests each; FUZZ_RUNS overrides it. */
  runs: number
}

const NAMES = {
  inject: 'whatever is sent, the answer is one that the contract declares',
  wire: 'whatever comes over the wire, the answer is one that is declared, or a refusal',
}

export function fuzz({ kind, audience = 'clients', databases, runs, ...suite }: Suite): void {
  const { FUZZ_RUNS, FUZZ_SEED } = process.env
  const fixed = FUZZ_SEED ?? (FUZZ_RUNS === undefined ? suite.seed : undefined)
  const seed = Number(fixed ?? randomInt(2 ** 31))
  // Far more time than a slow machine needs.
  t.setTimeout(FUZZ_RUNS === undefined ? 3_600_000 : 0)
  t.jobs = databases.length
  for (const { provider, skip } of databases) {
    t.test(
      `${provider}: ${NAMES[kind]}${audience === 'operators' ? ', to operators' : ''}`,
      { skip, timeout: 0, buffered: true },
      async t => {
        t.comment(`FUZZ_SEED=${seed}`)
        const options: FuzzOptions = { kind, audience, provider, seed, runs: Number(FUZZ_RUNS ?? runs) }
        const module = new URL(import.meta.resolve('./fuzz-fork.js'))
        const fuzzed = await runInFork<Fuzzed>(t, module, options)
        const { failure, sent, said, grown, stall, costliest, never, errors, wrong, working } = fuzzed
        if (failure) t.fail(`FUZZ_SEED=${seed} FUZZ_RUNS=${failure.run} replays it`, failure)
        t.comment(`${sent} requests; ${said}`)
        t.ok(sent >= 50, 'enough of them')
        if (kind === 'wire' || sent >= 3000) {
          t.ok(never.length <= (kind === 'wire' ? 0 : 4), 'the code behind the checks is reached', { never })
        }
        if (kind === 'inject') {
          t.comment(
            `grown by ${grown.toFixed(1)} MiB, longest stall ${stall.toFixed(2)} s, ${costliest.toFixed(2)} s of a core`,
          )
          t.ok(grown < GROWTH, 'the process does not grow', { grown })
          t.ok(stall < STALL, 'nor stall', { stall })
        }
        t.strictSame(errors, [], 'nothing is logged as an error')
        t.strictSame(wrong, [], 'all rows are valid')
        t.ok(working, 'the service still works')
      },
    )
  }
}
