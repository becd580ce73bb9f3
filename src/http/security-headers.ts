/** Sets the security header fields of every response, and CORS for configured origins. */
import cors from '@fastify/cors'
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { withLocalNames } from '../config/origins.ts'
import { securityFields } from './security-fields.ts'

async function securityHeaders(app: FastifyInstance, options: { cors: boolean }) {
  const fields = securityFields(app.config)
  // The first hook, because CORS answers preflights in its own.
  app.addHook('onRequest', (request, reply, done) => {
    reply.headers(fields)
    reply.header('x-request-id', request.id)
    done()
  })

  if (!options.cors) return
  const origins = withLocalNames(app.config.APP_URL, app.config.CORS_ORIGINS)
  if (origins.length > 0) {
    const named = origins.includes('*') ? [] : origins
    const shared = {
      origin: origins.includes('*') ? '*' : origins,
      methods: ['GET', 'POST', 'PATCH', 'DELETE'],
      allowedHeaders: ['authorization', 'content-type', ...app.config.CORS_ALLOWED_HEADERS],
      exposedHeaders: [
        'retry-after',
        'ratelimit-limit',
        'ratelimit-remaining',
        'ratelimit-reset',
        'x-request-id',
      ],
      maxAge: 600,
      // An OPTIONS that is no preflight is no error, and the package's answer to it no problem document.
      strictPreflight: false,
    }
    await app.register(cors, {
      delegator: (request, done) =>
        // For cookie mode on another origin of the same site, by name: never for `*`, and told to nobody else.
        done(null, { ...shared, credentials: named.includes(request.headers.origin ?? '') }),
    })
  }
}

export default fp(securityHeaders, { name: 'security-headers' })
