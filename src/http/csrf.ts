/**
 * CSRF protection of cookie mode. Decorates the app with `ownPageOnly`, the `preHandler` of every route that sets,
 * spends or clears the refresh cookie.
 *
 * Without it another page could log its visitor in to the attacker's account (login CSRF), refresh the visitor's
 * session and drop the response, or log the visitor out. A sibling subdomain could too, because SameSite=Strict allows
 * it.
 *
 * The browser says where a request comes from, in header fields that scripts cannot set (Fetch: forbidden
 * request-headers). A request is accepted with `Sec-Fetch-Site: same-origin`, with the `Origin` of APP_URL or one of
 * CORS_ORIGINS (not `*`), or with neither field, because then it comes from no browser. On a local service localhost,
 * 127.0.0.1 and [::1] are the same origin. Bodies are JSON only, which needs a preflight across origins.
 *
 * A cookie that a sibling subdomain sets for the whole domain (cookie tossing) is refused in
 * src/sessions/refresh-cookie.ts.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { withLocalNames } from '../config/origins.ts'
import { problem } from '../errors.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** `preHandler` hook: refuses cookie mode to pages of other origins. Other requests pass. */
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
