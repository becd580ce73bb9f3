/**
 * Rounds about addresses that the asking network has guessed at: an attacker who tries passwords first, of an
 * address that is known as of one that is not. The back-off holds for a second after the fifth guess.
 */
import { shuffled } from './chance.ts'
import type { House } from './house.ts'
import { addressOf, type State } from './people.ts'
import { ask, bearerFor, type Findings, note, nothingSeen, type Plan } from './rounds.ts'
import { ROUTES, type Route } from './routes.ts'

const STATES: readonly State[] = ['unknown', 'known']
/** The last of them shuts the gate. */
const GUESSES = 5
/** As many as the limits of one network leave. What was registered once is no longer unknown. */
const pairsPerLock = ({ path }: Route) => (path === '/register' ? 1 : 5)
/** Well within the second, from before the last guess on; milliseconds. */
const SURELY_LOCKED = 600

const logIn = ROUTES.find(({ path }) => path === '/login') as Route

/** Asks about locked addresses, those of one pair within one lock; see `measure`. */
export async function measureLocked(house: House, route: Route, plan: Plan): Promise<Findings> {
  const findings = nothingSeen(STATES)
  const bearer = await bearerFor(house, route)
  let done = 0
  // The first person is the one who asks where one must be logged in, and must not be locked.
  for (let lock = plan.from + 1; done < plan.rounds; lock++) {
    if (lock - plan.from > plan.rounds) throw new Error('no lock held as long as a pair of questions takes')
    const targets = new Map(
      STATES.map(state => {
        const about = state === 'unknown' ? `locked ${route.path}` : ''
        return [state, { email: addressOf(state, lock, about), network: house.network() }]
      }),
    )
    const targetOf = (state: State) => targets.get(state) as { email: string; network: string }
    let locked = 0
    for (let guess = 1; guess <= GUESSES; guess++) {
      if (guess === GUESSES) locked = performance.now()
      for (const state of shuffled(STATES, plan.random)) {
        const { email, network } = targetOf(state)
        await ask(house, logIn, email, network)
      }
    }
    await house.quiet(0)
    for (let pair = 0; pair < pairsPerLock(route); pair++) {
      if (performance.now() - locked > SURELY_LOCKED) break
      for (const state of shuffled(STATES, plan.random)) {
        const { email, network } = targetOf(state)
        const { answer, ms } = await ask(house, route, email, network, bearer)
        const after = await house.quiet(answer.statusCode === 202 ? route.mails : 0)
        // Both have as much left of their limits; for how long, the second tells in which it was asked.
        const { 'ratelimit-reset': _, ...headers } = answer.headers
        note(findings, state, { ...answer, headers }, ms, after)
      }
      done++
    }
  }
  return findings
}
