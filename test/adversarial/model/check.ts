// Many runs on one service; fast-check generates, shrinks and replays them.
import fc from 'fast-check'
import type { Teardown } from '../../harness/database.ts'
import { limitShrinking } from '../../harness/shrink.ts'
import { commands, endings, startOf } from './commands.ts'
import { type Drawn, type Model, PLAIN, type Real } from './drawn.ts'
import { confirm, register } from './registration.ts'
import { type Choose, PASSWORDS } from './run.ts'
import { type Service, type ServiceOptions, startService } from './service.ts'
import { loginWith } from './sessions.ts'

export interface CheckOptions extends ServiceOptions {
  runs: number
  seed: number
  /** From the report of a failure, to replay it. */
  path?: string
  /** From the same report. */
  replay?: string
}

export interface Checked {
  runs: number
  /** How to reproduce a failure, the actions, and the difference. */
  failure?: { again: string; report: string[] }
  /** Errors in the log of the service. */
  errors: unknown[]
}

/** Compares a service with the model. */
export async function check(t: Teardown, options: CheckOptions): Promise<Checked> {
  const { runs, seed, path, replay } = options
  const service = await startService(t, options)
  const property = fc.asyncProperty(
    commands(replay),
    fc.constantFrom(1, 2, 0),
    endings,
    limitShrinking((steps: Steps, accounts: number, ends: Drawn[]) => oneRun(service, steps, accounts, ends)),
  )
  const details = await fc.check(property, {
    seed,
    numRuns: path === undefined ? runs : 1,
    ...(path !== undefined && { path }),
  })
  return {
    runs: details.numRuns,
    ...(details.failed && { failure: failureOf(details) }),
    errors: service.errors,
  }
}

type Steps = Parameters<typeof fc.asyncModelRun<Model, Real, false, Model>>[1]

async function oneRun(service: Service, steps: Steps, accounts: number, ends: Drawn[]) {
  const real = service.startRun()
  const quietly = { probing: false }
  for (let email = 0; email < accounts; email++) {
    await real.act([[{ choose: register, picks: { ...PLAIN, email } }, 0]])
    await real.act([[{ choose: confirm, picks: PLAIN }, 0]])
  }
  await fc.asyncModelRun(() => startOf(real), steps)
  for (const end of ends) await real.act([[end, 0]], quietly)
  for (const email of real.run.emails) {
    for (const password of PASSWORDS) {
      const choose: Choose = (run, op) => loginWith(run, op, email, password, 0)
      await real.act([[{ choose, picks: PLAIN }, 0]], quietly)
    }
  }
  await real.probeAll()
}

/** The failure in words, and how to replay it. */
function failureOf(failure: {
  seed: number
  counterexample: unknown[] | null
  counterexamplePath: string | null
  errorInstance: unknown
  numShrinks: number
}) {
  const { seed, counterexample, counterexamplePath, errorInstance, numShrinks } = failure
  const [steps, accounts, ends] = counterexample ?? []
  const replay = /replayPath="([^"]*)"/.exec(String(steps))?.[1]
  return {
    again: `MODEL_SEED=${seed} MODEL_PATH=${counterexamplePath} MODEL_REPLAY=${replay}`,
    report: [
      `After ${numShrinks} shrinks, ${accounts} accounts to begin with:`,
      ...String(steps).split(/,(?=\w)/),
      `and at the end: ${ends}`,
      ...String(errorInstance instanceof Error ? errorInstance.message : errorInstance).split('\n'),
    ],
  }
}
