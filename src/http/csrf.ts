/**
 * CSRF protection of cookie mode. Decorates the app with `ownPageOnly`, the `preHandler` of every route that sets,
 * spends or clears the refresh cookie. docs/cookie-mode.md describes all protections.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { withLocalNames } from '../config/origins.ts'
import { problem } from '../errors.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /**
     * Refuses cookie mode to pages of other origins. Such a page could log its visitor in to the attacker's account
     * (login CSRF), refresh the visitor's session and drop the response, or log the visitor out. SameSite=Strict does
     * not prevent this for a sibling subdomain.
     *
     * @throws {ProblemError} `origin_not_allowed`
     */
    ownPageOnly(request: FastifyRequest): Promise<void>
  }
}

async function csrf(app: FastifyInstance) {
  const { APP_URL, CORS_ORIGINS } = app.config
  // On a local service, localhost, 127.0.0.1 and [::1] are the same origin. `*` allows no origin here.
  const allowedOrigins = new Set(withLocalNames(APP_URL, [new URL(APP_URL).origin, ...CORS_ORIGINS]))
  allowedOrigins.delete('*')

  app.decorate('ownPageOnly', async (request: FastifyRequest) => {
    const { mode } = (request.body ?? {}) as { mode?: unknown }
    if (mode !== 'cookie') return
    // Scripts cannot set these fields (Fetch: forbidden request-headers). A request with neither comes from no browser.
    const { origin, 'sec-fetch-site': site } = request.headers
    if (origin === undefined && site === undefined) return
    if (site === 'same-origin' || (origin !== undefined && allowedOrigins.has(origin))) return
    throw problem('origin_not_allowed')
  })
}

export default fp(csrf, { name: 'csrf' })
