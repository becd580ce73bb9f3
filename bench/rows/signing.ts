/** What signing with ES256 costs where tokens are made, beside HS256. */
import { timeOfThreads } from '../processor-time.ts'
import { alternate, type Measure } from '../rounds.ts'
import type { SeededService, Stage } from '../stage.ts'
import { milliseconds, perSecond, type Row } from '../table.ts'
import { logins } from './hashing.ts'
import { refreshes } from './writes.ts'

/** Twice the rounds of other rows, since a signature costs less than the machine's other work adds to a round. */
const ROUNDS = 2

export async function signingRows(stage: Stage): Promise<Row[]> {
  // Both on databases of their own: other rows have refreshed the sessions of the stage.
  const es256 = await stage.anotherSeeded({ ACCESS_TOKEN_ALG: 'ES256' })
  const hs256 = await stage.anotherSeeded({ ACCESS_TOKEN_ALG: 'HS256' })
  const timing = { ...stage.timing, rounds: stage.timing.rounds * ROUNDS }

  async function rows(route: string, load: (service: SeededService) => Measure): Promise<Row[]> {
    const [meter, baseline] = [metered(es256, load), metered(hs256, load)]
    const measured = await alternate({ es256: meter.measure, hs256: baseline.measure }, timing)
    const name = 'the same, signed with HS256'
    const rate = perSecond(measured.es256, { ...measured.hs256, name })
    if (process.platform !== 'linux') return [{ what: `${route}, signed with ES256`, ...rate }]
    return [
      { what: `${route}, signed with ES256`, ...rate },
      {
        what: `${route}, signed with ES256: processor time of the event loop, a request`,
        figure: milliseconds(meter.cost()),
        baseline: { name, ...milliseconds(baseline.cost()) },
      },
    ]
  }
  return [
    ...(await rows('POST /token/refresh', refreshes)),
    ...(await rows('POST /login, 8 connections', service => logins(service, 8))),
  ]
}

/** A load with the processor time of the service's event loop, which other processes delay but do not add to. */
function metered(seeded: SeededService, load: (service: SeededService) => Measure) {
  const pid = seeded.service.pid as number
  const used = () => (process.platform === 'linux' ? timeOfThreads(pid, thread => thread === pid) : 0)
  const measureLoad = load(seeded)
  const sum = { milliseconds: 0, requests: 0 }
  return {
    async measure(seconds: number) {
      const before = used()
      const sample = await measureLoad(seconds)
      sum.milliseconds += used() - before
      sum.requests += sample.rate * seconds
      return sample
    },
    /** Milliseconds a request, of all rounds and the warm-up. */
    cost: () => sum.milliseconds / sum.requests,
  }
}
