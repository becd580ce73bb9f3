// A mixed load through the balancer, and a ledger of acknowledged changes.
import { setTimeout as delay } from 'node:timers/promises'
import type { Teardown } from '../../harness/database.ts'
import { until } from '../../harness/until.ts'
import type { Cluster, Instance } from './cluster.ts'
import { type Account, type Answer, newAccount, newPerson, PASSWORD } from './person.ts'

/** Number of parallel clients. */
export const PEOPLE = 12
/** Clients pause between requests: the outcome of requests matters, not their number. */
const THINK_MS = 50
/** Fewer than an account may have: one more would revoke the session in use. */
const LOG_INS = 40

/** A request and its outcome. */
export interface Outcome {
  method: 'GET' | 'POST'
  path: string
  answer: Answer
  /** `performance.now()` when it was sent. */
  at: number
}

/** Changes that the service acknowledged. */
export interface Ledger {
  outcomes: Outcome[]
  /** Addresses with an acknowledged registration. */
  registered: string[]
  /** Access tokens of logins. */
  loggedIn: string[]
  /** The newest refresh token of each chain. */
  refreshed: Map<string, string>
  /** Accounts with an acknowledged reset request. */
  resetAsked: Set<string>
}

export interface Load {
  ledger: Ledger
  /** Stops and waits for pending responses. */
  stop(): Promise<Ledger>
}

/** Responses that do not count as failures. */
export const failed = ({ answer }: Outcome) => answer.status < 200 || answer.status > 299

/**
 * Starts a load of parallel clients that send a new request after each response. Each has an account, whose refresh
 * tokens form one chain; a refresh without a response is repeated with the same token.
 */
export function startLoad(t: Teardown, cluster: Cluster, accounts: Account[]): Load {
  const ledger: Ledger = {
    outcomes: [],
    registered: [],
    loggedIn: [],
    refreshed: new Map(),
    resetAsked: new Set(),
  }
  let stopped = false
  let made = 0

  async function live({ email, accessToken, refreshToken }: Account) {
    const person = newPerson(t, cluster)
    let bearer = accessToken
    let token = refreshToken
    let logIns = 0
    ledger.refreshed.set(email, token)
    const ask = async (method: Outcome['method'], path: string, body: object = {}) => {
      const at = performance.now()
      const answer = await (method === 'GET' ? person.get(path, { bearer }) : person.post(path, body))
      const outcome = { method, path, answer, at }
      ledger.outcomes.push(outcome)
      return failed(outcome) ? undefined : answer
    }
    const steps = [
      () => ask('GET', '/me'),
      async () => {
        const answer = await ask('POST', '/token/refresh', { refreshToken: token })
        if (answer === undefined) return
        token = answer.body.refreshToken
        bearer = answer.body.accessToken
        ledger.refreshed.set(email, token)
      },
      () => ask('GET', '/sessions'),
      async () => {
        const registered = `load-${made++}@example.org`
        if (await ask('POST', '/register', { email: registered, password: PASSWORD }))
          ledger.registered.push(registered)
      },
      () => ask('GET', '/me'),
      async () => {
        if (logIns++ >= LOG_INS) return
        const answer = await ask('POST', '/login', { email, password: PASSWORD })
        if (answer) ledger.loggedIn.push(answer.body.accessToken)
      },
      async () => {
        if (await ask('POST', '/password-reset/request', { email })) ledger.resetAsked.add(email)
      },
    ]
    for (let step = made++; !stopped; step++) {
      await steps[step % steps.length]?.()
      await delay(THINK_MS)
    }
  }

  const people = accounts.map(live)
  return {
    ledger,
    async stop() {
      stopped = true
      await Promise.all(people)
      return ledger
    },
  }
}

/** Accounts of several people. */
export function newAccounts(t: Teardown, cluster: Cluster, count: number, name: string): Promise<Account[]> {
  const person = newPerson(t, cluster)
  return Promise.all(
    Array.from({ length: count }, (_, index) => newAccount(person, cluster, `${name}-${index}@example.org`)),
  )
}

/** Waits until `count` of the requests sent since then have a response. */
export async function answered(outcomes: Outcome[], count: number, since: number) {
  await until(`${count} answers`, () => outcomes.filter(({ at }) => at > since).length >= count)
}

/** Waits until an instance has responded to a request sent since then. */
export async function served(outcomes: Outcome[], { address }: Instance, since: number) {
  const isServing = ({ at, answer }: Outcome) => at > since && answer.upstream.at(-1) === address
  await until(`${address} serves`, () => outcomes.some(isServing))
}
