/**
 * The same question about many addresses of each state, in an order drawn from all of them. Round by round it
 * would not do: what an address is would then go with what the one before it was not, and what the worker has
 * just done for that one is felt in the next answer.
 */
import type { Answer } from '../../harness/problem.ts'
import { claimsOf } from '../../unit/tokens/forge.ts'
import { shuffled } from './chance.ts'
import { addressOf, PASSWORD, type State } from './people.ts'
import type { Route } from './routes.ts'
import type { Service } from './service.ts'
import { bytesOf } from './stranger.ts'

/** Who asks where one must be logged in. */
const BEARER = addressOf('known', 0)

/** What was seen of the addresses of one state. */
export interface Seen {
  /** Milliseconds. */
  times: number[]
  /** Milliseconds of a request for nothing that came right after. */
  after: number[]
  /** The different answers, less what is one answer's alone. */
  answers: Set<string>
}

export type Findings = Map<State, Seen>

export interface Plan {
  states: readonly State[]
  /** The first person of each state that is asked about: asking twice is another question. */
  from: number
  /** How many of each state are asked about. */
  rounds: number
  /** How many of each are asked about before, which do not count. */
  warmUp: number
  random: () => number
}

export const nothingSeen = (states: readonly State[]): Findings =>
  new Map(states.map(state => [state, { times: [], after: [], answers: new Set() }]))

/** Adds what one question about an address of some state showed. */
export function note(findings: Findings, state: State, answer: Answer, ms: number, after: number) {
  const seen = findings.get(state) as Seen
  seen.times.push(ms)
  seen.after.push(after)
  seen.answers.add(visible(answer))
}

/** Asks; each request comes from a network that nobody else has. */
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
    // One that nobody has heard of is known once it was registered.
    const email = addressOf(state, index, state === 'unknown' ? route.path : '')
    const { answer, ms } = await ask(service, route, email, service.network(), bearer)
    return { answer, ms, after: await service.quiet(route.mails) }
  }
  for (const person of drawn(from, warmUp)) await askAbout(person)
  for (const person of drawn(from + warmUp, rounds)) {
    const { answer, ms, after } = await askAbout(person)
    note(findings, person.state, answer, ms, after)
  }
  return findings
}

/** @returns an access token, where the route needs one */
export async function bearerFor(service: Service, route: Route): Promise<string | undefined> {
  if (!route.bearer) return undefined
  const body = { email: BEARER, password: PASSWORD }
  const { answer } = await service.stranger.ask(bytesOf('/login', body, service.network(), undefined))
  if (answer.statusCode !== 200) throw new Error(`nobody is logged in: ${answer.body}`)
  await service.quiet(0)
  return JSON.parse(answer.body).accessToken
}

/** Asks for a route about an address. */
export function ask(service: Service, route: Route, email: string, network: string, bearer?: string) {
  return service.stranger.ask(bytesOf(route.path, route.body(email), network, bearer))
}

/**
 * What everybody can see of an answer, less what differs between any two: ids, the date and a token's bits.
 */
export function visible({ statusCode, headers, body }: Answer): string {
  const { 'x-request-id': id, date, ...fields } = headers
  const shown = body
    .replace(/"requestId":"[^"]*"/, '"requestId":"…"')
    .replace(/"requestToken":"([^"]*)"/, (_, token: string) => `"requestToken":"${shapeOf(token)}"`)
  const lengths = [String(id).length, String(date).length]
  return JSON.stringify({ statusCode, fields, lengths, shown })
}

/** The length of a token, and its claims less those that differ between any two. */
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
