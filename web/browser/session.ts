/**
 * The session. The access token lives in this page's memory alone; the refresh token in a cookie that no
 * script can read. What is stored says only that somebody logged in here, so that a stranger's first visit
 * asks for nothing, and tells the other tabs when that is over.
 */
import { pageAddress } from './addresses.ts'
import { type Answer, type Call, call } from './api.ts'
import { leaveNotice, type Notice, say } from './notice.ts'
import { refusal } from './refusal.ts'
import { drop, keep, recall } from './storage.ts'
import { show } from './views.ts'
import { words } from './words.ts'

const HINT = 'latchkey.session'

let accessToken: string | undefined
let refreshing: Promise<Answer<Tokens>> | undefined

/** What a log in, a confirmation and a refresh answer with, in cookie mode. */
export interface Tokens {
  accessToken: string
}

/** Whether somebody logged in here, as far as can be told without asking. */
export function mayBeLoggedIn(): boolean {
  return recall('all', HINT) !== null
}

/**
 * Takes over a session that has just begun. Where the browser did not keep its cookie, the session is ended: nobody
 * could use it, and it would stay in the list of devices.
 *
 * @returns whether the browser kept it
 */
export async function begin(tokens: Tokens): Promise<boolean> {
  accessToken = tokens.accessToken
  if (refusal() === undefined) {
    keep('all', HINT, String(Date.now()))
    // No script can read the cookie, and a proxy may have stripped it: a refresh shows whether it is there.
    if (!isOver(await refresh())) return true
  }
  await call({ path: 'logout', body: { mode: 'cookie' }, bearer: tokens.accessToken })
  forget()
  return false
}

/** After a log out, here or elsewhere. */
export function forget(): void {
  accessToken = undefined
  drop('all', HINT)
}

/** Forgets the session and goes to log in, where the reason is said; here, where the browser would not keep it. */
export function leave(notice: Notice): void {
  forget()
  if (leaveNotice(notice)) {
    location.replace(pageAddress('login'))
  } else {
    show('none')
    say(words.notices[notice])
  }
}

/** Calls back when another tab logs out. */
export function onLogOutElsewhere(callback: () => void): void {
  addEventListener('storage', event => {
    if ((event.key === HINT && event.newValue === null) || event.key === null) callback()
  })
}

/** A new access token, by the cookie. Calls at the same time share one request. */
export function refresh(): Promise<Answer<Tokens>> {
  refreshing ??= oneTabAtATime(askForTokens).finally(() => {
    refreshing = undefined
  })
  return refreshing
}

/** A call in the name of who is logged in; a token that has run out is renewed once. */
export async function callAsMe<T>(request: Omit<Call, 'bearer'>): Promise<Answer<T>> {
  if (accessToken === undefined) {
    const refreshed = await refresh()
    if (!refreshed.ok) return refreshed
  }
  const used = accessToken ?? ''
  const answer = await call<T>({ ...request, bearer: used })
  if (answer.ok || answer.failure.code !== 'unauthenticated') return answer
  // Another call may have renewed it meanwhile.
  if (accessToken === used) {
    const refreshed = await refresh()
    if (!refreshed.ok) return refreshed
  }
  return call<T>({ ...request, bearer: accessToken ?? '' })
}

/** Whether the session is over, and not only out of reach. */
export function isOver(answer: Answer<unknown>): boolean {
  return !answer.ok && /^(unauthenticated|refresh_token_invalid)$/.test(answer.failure.code)
}

/** Sends who is logged in to the account. For pages that are of no use to them. */
export async function skipWhenLoggedIn(): Promise<void> {
  if (!mayBeLoggedIn()) return
  const answer = await refresh()
  if (answer.ok) location.replace(pageAddress('account'))
  else if (isOver(answer)) forget()
}

async function askForTokens(): Promise<Answer<Tokens>> {
  // `keepalive`: an answer that nobody waits for would leave the cookie with a spent token.
  const answer = await call<Tokens>({ path: 'token/refresh', body: { mode: 'cookie' }, keepalive: true })
  if (answer.ok) accessToken = answer.body.accessToken
  return answer
}

/** Two tabs that show the same token at once are forgiven, but only for seconds: slow networks take longer. */
function oneTabAtATime<T>(ask: () => Promise<T>): Promise<T> {
  return 'locks' in navigator ? navigator.locks.request('latchkey.refresh', ask) : ask()
}
