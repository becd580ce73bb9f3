/**
 * Requests about addresses at which the requesting network has guessed: an attacker tries passwords first, for a
 * known and an unknown address alike. The back-off lasts a second after the fifth guess.
 */
import { shuffled } from './chance.ts'
import { addressOf, type State } from './people.ts'
import { ask, bearerFor, type Findings, note, nothingSeen, type Plan } from './rounds.ts'
import { ROUTES, type Route } from './routes.ts'
import type { Service } from './service.ts'

const STATES: readonly State[] = ['unknown', 'known']
/** The last of them triggers the back-off. */
const GUESSES = 5
/** As many as the limits of one network allow. An address is no longer unknown once it was registered. */
const questionsPerLock = ({ path }: Route) => (path === '/register' ? 1 : 5)
/** Well within the second, counted from before the last guess; milliseconds. */
const LOCKED_MS = 600
/** How many back-offs may expire before the request was sent. */
const MAX_WAIT = 50

const logIn = ROUTES.find(({ path }) => path === '/login') as Route

/** Sends requests about addresses in back-off, in random order; see `measure`. */
export async function measureLocked(service: Service, route: Route, plan: Plan): Promise<Findings> {
  const findings = nothingSeen(STATES)
  const bearer = await bearerFor(service, route)
  const questions = shuffled(
    STATES.flatMap(state => Array.from({ length: plan.rounds }, () => state)),
    plan.random,
  )
  // The first person sends the requests that require a session, and must not be in back-off.
  const next = new Map(STATES.map(state => [state, plan.from + 1]))
  let fruitless = 0
  while (questions.length > 0) {
    const asked = questions.slice(0, questionsPerLock(route))
    const targets = new Map(
      [...new Set(asked)].map(state => {
        const index = next.get(state) ?? 0
        next.set(state, index + 1)
        const about = state === 'unknown' ? `locked ${route.path}` : ''
        return [state, { email: addressOf(state, index, about), network: service.network() }]
      }),
    )
    const lockedAt = await lock(service, [...targets.values()], plan.random)
    const before = questions.length
    for (const state of asked) {
      if (performance.now() - lockedAt > LOCKED_MS) break
      const { email, network } = targets.get(state) as Target
      const { answer, ms } = await ask(service, route, email, network, bearer)
      const after = await service.untilIdle(answer.statusCode === 202 ? route.mails : 0)
      // The remaining limits of each are equal; their remaining time differs by the second of the request.
      const { 'ratelimit-reset': _, ...headers } = answer.headers
      note(findings, state, { ...answer, headers }, ms, after)
      questions.shift()
    }
    if (questions.length === before && ++fruitless > MAX_WAIT) {
      throw new Error('no lock holds as long as a question takes')
    }
  }
  return findings
}

interface Target {
  email: string
  network: string
}

/** Guesses at each address until it is in back-off. Returns the earliest time at which that began. */
async function lock(service: Service, targets: Target[], random: () => number): Promise<number> {
  let began = 0
  for (let guess = 1; guess <= GUESSES; guess++) {
    if (guess === GUESSES) began = performance.now()
    for (const { email, network } of shuffled(targets, random)) await ask(service, logIn, email, network)
  }
  await service.untilIdle(0)
  return began
}
