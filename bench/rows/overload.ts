/** Ten times as many logins as can be hashed, at a steady pace that answers do not slow down. */
import { availableParallelism } from 'node:os'
import { loadConfig } from '../../src/config/config.ts'
import { post } from '../driver.ts'
import { type Answer, pace } from '../paced.ts'
import type { Stage } from '../stage.ts'
import { median, percentile } from '../statistics.ts'
import { megabytes, milliseconds, type Row, share } from '../table.ts'
import { fastestArgon2 } from './raw.ts'

const TIMES = 10
const SHED_GOAL_MS = 50
/** Memory that grows by less is taken for flat. */
const FLAT = 1.2

export async function overloadRows(stage: Stage): Promise<Row[]> {
  const { service, seeded, timing } = stage
  const { rate: capacity } = await (await fastestArgon2(stage, 'verify')).measure(
    timing.rounds * timing.seconds,
  )
  const idleP99 = await idle(stage)
  const overload = (seconds: number) =>
    pace({
      url: service.url,
      rate: capacity * TIMES,
      seconds,
      call: index => {
        const email = seeded.accounts[index % seeded.accounts.length]?.email
        return post('/login', { email, password: seeded.password })
      },
    })
  // As every other row is: what is refused for the first time runs interpreted.
  await overload(timing.warmUp)
  await stage.settle()
  const before = service.memory()
  const rounds: Awaited<ReturnType<typeof overload>>[] = []
  for (let round = 0; round < timing.rounds; round++) {
    rounds.push(await overload(timing.seconds))
    await stage.settle()
  }
  const after = service.memory()

  const driver = median(rounds.map(round => round.driver))
  const answers = rounds.flatMap(round => round.answers)
  const shed = withStatus(503, answers)
  const admitted = withStatus(200, answers)
  const medianP99 = (status: number) =>
    milliseconds(median(rounds.map(round => p99(withStatus(status, round.answers)))))
  if (shed.length + admitted.length < answers.length || shed.length === 0) {
    throw new Error(
      `overload: expected 200 and 503, got ${[...new Set(answers.map(({ status }) => status))]}`,
    )
  }
  const timeout = loadConfig({}).HASH_QUEUE_TIMEOUT
  const told = shed.filter(({ headers }) => headers['retry-after'] !== undefined)
  const what = `${TIMES} times overload of /login`
  return [
    {
      what: `${what}: shed with 503`,
      figure: share(shed.length / answers.length),
      driver,
      baseline: { name: 'what is beyond the raw verify rate', ...share(1 - 1 / TIMES) },
    },
    {
      what: `${what}: shed ones that say Retry-After`,
      figure: share(told.length / shed.length),
      baseline: { name: 'all of them', ...share(1) },
      goal: { atLeast: 1 },
    },
    {
      what: `${what}: p99 of the shed`,
      figure: medianP99(503),
      driver,
      baseline: { name: 'GET /health/live, idle, p99', ...milliseconds(idleP99) },
      goal: { figureAtMost: SHED_GOAL_MS, unit: 'ms' },
    },
    {
      what: `${what}: p99 of the admitted`,
      figure: medianP99(200),
      driver,
      baseline: {
        name: 'a full queue at the raw verify rate',
        // As in src/passwords/hash-queue.ts: four jobs for each core and second of the timeout.
        ...milliseconds((4 * availableParallelism() * timeout * 1000) / capacity),
      },
      goal: { figureAtMost: timeout * 1000, unit: 'ms' },
    },
    ...(before && after
      ? [
          {
            what: `${what}: memory after it`,
            figure: megabytes(after.now),
            baseline: { name: 'before it', ...megabytes(before.now) },
            goal: { atMost: FLAT },
          },
        ]
      : []),
  ]
}

async function idle({ service: { url }, timing: { seconds } }: Stage): Promise<number> {
  return p99(
    (await pace({ url, rate: 100, seconds, call: () => ({ method: 'GET', path: '/health/live' }) })).answers,
  )
}

const withStatus = (wanted: number, answers: Answer[]) => answers.filter(({ status }) => status === wanted)

function p99(answers: Answer[]): number {
  return percentile(
    answers.map(({ ms }) => ms),
    99,
  )
}
