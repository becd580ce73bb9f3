/** What chance may do to the service, as fast-check draws, prints and shrinks it. */
import fc from 'fast-check'
import { confirmMove, disable, leave, requestMove, secure, setLocale } from './care.ts'
import type { House } from './house.ts'
import { confirmChange, requestChange, requestReset, resetByCode, resetByLink } from './passwords.ts'
import { confirm, register, resend } from './registration.ts'
import type { Choose, Picks } from './run.ts'
import { endOthers, endSession, login, logout, refresh } from './sessions.ts'

/** Each with how often it comes, for those that come often. */
const CHOICES: [name: string, Choose, weight: number][] = [
  ['register', register, 2],
  ['confirm', confirm, 3],
  ['resend', resend, 1],
  ['login', login, 3],
  ['refresh', refresh, 3],
  ['logout', logout, 1],
  ['endOthers', endOthers, 1],
  ['endSession', endSession, 1],
  ['requestReset', requestReset, 2],
  ['resetByLink', resetByLink, 2],
  ['resetByCode', resetByCode, 3],
  ['requestChange', requestChange, 2],
  ['confirmChange', confirmChange, 3],
  ['requestMove', requestMove, 2],
  ['confirmMove', confirmMove, 3],
  ['secure', secure, 2],
  ['setLocale', setLocale, 1],
  ['leave', leave, 1],
  ['disable', disable, 1],
]

/** Just before and just after everything that runs out; seconds. */
const WAITS = [1, 9, 10, 31, 599, 600, 899, 931, 1799, 1800, 3600, 86_399, 86_431, 604_831, 1_209_600]

type Real = ReturnType<House['startRun']>
type Model = { until: number }

/** No more than this passes in a run, lest the history of an account be purged; seconds. */
const LONGEST_RUN = 200 * 86_400

const picks: fc.Arbitrary<Picks> = fc.record({
  which: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, { weight: 2, arbitrary: fc.nat(9) }),
  other: fc.nat(9),
  email: fc.oneof({ weight: 2, arbitrary: fc.constant(0) }, { weight: 2, arbitrary: fc.nat(2) }),
  password: fc.oneof(
    { weight: 4, arbitrary: fc.constant('right' as const) },
    { weight: 1, arbitrary: fc.nat(2) },
  ),
  newPassword: fc.nat(3),
  right: fc.oneof({ weight: 3, arbitrary: fc.constant(true) }, { weight: 1, arbitrary: fc.constant(false) }),
  device: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.constant(1) }),
})

const single: fc.Arbitrary<[name: string, Choose, Picks]> = fc
  .tuple(
    fc.oneof(
      ...CHOICES.map(([name, choose, weight]) => ({
        weight,
        arbitrary: fc.constant([name, choose] as const),
      })),
    ),
    picks,
  )
  .map(([[name, choose], drawn]) => [name, choose, drawn])

const wordsOf = ([name, , drawn]: [string, Choose, Picks]) =>
  `${name}(${JSON.stringify(drawn).replaceAll('"', '')})`

/** One thing at a time. */
const alone = single.map(one => ({
  check: () => true,
  run: (_model: Model, real: Real) => real.act([[one[1], one[2]]]),
  toString: () => wordsOf(one),
}))

/** Two or three at once. */
const together = fc.array(fc.tuple(single, fc.nat(12)), { minLength: 2, maxLength: 3 }).map(several => ({
  check: () => true,
  run: (_model: Model, real: Real) =>
    real.act(several.map(([[, choose, drawn], turns]) => [choose, drawn, turns])),
  toString: () =>
    `together(${several.map(([one, turns]) => `${wordsOf(one)} after ${turns} turns`).join(', ')})`,
}))

/** The same thing several times at once: with one link, code or token. */
const repeated = fc
  .tuple(single, fc.array(fc.nat(12), { minLength: 2, maxLength: 4 }))
  .map(([one, turns]) => ({
    check: () => true,
    run: (_model: Model, real: Real) => real.act(turns.map(count => [one[1], one[2], count])),
    toString: () => `${turns.length} times at once ${wordsOf(one)}`,
  }))

const wait = fc.constantFrom(...WAITS).map(by => ({
  check: (model: Model) => model.until >= by,
  async run(model: Model, real: Real) {
    model.until -= by
    await real.advance(by)
  },
  toString: () => `wait(${by} s)`,
}))

export const NO_PICKS: Picks = {
  ...{ which: 0, other: 0, email: 0, password: 'right', newPassword: 0, right: true, device: 0 },
}

/**
 * A run's commands.
 *
 * @param replayPath from the report of a failure
 */
export const commands = (replayPath?: string) =>
  fc.commands<Model, Real, false>(
    [...Array.from({ length: 7 }, () => alone), together, repeated, wait, wait],
    {
      maxCommands: 25,
      size: 'max',
      ...(replayPath !== undefined && { replayPath }),
    },
  )

export const startOf = (real: Real) => ({ model: { until: LONGEST_RUN }, real })
export const ending = fc.array(single, { minLength: 5, maxLength: 5 })
