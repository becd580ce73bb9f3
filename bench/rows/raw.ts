/** Raw argon2: what this machine does at most, by any library at any concurrency. */
import type { Order } from '../baselines/raw-argon2.ts'
import type { Sample } from '../driver.ts'
import type { Measure } from '../rounds.ts'
import type { Stage } from '../stage.ts'

const CONCURRENCIES = [1, 2, 3, 4, 6, 8]

/** One contender for each library and concurrency; each for a sixth of the time of others. */
export function rawArgon2({ argon2 }: Stage, work: Order['work']): Record<string, Measure> {
  const orders = argon2.libraries.flatMap(library =>
    CONCURRENCIES.map(concurrency => ({ library, work, concurrency })),
  )
  return Object.fromEntries(
    orders.map(({ library, concurrency }) => [
      `raw ${library} ${work}, ${concurrency} at once`,
      seconds => argon2.run({ library, work, concurrency, seconds: seconds / CONCURRENCIES.length }),
    ]),
  )
}

/** The one that did most, by its median. */
export function bestOf(measured: Record<string, Sample>): Sample & { name: string } {
  const [winner] = Object.entries(measured)
    .filter(([name]) => name.startsWith('raw '))
    .map(([name, sample]) => ({ ...sample, name }))
    .sort((a, b) => b.rate - a.rate)
  if (winner === undefined) throw new Error('nothing was measured')
  return winner
}
