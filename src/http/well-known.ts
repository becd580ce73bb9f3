/**
 * GET /.well-known/change-password: redirects password managers to the page that changes the password (W3C, A
 * Well-Known URL for Changing Passwords). Without such a page the route does not exist, because password managers
 * interpret a 404 as "not supported".
 */
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { pageLink } from '../config/links.ts'

async function wellKnown(app: FastifyInstance) {
  const { config } = app
  if (config.PAGES === 'off' && config.CHANGE_PASSWORD_URL === undefined) return
  const page = pageLink(config, 'account')
  app.get('/.well-known/change-password', { schema: { hide: true } }, async (_request, reply) =>
    reply.redirect(page, 303),
  )
}

export default fp(wellKnown, { name: 'well-known' })
