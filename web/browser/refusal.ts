/** Whether the browser keeps what a session needs: a `Secure` cookie, and an entry in its storage. */
import { attempt, keepsAnything } from './storage.ts'

/** Why no session is possible here; also the name of its text. */
export type Refusal = 'insecure' | 'refused'

const PROBE = 'latchkey-probe'

/** Undefined if a session would be kept, as far as the page can tell without one. */
export function refusal(): Refusal | undefined {
  if (!isSecureContext) return 'insecure'
  return navigator.cookieEnabled && keepsCookies() && keepsAnything() ? undefined : 'refused'
}

/** `cookieEnabled` is true even if only `Secure` cookies are dropped, as Safari does on a local service. */
function keepsCookies(): boolean {
  const kept = attempt(() => {
    setProbe(60)
    return document.cookie.includes(PROBE)
  })
  attempt(() => setProbe(0))
  return kept === true
}

/** @param maxAge seconds; 0 removes it */
function setProbe(maxAge: number): void {
  // biome-ignore lint/suspicious/noDocumentCookie: the Cookie Store API is younger than the browsers of these pages
  document.cookie = `${PROBE}=1; Secure; SameSite=Strict; Max-Age=${maxAge}`
}
