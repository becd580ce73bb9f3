/** Single actions and commands of several actions, as fast-check generates and prints them. */
import fc from 'fast-check'
import {
  confirmMove,
  disable,
  leave,
  moveByCode,
  requestMove,
  secure,
  setLocale,
} from './account-commands.ts'
import { confirmChange, requestChange, requestReset, resetByCode, resetByLink } from './passwords.ts'
import { confirm, confirmByCode, register, resend } from './registration.ts'
import type { Choose, Picks } from './run.ts'
import type { Service } from './service.ts'
import { endOthers, endSession, login, logout, refresh } from './sessions.ts'

/** Each with its weight. */
export const CHOICES: [name: string, Choose, weight: number][] = [
  ['register', register, 2],
  ['confirm', confirm, 3],
  ['confirmByCode', confirmByCode, 2],
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
  ['moveByCode', moveByCode, 2],
  ['secure', secure, 2],
  ['setLocale', setLocale, 1],
  ['leave', leave, 1],
  ['disable', disable, 1],
]

/** Upper bound on the duration of a run in seconds, so that the history of an account is not purged. */
export const LONGEST_RUN = 200 * 86_400

export type Real = ReturnType<Service['startRun']>
export type Model = { left: number }

/** A generated action. */
export interface Drawn {
  choose: Choose
  picks: Picks
  toString(): string
}

/** Picks the newest of everything, and the right password and code. */
export const PLAIN: Picks = {
  ...{ which: 0, other: 0, email: 0, password: 'right', newPassword: 0, right: true, device: 0 },
}

/** An action with default picks, except for the given ones. */
export function drawn(name: string, choose: Choose, picks: Partial<Picks> = {}): Drawn {
  const all = { ...PLAIN, ...picks }
  const unusual = Object.entries(all).filter(([key, value]) => value !== PLAIN[key as keyof Picks])
  const words = `${name}(${unusual.map(([key, value]) => `${key} ${value}`).join(', ')})`
  return { choose, picks: all, toString: () => words }
}

const mostly = <T, U>(usual: T, often: number, others: fc.Arbitrary<U>) =>
  fc.oneof({ weight: often, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: others })

const picks: fc.Arbitrary<Picks> = fc.record(
  {
    which: mostly(0, 2, fc.nat(9)),
    other: fc.nat(9),
    email: mostly(0, 1, fc.nat(2)),
    password: mostly('right' as const, 4, fc.nat(2)),
    newPassword: fc.nat(3),
    right: mostly(true, 3, fc.constant(false)),
    device: mostly(0, 3, fc.constant(1)),
  },
  { noNullPrototype: true },
)

/** One of several actions. */
export const oneOf = (choices: typeof CHOICES) =>
  fc
    .tuple(
      fc.oneof(
        ...choices.map(([name, choose, weight]) => ({
          weight,
          arbitrary: fc.constant([name, choose] as const),
        })),
      ),
      picks,
    )
    .map(([[name, choose], some]) => drawn(name, choose, some))

export const single = oneOf(CHOICES)

/**
 * A command that performs actions one after the other; a list runs in parallel, a number waits for that many seconds.
 */
type Step = Drawn | [Drawn, turns: number][] | number

export function command(steps: Step[], words = steps.map(stepWords).join(', then ')) {
  const waits = steps.reduce<number>((sum, step) => sum + (typeof step === 'number' ? step : 0), 0)
  return {
    check: (model: Model) => model.left >= waits,
    async run(model: Model, real: Real) {
      model.left -= waits
      for (const step of steps) {
        if (typeof step === 'number') await real.advance(step)
        else if (Array.isArray(step)) await real.act(step)
        else await real.act([[step, 0]])
      }
    },
    toString: () => words,
  }
}

function stepWords(step: Step): string {
  if (typeof step === 'number') return `wait ${step} s`
  if (!Array.isArray(step)) return String(step)
  return `at once: ${step.map(([one, turns]) => `${one} after ${turns} turns`).join(' | ')}`
}

/** Turns of the event loop before an action starts. Few, for actions of equal duration. */
export const fewTurns = fc.nat(12)
/**
 * Many, because a hash takes some hundred turns. Otherwise no login would read an account just before a reset changes
 * it.
 */
export const turns = fc.oneof(fewTurns, fc.nat(60), fc.nat(400))
