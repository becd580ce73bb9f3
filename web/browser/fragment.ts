/**
 * The token of a mailed link. It stands in the fragment, which reaches no server, and leaves the address
 * bar and the history here, before anything else happens: every page that needs it imports this first.
 */
/** What the service puts there in place of a token that came in the path or query (web/server/damaged-link.ts). */
const DAMAGED = '#damaged'

const damaged = location.hash === DAMAGED
if (damaged) cleanAddress()
let token = takeToken()
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

/** The newest token; kept in memory alone. */
export function currentToken(): string {
  return token ?? ''
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
  if (found !== undefined) cleanAddress()
  return found
}

function cleanAddress(): void {
  history.replaceState(null, '', location.pathname + location.search)
}
