/**
 * Who may use cookie mode: pages of ours, and clients that are no browser. Decorates the app with
 * `ownPageOnly`, the `preHandler` of every route that sets, spends or clears the refresh cookie.
 *
 * A browser adds cookies to requests, and keeps those of answers, whichever page caused the request. So
 * another page could:
 *
 * - log its visitor in to an account of the attacker's (/login, /confirm-email), who then waits for what
 *   the visitor puts there: log in CSRF;
 * - refresh the visitor's session and throw the answer away, so that the page that is open meets a token
 *   that was spent without it, or log the visitor out;
 * - do all that from a sibling subdomain, which is the same site, so that SameSite=Strict does not stop it.
 *
 * Three things stand against that, each of which would do for most of it. SameSite=Strict keeps the cookie
 * out of requests of other sites. Bodies are JSON only, which no form can send, and a script of another
 * origin only after a preflight that CORS refuses. And here, the header fields in which the browser itself
 * says where a request comes from, which no script can set (Fetch: forbidden request-headers):
 *
 * - `Sec-Fetch-Site: same-origin`, or
 * - `Origin` is that of APP_URL, or one that CORS_ORIGINS names; `*` names nobody. On a local service
 *   localhost, 127.0.0.1 and [::1] are one.
 *
 * A request with neither comes from no browser (each sends `Origin` with a POST), and nobody can be tricked
 * into sending it. Whatever else is refused: 403 `origin_not_allowed`.
 *
 * What this cannot stop is a cookie of the same name that a sibling subdomain plants for the whole domain
 * (cookie tossing); src/sessions/refresh-cookie.ts refuses to choose between two.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { withLocalNames } from '../config/origins.ts'
import { problem } from '../errors.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** `preHandler` hook: refuses cookie mode to pages that are not ours. Other requests pass. */
    ownPageOnly(request: FastifyRequest): Promise<void>
  }
}

async function csrf(app: FastifyInstance) {
  const { APP_URL, CORS_ORIGINS } = app.config
  const ours = new Set(withLocalNames(APP_URL, [new URL(APP_URL).origin, ...CORS_ORIGINS]))
  ours.delete('*')

  app.decorate('ownPageOnly', async (request: FastifyRequest) => {
    const { mode } = (request.body ?? {}) as { mode?: unknown }
    if (mode !== 'cookie') return
    const { origin, 'sec-fetch-site': site } = request.headers
    if (origin === undefined && site === undefined) return
    if (site === 'same-origin' || (origin !== undefined && ours.has(origin))) return
    throw problem('origin_not_allowed')
  })
}

export default fp(csrf, { name: 'csrf' })
