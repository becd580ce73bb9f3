// Sequences that random generation alone would rarely produce, mixed into the other commands.
import fc from 'fast-check'
import { confirmMove, moveByCode, requestMove, secure } from './account-commands.ts'
import { CHOICES, command, type Drawn, drawn, fewTurns, oneOf, turns } from './drawn.ts'
import { ABSOLUTE } from './moment.ts'
import { confirmChange, requestChange, requestReset, resetByCode } from './passwords.ts'
import { confirm, confirmByCode, register } from './registration.ts'
import type { Choose } from './run.ts'
import { login, refresh } from './sessions.ts'

const RACING = new Set([
  'login',
  'refresh',
  'resetByLink',
  'resetByCode',
  'confirmChange',
  'confirmMove',
  'moveByCode',
  'secure',
  'leave',
])

const racingActions = CHOICES.filter(([name]) => RACING.has(name))

/** Requests everything that can be requested, then performs some of it in parallel. */
const raceOf = (some: fc.Arbitrary<[Drawn, turns: number][]>) =>
  some.map(racing =>
    command([
      drawn('requestReset', requestReset),
      drawn('requestChange', requestChange),
      drawn('requestMove', requestMove, { email: 2 }),
      racing,
    ]),
  )

const race = raceOf(fc.array(fc.tuple(oneOf(racingActions), turns), { minLength: 2, maxLength: 3 }))

/** Two actions on one account that would each succeed alone. */
const right = fc
  .tuple(fc.constantFrom(...racingActions), fc.nat(2))
  .map(([[name, choose], newPassword]) => drawn(name, choose, { newPassword }))
const independentActions = raceOf(fc.array(fc.tuple(right, turns), { minLength: 2, maxLength: 2 }))

/** Two actions of which only one may succeed. */
const competingActions = raceOf(
  fc
    .tuple(right, fc.array(fewTurns, { minLength: 2, maxLength: 3 }))
    .map(([one, counts]) => counts.map(count => [one, count])),
)

/** A request for a code, and its confirmation. */
const CODED: [request: Drawn, name: string, choose: Choose][] = [
  [drawn('requestReset', requestReset), 'resetByCode', resetByCode],
  [drawn('requestChange', requestChange), 'confirmChange', confirmChange],
  [drawn('requestMove', requestMove, { email: 2 }), 'moveByCode', moveByCode],
  [drawn('register', register, { email: 2 }), 'confirmByCode', confirmByCode],
]

/** Wrong codes, up to the limit or one less, and then the right one. */
const guesses = fc
  .tuple(fc.integer({ min: 3, max: 6 }), fc.constantFrom(...CODED), fc.nat(2))
  .map(([wrong, [request, name, choose], newPassword]) => {
    const attempt = (right: boolean) => drawn(name, choose, { right, newPassword })
    return command([request, ...Array.from({ length: wrong }, () => attempt(false)), attempt(true)])
  })

/** Two registrations of one address, and one confirmation. */
const twoRegistrations = fc
  .nat(1)
  .map(which =>
    command([
      drawn('register', register, { email: 2 }),
      drawn('register', register, { email: 2, newPassword: 1 }),
      drawn('confirm', confirm, { which }),
    ]),
  )

/** A change of email, possibly back, with links emailed before. */
const emailChange = fc.boolean().map(back => {
  const changeTo = (email: number) => [
    drawn('requestMove', requestMove, { email }),
    drawn('confirmMove', confirmMove),
  ]
  const pending = [drawn('requestReset', requestReset), drawn('requestChange', requestChange)]
  return command([...pending, ...changeTo(2), ...(back ? changeTo(0) : [])])
})

/** A refresh token that was used some time ago. */
const replay = fc
  .constantFrom(0, 9, 10, 31, 600)
  .map(by => command([drawn('refresh', refresh), by, drawn('refresh', refresh, { which: 1 })]))

/** A session refreshed until it expires, with an access token that would outlive it. */
const longSession = fc.constantFrom(299, 301).map(by => {
  const used = (after: number) => [after, drawn('refresh', refresh)]
  const last = ABSOLUTE / 1000 - 2 * 1_209_000 - 300
  return command([drawn('login', login), ...used(1_209_000), ...used(1_209_000), ...used(last), by])
})

/** A login from a new device, and the owner's "this was not me"; once or twice. */
const notMe = fc
  .nat(2)
  .map(which =>
    command([
      drawn('requestReset', requestReset),
      drawn('login', login, { device: 1 }),
      drawn('secure', secure, { which }),
      drawn('secure', secure, { which }),
    ]),
  )

export const scenarios = [
  race,
  independentActions,
  independentActions,
  competingActions,
  guesses,
  twoRegistrations,
  emailChange,
  replay,
  replay,
  longSession,
  notMe,
]
