// Reproducible random choices.
import { randomInt } from 'node:crypto'

export interface Draw {
  /** From 0 to less than 1. */
  share(): number
  /** An integer from 0 to less than `below`. */
  below(below: number): number
  of<T>(some: readonly [T, ...T[]]): T
}

/** Reads the seed from a variable, or draws one. */
export function seedOf(variable: string): number {
  return Number(process.env[variable] || randomInt(2 ** 31))
}

/** mulberry32, good enough for choosing moments. */
export function drawFrom(seed: number): Draw {
  let state = seed >>> 0
  const share = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const below = (below: number) => Math.floor(share() * below)
  return { share, below, of: some => some[below(some.length)] as (typeof some)[0] }
}
