import type { Sample } from './driver.ts'
import { median } from './statistics.ts'

/** How long things are measured. */
export interface Timing {
  rounds: number
  /** Of one load in one round. */
  seconds: number
  /** Of one load before the first round. */
  warmUp: number
}

/** Measures once, for so many seconds. */
export type Measure = (seconds: number) => Promise<Sample>

/**
 * Measures several things in turn, round after round, so that whatever else the machine does meets all
 * of them, and takes medians. Before the first round each has warmed up.
 */
export async function alternate<Name extends string>(
  contenders: Record<Name, Measure>,
  { rounds, seconds, warmUp }: Timing,
): Promise<Record<Name, Sample>> {
  const entries = Object.entries(contenders) as [Name, Measure][]
  const samples = new Map<Name, Sample[]>(entries.map(([name]) => [name, []]))
  for (const [, measure] of entries) await measure(warmUp)
  for (let round = 0; round < rounds; round++) {
    for (const [name, measure] of entries) samples.get(name)?.push(await measure(seconds))
  }
  return Object.fromEntries([...samples].map(([name, all]) => [name, middle(all)])) as Record<Name, Sample>
}

function middle(samples: Sample[]): Sample {
  const of = (key: keyof Sample) => samples.map(sample => sample[key]).filter(value => value !== undefined)
  const [p99, driver] = [of('p99'), of('driver')]
  return {
    rate: median(of('rate')),
    ...(p99.length > 0 && { p99: median(p99) }),
    ...(driver.length > 0 && { driver: median(driver) }),
  }
}
