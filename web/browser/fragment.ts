/**
 * The token of an emailed link. It arrives in the fragment, which reaches no server. This module removes it from the
 * address bar and the history, so every page that needs it imports this module first. The tab keeps the token, so
 * that a reload or another language does not lose the link, until the token is used or the tab is closed.
 */

const KEPT = `latchkey.link:${location.pathname}`
/** Fragment that the service sets in place of a token in the path or query (web/server/damaged-link.ts). */
const DAMAGED = '#damaged'

const damaged = location.hash === DAMAGED
if (damaged) cleanAddress()
let token = takeToken() ?? recallToken()
let receive: ((token: string) => void) | undefined

// A second link opened in a tab that already shows the page loads nothing: only the fragment changes.
addEventListener('hashchange', () => {
  const next = takeToken()
  if (next === undefined) return
  token = next
  receive?.(next)
})

/** Passes on the token of the page, if any, and later each one that replaces it. */
export function onToken(callback: (token: string | undefined) => void): void {
  receive = callback
  callback(token)
}

/** Whether the link was modified between email and browser. */
export function linkWasDamaged(): boolean {
  return damaged
}

/** The newest token. */
export function currentToken(): string {
  return token ?? ''
}

/** Forgets a used token. */
export function dropToken(): void {
  token = undefined
  inStorage(storage => storage.removeItem(KEPT))
}

/** The address in a token, for display: only the service can verify it. */
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
  // Characters after the token are not part of it: a link at the end of a sentence, or in brackets.
  const found = /^#\/?(?:.*&)?token(?:=|%3D)([\w.-]+)/i.exec(location.hash)?.[1]
  if (found === undefined) return undefined
  cleanAddress()
  inStorage(storage => storage.setItem(KEPT, found))
  return found
}

/** The token of this page before a reload. If the page is opened anew without a token, the stored one is dropped. */
function recallToken(): string | undefined {
  const [visit] = performance.getEntriesByType('navigation') as PerformanceNavigationTiming[]
  const isAnew = visit?.type === 'navigate' && !/[?&]lang=/.test(location.search)
  if (isAnew || damaged) inStorage(storage => storage.removeItem(KEPT))
  return inStorage(storage => storage.getItem(KEPT)) ?? undefined
}

/** Accessing the storage throws if the browser blocks it. Not imported: nothing may load before this module runs. */
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
