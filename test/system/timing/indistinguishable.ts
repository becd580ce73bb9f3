/**
 * Response times do not reveal whether an address has an account: for each endpoint that takes an address, and each
 * state of an address, the area under the ROC curve of the times is 0.5 within a bound, and bodies and headers are
 * equal. Measured on a separate process over a kept-alive connection, with all limits on.
 */
import { randomInt } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import t, { type Test } from 'tap'
import type { Provider } from '../../../src/database/index.ts'
import { areaUnderCurve } from './auc.ts'
import { randomFrom, shuffled } from './chance.ts'
import { measureLocked } from './locked.ts'
import { addressOf, STATES, type State } from './people.ts'
import { ask, bearerFor, type Findings, measure, type Plan, visible } from './rounds.ts'
import { ROUTES, type Route } from './routes.ts'
import { type Service, startService } from './service.ts'
import { bytesOf } from './timed-client.ts'
import { BOUND, type Figure, figureOf, inWords, isIndistinguishable, tables } from './verdict.ts'

export interface TimingOptions {
  /** Number of measured pairs of an unknown address and an address in each state. */
  pairs: number
  /** The greatest distance of an area from 0.5. */
  bound: number
  databases: readonly { provider: Provider; skip: string | false }[]
}

const LOW_COST = { memory: 64, time: 1 }
const PRODUCTION_COST = { memory: 19_456, time: 2 }
const MINUTE = 60_000

/** A login with a wrong password. */
const refusal = ROUTES.find(({ path }) => path === '/login') as Route

type Measure = (service: Service, route: Route, plan: Plan) => Promise<Findings>

interface Case {
  branch?: string
  states: readonly State[]
  by?: Measure
  /** Set if the status differs from that of the route. */
  status?: number
}

type Expected = (t: Test, service: Service, route: Route, what: Case) => Promise<Figure[]>

/** Shared by the tests of one run; the seed is printed. */
function prepare({ pairs, bound }: Omit<TimingOptions, 'databases'>) {
  const warmUp = Math.ceil(pairs / 10)
  // Registering and resending share the cap of a recipient, so each uses its own addresses.
  const people = 4 * (pairs + warmUp)
  const firstFor = ({ path }: Route) => (path === '/confirm-email/resend' ? people / 2 : 0)
  const seed = randomInt(2 ** 31)
  const random = randomFrom(seed)
  t.comment(`seed ${seed}`)
  t.setTimeout(60 * MINUTE)

  /** Compares each state with an unknown address. Measures a suspicious state again, with other addresses. */
  const silent: Expected = async (t, service, route, { branch, states, by = measure, status }) => {
    const { provider } = service
    const { path } = route
    const from = firstFor(route)
    const plan = { from, rounds: pairs, warmUp, random }
    const findings = await by(service, route, { ...plan, states: ['unknown', ...states] })
    const figures: Figure[] = []
    for (const state of states) {
      const about = { provider, path, branch: branch ?? state }
      let figure = figureOf(findings, state, about)
      if (!isIndistinguishable(figure, route, bound)) {
        t.comment(`again: ${inWords(figure)}`)
        const again = await by(service, route, {
          ...plan,
          from: from + people / 4,
          states: ['unknown', state],
        })
        figure = figureOf(again, state, about)
      }
      t.ok(isIndistinguishable(figure, route, bound), inWords(figure))
      const answers = (of: State) => [...(findings.get(of)?.answers ?? [])].sort()
      const statuses = new Set(answers('unknown').map(answer => JSON.parse(answer).statusCode))
      t.strictSame([...statuses], [status ?? route.status], `${path}: ${about.branch}: the answer`)
      t.strictSame(answers(state), answers('unknown'), `${path}: ${about.branch}: the same answer`)
      figures.push(figure)
    }
    return figures
  }
  return { warmUp, people, random, silent }
}

/**
 * Login times at the hash cost of production. On any machine, because an additional hash for some addresses takes far
 * longer than everything else.
 */
