/** Clients that use one process of the service while one of its dependencies fails. */
import { setTimeout as delay } from 'node:timers/promises'
import { tokenIn } from '../../harness/app.ts'
import type { Teardown } from '../../harness/database.ts'
import type { SmtpServer } from '../../harness/smtp.ts'
import { until } from '../../harness/until.ts'

export const PASSWORD = 'correct horse battery staple'
/** Pause between requests: their outcome matters, not their number. */
const THINK_MS = 40
/** Only a service that hangs takes this long. */
const LONGEST_WAIT_MS = 60_000

/** A response and its time. */
export interface Reply {
  path: string
  status: number
  headers: Record<string, string>
  text: string
  // biome-ignore lint/suspicious/noExplicitAny: each path has its own
  body: any
  /** `performance.now()` when it was sent, and milliseconds until the response. */
  at: number
  ms: number
}

/** Acknowledged changes. */
export interface Ledger {
  replies: Reply[]
  /** Addresses with an acknowledged registration. */
  registered: string[]
  resetAsked: Set<string>
  /** Access tokens of logins. */
  loggedIn: string[]
}

/** Sends a request; status 0 without a response. */
export async function ask(
  url: string,
  method: 'GET' | 'POST',
  path: string,
  { body, bearer, headers }: { body?: object; bearer?: string; headers?: Record<string, string> } = {},
): Promise<Reply> {
  const at = performance.now()
  const answer = await fetch(url + path, {
    method,
    headers: {
      ...(body && { 'content-type': 'application/json' }),
      ...(bearer && { authorization: `Bearer ${bearer}` }),
      ...headers,
    },
    ...(body && { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(LONGEST_WAIT_MS),
  }).catch((error: Error) => new Response(String(error.cause ?? error), { headers: { 'x-none': '1' } }))
  const text = await answer.text().catch(String)
  const status = answer.headers.has('x-none') ? 0 : answer.status
  const isJson = answer.headers.get('content-type')?.includes('json')
  return {
    path,
    status,
    headers: Object.fromEntries(answer.headers),
    text,
    body: isJson ? JSON.parse(text) : undefined,
    at,
    ms: performance.now() - at,
  }
}

/** An account that was registered and confirmed through the API; its access token. */
export async function newAccount(url: string, smtp: SmtpServer, email: string): Promise<string> {
  const registered = await ask(url, 'POST', '/register', { body: { email } })
  if (registered.status !== 202) throw new Error(`registering failed: ${registered.text}`)
  const theirs = () => smtp.mails.find(({ to }) => to.includes(email))
  await until(`the mail to ${email}`, () => theirs() !== undefined)
  const body = { token: tokenIn(theirs()), password: PASSWORD }
  const confirmed = await ask(url, 'POST', '/confirm-email', { body })
  if (confirmed.status !== 200) throw new Error(`confirming failed: ${confirmed.text}`)
  return confirmed.body.accessToken
}

export interface Load {
  ledger: Ledger
  /** Waits until `count` requests have been sent and answered from now on. */
  answers(count: number): Promise<Reply[]>
  /** Stops and waits for pending responses. */
  stop(): Promise<Ledger>
}

/**
 * Starts parallel clients. Each reads its account, logs in, requests a reset and registers an address, over and over.
 *
 * @param people addresses and access tokens, one account for each client
 */
export function startLoad(t: Teardown, url: string, people: { email: string; bearer: string }[]): Load {
  const ledger: Ledger = { replies: [], registered: [], resetAsked: new Set(), loggedIn: [] }
  let stopped = false
  let made = 0

  async function live({ email, bearer }: { email: string; bearer: string }) {
    const say = async (...what: Parameters<typeof ask>) => {
      const reply = await ask(...what)
      ledger.replies.push(reply)
      await delay(THINK_MS)
      return reply
    }
    while (!stopped) {
      await say(url, 'GET', '/me', { bearer })
      const loggedIn = await say(url, 'POST', '/login', { body: { email, password: PASSWORD } })
      if (loggedIn.status === 200) ledger.loggedIn.push(loggedIn.body.accessToken)
      const reset = await say(url, 'POST', '/password-reset/request', { body: { email } })
      if (reset.status === 202) ledger.resetAsked.add(email)
      const newcomer = `newcomer-${++made}@example.org`
      const body = { email: newcomer, password: PASSWORD }
      const registered = await say(url, 'POST', '/register', { body })
      if (registered.status === 202) ledger.registered.push(newcomer)
    }
  }

  const lives = Promise.all(people.map(live))
  const stop = async () => {
    stopped = true
    await lives
    return ledger
  }
  t.teardown(stop)
  return {
    ledger,
    async answers(count) {
      const began = performance.now()
      const since = () => ledger.replies.filter(({ at }) => at >= began)
      await until(`${count} answers`, () => since().length >= count)
      return since()
    },
    stop,
  }
}
