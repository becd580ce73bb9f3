// Random commands for the service, which fast-check generates and shrinks.
import fc from 'fast-check'
import { command, fewTurns, LONGEST_RUN, type Model, type Real, single, turns } from './drawn.ts'
import { scenarios } from './scenarios.ts'

/** Seconds just before and just after every expiry. */
const WAITS = [1, 9, 10, 31, 599, 600, 899, 931, 1799, 1800, 3600, 86_399, 86_431, 604_831, 1_209_600]

const alone = single.map(one => command([one]))
const together = fc
  .array(fc.tuple(single, turns), { minLength: 2, maxLength: 3 })
  .map(several => command([several]))
/** The same command several times in parallel. */
const repeated = fc
  .tuple(single, fc.array(fewTurns, { minLength: 2, maxLength: 4 }))
  .map(([one, counts]) => command([counts.map(count => [one, count])]))
const wait = fc.constantFrom(...WAITS).map(by => command([by]))

/**
 * Commands of one run.
 *
 * @param replayPath from the report of a failure
 */
export function commands(replayPath?: string) {
  const drawnMostly = Array.from({ length: 8 }, () => alone)
  return fc.commands<Model, Real, false>([...drawnMostly, together, repeated, wait, wait, ...scenarios], {
    maxCommands: 25,
    size: 'max',
    ...(replayPath !== undefined && { replayPath }),
  })
}

/** Final checks of a run. */
export const endings = fc.array(single, { minLength: 4, maxLength: 4 })

export const startOf = (real: Real) => ({ model: { left: LONGEST_RUN }, real })
