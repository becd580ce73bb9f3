/** Tests that compare the service with the model in a given number of runs. */
import { randomInt } from 'node:crypto'
import t from 'tap'
import type { Provider } from '../../../src/database/index.ts'
import { runInFork } from '../../harness/fork.ts'
import type { Checked, CheckOptions } from './check.ts'
import type { ServiceOptions } from './service.ts'

const SERVICES: [string, Omit<ServiceOptions, 'provider'>, share: number][] = [
  ['with a grace window', { grace: 10, confirmation: 'required' }, 0.4],
  ['without a grace window', { grace: 0, confirmation: 'required' }, 0.3],
  ['where addresses need no confirmation', { grace: 10, confirmation: 'off' }, 0.3],
]

export interface Suite {
  /** Parallel services per database. */
  databases: readonly { provider: Provider; skip: string | false }[]
  /** Runs per database; MODEL_RUNS overrides it. */
  runs: number
  /** Random if undefined or if MODEL_RUNS is set; MODEL_SEED overrides it. */
  seed?: number
}

/** Compares services with different settings with the model. */
export function compareWithModel({ databases, ...suite }: Suite): void {
  const { MODEL_RUNS, MODEL_SEED, MODEL_PATH: path, MODEL_REPLAY: replay } = process.env
  const runs = Number(MODEL_RUNS ?? suite.runs)
  const fixed = MODEL_SEED ?? (MODEL_RUNS === undefined ? suite.seed : undefined)
  // An hour, far more than a slow machine needs, unless MODEL_RUNS asks for more runs.
  t.setTimeout(MODEL_RUNS === undefined ? 3_600_000 : 0)
  t.jobs = databases.length
  for (const { provider, skip } of databases) {
    t.test(
      `the service does what the model says, on ${provider}`,
      { skip, timeout: 0, buffered: true },
      async t => {
        const checks = SERVICES.map(([, service, share]): CheckOptions => {
          const seed = Number(fixed ?? randomInt(2 ** 31))
          return {
            ...{ ...service, provider, seed, runs: Math.ceil(runs * share) },
            ...(path !== undefined && { path }),
            ...(replay !== undefined && { replay }),
          }
        })
        t.comment(`MODEL_SEED=${checks.map(({ seed }) => seed).join(' or ')}`)
        const module = new URL(import.meta.resolve('./fork.js'))
        const checked = await runInFork<Checked[]>(t, module, checks)
        for (const [index, { failure, errors, runs }] of checked.entries()) {
          const [name] = SERVICES[index] as (typeof SERVICES)[number]
          // In the name, because some reporters show nothing else.
          if (failure) t.fail(`${name}: ${failure.again}`, { report: failure.report })
          else t.pass(`${name}: ${runs} runs`)
          t.strictSame(errors, [], 'nothing was logged as an error')
        }
      },
    )
  }
}
