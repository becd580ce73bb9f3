/**
 * The same request about many addresses of each state, in random order. Round-robin would not do: the state of an
 * address would then correlate with that of the previous one, and the worker's job for that one delays the next
 * response.
 */
import type { Answer } from '../../harness/problem.ts'
import { claimsOf } from '../../unit/tokens/forge.ts'
import { shuffled } from './chance.ts'
import { addressOf, PASSWORD, type State } from './people.ts'
import type { Route } from './routes.ts'
import type { Service } from './service.ts'
import { bytesOf } from './timed-client.ts'

/** The person who sends requests that require a session. */
const BEARER = addressOf('known', 0)

/** Measurements of the addresses of one state. */
export interface Seen {
  /** Milliseconds. */
  times: number[]
  /** Milliseconds of an unrelated request right after. */
  after: number[]
  /** The distinct responses, without values that differ between any two. */
  answers: Set<string>
}

export type Findings = Map<State, Seen>

export interface Plan {
  states: readonly State[]
  /** The first person of each state to use: a second request is a different measurement. */
  from: number
  /** Number of requests per state. */
  rounds: number
  /** Number of requests per state before that, which do not count. */
  warmUp: number
  random: () => number
}

export const nothingSeen = (states: readonly State[]): Findings =>
  new Map(states.map(state => [state, { times: [], after: [], answers: new Set() }]))

/** Adds a measurement of an address in some state. */
export function note(findings: Findings, state: State, answer: Answer, ms: number, after: number) {
  const seen = findings.get(state) as Seen
  seen.times.push(ms)
  seen.after.push(after)
  seen.answers.add(visible(answer))
}

/** Sends the request; each comes from a network that no other request uses. */
export async function measure(service: Service, route: Route, plan: Plan): Promise<Findings> {
  const { states, from, rounds, warmUp, random } = plan
  const findings = nothingSeen(states)
  const bearer = await bearerFor(service, route)
  const drawn = (first: number, count: number) =>
    shuffled(
      Array.from({ length: count }, (_, i) => states.map(state => ({ state, index: first + i }))).flat(),
      random,
    )
  async function askAbout({ state, index }: { state: State; index: number }) {
    // An unknown address is known once it was registered.
    const email = addressOf(state, index, state === 'unknown' ? route.path : '')
    const { answer, ms } = await ask(service, route, email, service.network(), bearer)
    return { answer, ms, after: await service.untilIdle(route.mails) }
  }
  for (const person of drawn(from, warmUp)) await askAbout(person)
  for (const person of drawn(from + warmUp, rounds)) {
    const { answer, ms, after } = await askAbout(person)
    note(findings, person.state, answer, ms, after)
  }
  return findings
}

/** @returns an access token, if the route needs one */
export async function bearerFor(service: Service, route: Pick<Route, 'bearer'>): Promise<string | undefined> {
  if (!route.bearer) return undefined
  const body = { email: BEARER, password: PASSWORD }
  const { answer } = await service.timedClient.ask(bytesOf('/login', body, service.network(), undefined))
  if (answer.statusCode !== 200) throw new Error(`nobody is logged in: ${answer.body}`)
  await service.untilIdle(0)
  return JSON.parse(answer.body).accessToken
}

/** Sends the request of a route about an address. */
export function ask(service: Service, route: Route, email: string, network: string, bearer?: string) {
  return service.timedClient.ask(bytesOf(route.path, route.body(email), network, bearer))
}

/** The visible part of a response without values that differ between any two: ids, times and the bits of a token. */
export function visible({ statusCode, headers, body }: Answer): string {
  const { 'x-request-id': id, date, ...fields } = headers
  const shown = body
    .replace(/"requestId":"[^"]*"/, '"requestId":"…"')
    .replace(/Try again at [^"]*Z/, 'Try again at …')
    .replace(/"requestToken":"([^"]*)"/, (_, token: string) => `"requestToken":"${shapeOf(token)}"`)
  const lengths = [String(id).length, String(date).length]
  return JSON.stringify({ statusCode, fields, lengths, shown })
}

/** The length of a token, and its claims without those that differ between any two. */
function shapeOf(token: string): string {
  const { sub, iat, exp, email, ...claims } = claimsOf(token)
  return JSON.stringify([
    token.length,
    String(sub).length,
    Number(exp) - Number(iat),
    String(email).length,
    claims,
  ]).replaceAll('"', "'")
}