export function testLoginTiming(options: Omit<TimingOptions, 'databases'>): void {
  const { pairs } = options
  const { warmUp, people, random, silent } = prepare(options)

  t.test("at production's cost, login times reveal nothing, and a hash of another cost would", async t => {
    t.setTimeout(15 * MINUTE)
    const service = await startService(t, { provider: 'sqlite', people, cost: PRODUCTION_COST })
    await silent(t, service, refusal, { states: ['known', 'secured'] })
    const states: State[] = ['unknown', 'outdated']
    const plan = { from: 0, rounds: Math.ceil(pairs / 4), warmUp: Math.ceil(warmUp / 4), random }
    const findings = await measure(service, refusal, { ...plan, states })
    const figure = figureOf(findings, 'outdated', {
      provider: 'sqlite',
      path: refusal.path,
      branch: 'half the cost',
    })
    t.ok(figure.auc < 0.5 - 2 * BOUND, inWords(figure))
  })
}

/** Every route, state and branch, at a low hash cost, on an otherwise idle machine. */
export function testTiming({ databases, ...options }: TimingOptions): void {
  const { pairs } = options
  const { people, random, silent } = prepare(options)

  async function measured(t: Test, provider: Provider): Promise<Figure[]> {
    const figures: Figure[] = []
    const open = (mailServer: 'up' | 'down') =>
      startService(t, { provider, people, cost: LOW_COST, mailServer })
    const service = await open('up')
    for (const route of ROUTES) {
      figures.push(...(await silent(t, service, route, { states: STATES })))
      const locked = { branch: 'locked', states: ['known'] as const, by: measureLocked }
      const status = route === refusal ? 429 : route.status
      figures.push(...(await silent(t, service, route, { ...locked, status })))
    }
    const alone = await open('down')
    for (const route of ROUTES) {
      const down = { branch: 'mail server down', states: ['known'] as const }
      figures.push(...(await silent(t, alone, route, down)))
    }
    return figures
  }

  for (const { provider, skip } of databases) {
    t.test(
      `on ${provider} neither responses nor their times reveal the state of an address`,
      { skip },
      async t => {
        t.setTimeout(30 * MINUTE)
        const figures = await measured(t, provider)
        t.comment([`${provider}, ${pairs} pairs`, ...tables(figures)].join('\n'))
      },
    )
  }

  t.test('one query more is detected: the measurement is sensitive enough', async t => {
    t.setTimeout(5 * MINUTE)
    const service = await startService(t, { provider: 'sqlite', people: 1, cost: LOW_COST })
    const bearer = await bearerFor(service, { bearer: true })
    const times: Record<string, number[]> = { '/me': [], '/sessions': [] }
    for (let round = 0; round < pairs / 2; round++) {
      for (const path of shuffled(Object.keys(times), random)) {
        const { ms } = await service.timedClient.ask(bytesOf(path, undefined, service.network(), bearer))
        times[path]?.push(ms)
      }
    }
    const auc = areaUnderCurve(times['/me'] ?? [], times['/sessions'] ?? [])
    t.ok(auc > 0.5 + 2 * BOUND, `/sessions against /me: AUC ${auc.toFixed(3)}`)
  })

  t.test('the back-off is equally long for every address', async t => {
    const service = await startService(t, { provider: 'sqlite', people: 1, cost: LOW_COST })
    const answersTo = new Map<State, string[]>()
    const networks = new Map([...STATES, 'unknown' as const].map(state => [state, service.network()]))
    const guess = async (times: number) => {
      let wait = 0
      for (const [state, network] of networks) {
        for (let time = 0; time < times; time++) {
          const { answer } = await ask(service, refusal, addressOf(state, 0), network)
          const { 'ratelimit-reset': _, ...headers } = answer.headers
          answersTo.set(state, [...(answersTo.get(state) ?? []), visible({ ...answer, headers })])
          wait = Math.max(wait, Number(headers['retry-after'] ?? 0))
        }
      }
      return wait
    }
    const first = await guess(6)
    t.equal(first, 1, 'five guesses are checked, the sixth is delayed')
    // As long as Retry-After says.
    await delay(first * 1000)
    t.equal(await guess(2), 2, 'and then twice as long')
    const expected = answersTo.get('unknown') ?? []
    t.strictSame(
      expected.map(answer => JSON.parse(answer).statusCode),
      [401, 401, 401, 401, 401, 429, 401, 429],
    )
    for (const state of STATES) t.strictSame(answersTo.get(state), expected, `${state} as unknown`)
  })
}
