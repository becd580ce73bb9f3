/** Raw argon2: what this machine does at most, by any library at any concurrency. */
import type { Order } from '../baselines/raw-argon2.ts'
import { alternate, type Measure } from '../rounds.ts'
import type { Stage } from '../stage.ts'

const CONCURRENCIES = [1, 2, 3, 4, 6, 8]

export interface RawArgon2 {
  name: string
  measure: Measure
}

/**
 * The library and concurrency with the highest rate. Rows measure it again, because the highest of twelve
 * medians is higher than that contender's own rate.
 */
export async function fastestArgon2({ argon2, timing }: Stage, work: Order['work']): Promise<RawArgon2> {
  const contenders: RawArgon2[] = argon2.libraries.flatMap(library =>
    CONCURRENCIES.map(concurrency => ({
      name: `raw ${library} ${work}, ${concurrency} at once`,
      measure: (seconds: number) => argon2.run({ library, work, concurrency, seconds }),
    })),
  )
  const measures = Object.fromEntries(contenders.map(({ name, measure }) => [name, measure]))
  const measured = await alternate(measures, {
    ...timing,
    seconds: timing.seconds / CONCURRENCIES.length,
    warmUp: timing.warmUp / CONCURRENCIES.length,
  })
  const rateOf = ({ name }: RawArgon2) => measured[name]?.rate ?? 0
  return contenders.reduce((best, next) => (rateOf(next) > rateOf(best) ? next : best))
}
