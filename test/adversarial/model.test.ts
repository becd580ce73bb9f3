/**
 * A model against the real thing. Chance does everything that can be done to two or three addresses,
 * one thing after another or several at once, while the clock moves; a small model (model/state.ts and
 * the rules beside it) says what must come of it.
 *
 * After each step: the answer, the mails that were sent, the rows, which password the stored hash is of,
 * the refresh token that each session holds, the history (which only grows), and all that can be tried
 * without spending it: access tokens, reset links by their check, confirmation links and links to
 * another address with a wrong password, tokens of a change and of a request with a password that the
 * policy refuses. At the end of a run, since it spends something or leaves a trace: every password at
 * every address, and codes, links, notices and refresh tokens that chance picks.
 *
 * Of things done at once the model accepts whatever some order of them explains, mails in between.
 *
 * MODEL_RUNS is the number of runs. A failure prints MODEL_SEED, MODEL_PATH and MODEL_REPLAY: with these
 * three, it comes again. (What depends on chance in the timing of parallel steps may need several tries.)
 */
import fc from 'fast-check'
import t from 'tap'
import { commands, endings, startOf } from './model/commands.ts'
import { type Drawn, PLAIN } from './model/drawn.ts'
import { type House, type HouseOptions, startHouse } from './model/house.ts'
import { confirm, register } from './model/registration.ts'
import { type Choose, PASSWORDS } from './model/run.ts'
import { loginWith } from './model/sessions.ts'

const RUNS = Number(process.env['MODEL_RUNS'] ?? 30)
/** The quick runs are the same each time, so that what makes them fail is a change; longer ones look further. */
const seed = process.env['MODEL_SEED'] ?? (process.env['MODEL_RUNS'] === undefined ? '21' : undefined)
/** A failure is made smaller for so long. */
const SHRINK_MS = 30_000
const path = process.env['MODEL_PATH']

t.setTimeout(0)

const houses: [string, HouseOptions, share: number][] = [
  ['with a grace window', { grace: 10, confirmation: 'required' }, 0.4],
  ['without a grace window', { grace: 0, confirmation: 'required' }, 0.3],
  ['where addresses need no confirmation', { grace: 10, confirmation: 'off' }, 0.3],
]

for (const [name, options, share] of houses) {
  t.test(`the service does what the model says, ${name}`, { timeout: 0 }, async t => {
    const house = await startHouse(t, options)
    let giveUp = Number.POSITIVE_INFINITY
    const property = fc.asyncProperty(
      commands(process.env['MODEL_REPLAY']),
      fc.constantFrom(1, 2, 0),
      endings,
      async (steps, accounts, ends) => {
        if (Date.now() > giveUp) return
        try {
          await oneRun(house, steps, accounts, ends)
        } catch (error) {
          giveUp = Math.min(giveUp, Date.now() + SHRINK_MS)
          throw error
        }
      },
    )
    const details = await fc.check(property, {
      numRuns: Math.ceil(RUNS * share),
      ...(seed !== undefined && { seed: Number(seed) }),
      ...(path !== undefined && { path }),
    })
    if (details.failed) t.comment(report(details))
    t.notOk(details.failed, `seed ${details.seed}, ${details.numRuns} runs`)
    t.strictSame(house.errors, [], 'nothing was logged as an error')
  })
}

async function oneRun(
  house: House,
  steps: Parameters<typeof fc.asyncModelRun>[1],
  accounts: number,
  ends: Drawn[],
) {
  const real = house.startRun()
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

/** What failed, in words, and how to see it again. */
function report(failure: {
  seed: number
  counterexample: unknown[] | null
  counterexamplePath: string | null
  errorInstance: unknown
  numShrinks: number
}) {
  const { seed, counterexample, counterexamplePath, errorInstance, numShrinks } = failure
  const [steps, accounts, ends] = counterexample ?? []
  const replay = /replayPath="([^"]*)"/.exec(String(steps))?.[1]
  return [
    `After ${numShrinks} shrinks, ${accounts} accounts to begin with:`,
    ...String(steps).split(/,(?=\w)/),
    `and at the end: ${ends}`,
    '',
    String(errorInstance instanceof Error ? errorInstance.message : errorInstance),
    `Again: MODEL_SEED=${seed} MODEL_PATH=${counterexamplePath} MODEL_REPLAY=${replay}`,
  ].join('\n')
}
