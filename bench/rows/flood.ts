/** Whether cheap routes feel a flood of logins: paced requests to them, idle and under the flood. */
import { availableParallelism } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import type { RawArgon2 } from '../baselines/baselines.ts'
import { drive, post } from '../driver.ts'
import { type Answer, pace } from '../paced.ts'
import type { Stage } from '../stage.ts'
import { median, percentile } from '../statistics.ts'
import { milliseconds, type Row } from '../table.ts'

const FLOOD_CONNECTIONS = 64
/** Requests per second to each route. */
const RATE = 100
/**
 * All connections of the flood ask at once when it begins, and never again: the probes wait until that is
 * over. Seconds.
 */
const RAMP = 1
const GOAL = { atMost: 5 } as const

export async function floodRows(stage: Stage): Promise<Row[]> {
  const { seconds, rounds } = stage.timing
  const times = { idle: { live: [], me: [] }, flood: { live: [], me: [] } } as Record<
    'idle' | 'flood',
    { live: number[]; me: number[] }
  >
  const drivers: Record<'idle' | 'flood', number[]> = { idle: [], flood: [] }
  const look = async (state: 'idle' | 'flood') => {
    const { live, me, driver } = await probes(stage, seconds)
    drivers[state].push(driver)
    times[state].live.push(p99(live, '/health/live'))
    times[state].me.push(p99(me, '/me'))
  }
  for (let round = 0; round < rounds; round++) {
    await look('idle')
    await Promise.all([flood(stage, seconds), delay(RAMP * 1000).then(() => look('flood'))])
    await stage.settle()
  }
  const row = (route: 'live' | 'me', path: string): Row => ({
    what: `p99 of GET ${path} while ${FLOOD_CONNECTIONS} connections flood /login`,
    figure: milliseconds(median(times.flood[route])),
    driver: median(drivers.flood),
    baseline: {
      name: 'the same, idle',
      ...milliseconds(median(times.idle[route])),
      driver: median(drivers.idle),
    },
    goal: GOAL,
  })
  return [row('live', '/health/live'), row('me', '/me'), await controlRow(stage)]
}

/**
 * What no service can help: a bare Fastify that hashes nothing, beside a process that hashes on every core.
 */
async function controlRow({ bare, argon2, timing }: Stage): Promise<Row> {
  const look = async () => {
    const { answers, driver } = await pace({
      url: bare.url,
      rate: RATE,
      seconds: timing.seconds,
      call: () => ({ method: 'GET', path: '/live' }),
    })
    return { p99: p99(answers, '/live'), driver }
  }
  const library = argon2.libraries.at(-1) as RawArgon2['libraries'][number]
  const idle: { p99: number; driver: number }[] = []
  const beside: typeof idle = []
  for (let round = 0; round < timing.rounds; round++) {
    idle.push(await look())
    const order = {
      library,
      work: 'verify',
      concurrency: availableParallelism(),
      seconds: timing.seconds,
    } as const
    const [seen] = await Promise.all([look(), argon2.run(order)])
    beside.push(seen)
  }
  const middle = (of: typeof idle, key: 'p99' | 'driver') => median(of.map(each => each[key]))
  return {
    what: 'control: p99 of bare Fastify beside raw argon2 on every core',
    figure: milliseconds(middle(beside, 'p99')),
    driver: middle(beside, 'driver'),
    baseline: {
      name: 'the same, idle',
      ...milliseconds(middle(idle, 'p99')),
      driver: middle(idle, 'driver'),
    },
  }
}

async function probes({ service: { url }, seeded: { accounts } }: Stage, seconds: number) {
  const headers = (index: number) => ({
    // All but the one that settle() logs in to.
    authorization: `Bearer ${accounts[index % (accounts.length - 1)]?.accessToken}`,
  })
  const [live, me] = await Promise.all([
    pace({ url, rate: RATE, seconds, call: () => ({ method: 'GET', path: '/health/live' }) }),
    pace({
      url,
      rate: RATE,
      seconds,
      call: index => ({ method: 'GET', path: '/me', headers: headers(index) }),
    }),
  ])
  // One process drives both, so either share is of both.
  return { live: live.answers, me: me.answers, driver: live.driver }
}

function flood(stage: Stage, seconds: number) {
  return drive({
    url: stage.service.url,
    connections: FLOOD_CONNECTIONS,
    // Somewhat longer than the probes, so that the last of them meet it too.
    seconds: RAMP + seconds + 0.2,
    status: 200,
    requestsOf: connection =>
      stage
        .accountsOf(connection)
        .map(({ email }) => post('/login', { email, password: stage.seeded.password })),
  })
}

function p99(answers: Answer[], path: string): number {
  const bad = answers.find(({ status }) => status !== 200)
  if (bad) throw new Error(`${path} answered ${bad.status}`)
  return percentile(
    answers.map(({ ms }) => ms),
    99,
  )
}
