/**
 * The token of a mailed link. It arrives in the fragment, which reaches no server, and leaves the address bar and the
 * history here, before anything else happens: every page that needs it imports this first. This tab keeps it, so that
 * a reload or another language does not lose the link, until the token is used or the tab is closed.
 */

const KEPT = `latchkey.link:${location.pathname}`
/** What the service puts there in place of a token that came in the path or query (web/server/damaged-link.ts). */
const DAMAGED = '#damaged'

const damaged = location.hash === DAMAGED
if (damaged) cleanAddress()
let token = takeToken() ?? recallToken()
let receive: ((token: string) => void) | undefined

// A second link, opened in a tab that shows the page already, loads nothing: only the fragment changes.
addEventListener('hashchange', () => {
  const next = takeToken()
  if (next === undefined) return
  token = next
  receive?.(next)
})

/** Hands over the token that the page came with, if any, and later each that replaces it. */
export function onToken(callback: (token: string | undefined) => void): void {
  receive = callback
  callback(token)
}

/** Whether the page was opened by a link that something between mail and browser has changed. */
export function linkWasDamaged(): boolean {
  return damaged
}

/** The newest token. */
export function currentToken(): string {
  return token ?? ''
}

/** Forgets a token that has been used. */
export function dropToken(): void {
  token = undefined
  inStorage(storage => storage.removeItem(KEPT))
}

/** The address that a token names, for people to read: the service alone can tell whether it is genuine. */
export function addressIn(token: string): string {
  try {
    const [, claims = ''] = token.split('.')
    const { email } = JSON.parse(atob(claims.replace(/-/g, '+').replace(/_/g, '/'))) as { email?: unknown }
    return typeof email === 'string' ? email : ''
  } catch {
    return ''
  }
}

function takeToken(): string | undefined {
  // What follows it is no part of it: a link at the end of a sentence, or in brackets.
  const found = /^#\/?(?:.*&)?token(?:=|%3D)([\w.-]+)/i.exec(location.hash)?.[1]
  if (found === undefined) return undefined
  cleanAddress()
  inStorage(storage => storage.setItem(KEPT, found))
  return found
}

/** The token of this page before it was loaded again. Who opens the page anew without one gets none, and it is dropped. */
function recallToken(): string | undefined {
  const [visit] = performance.getEntriesByType('navigation') as PerformanceNavigationTiming[]
  const isAnew = visit?.type === 'navigate' && !/[?&]lang=/.test(location.search)
  if (isAnew || damaged) inStorage(storage => storage.removeItem(KEPT))
  return inStorage(storage => storage.getItem(KEPT)) ?? undefined
}

/** Looking at the storage throws where the browser refuses it. */
function inStorage<T>(act: (storage: Storage) => T): T | undefined {
  try {
    return act(sessionStorage)
  } catch {
    return undefined
  }
}

function cleanAddress(): void {
  history.replaceState(null, '', location.pathname + location.search)
}
