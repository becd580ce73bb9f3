/**
 * Header fields of every answer (OWASP REST security cheat sheet), and CORS for configured origins.
 */
import cors from '@fastify/cors'
import helmet from '@fastify/helmet'
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'

async function securityHeaders(app: FastifyInstance) {
  // The first hook, because CORS answers preflights in its own.
  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-request-id', request.id)
    // Answers carry tokens or personal data; pages that may be kept say so themselves.
    reply.header('cache-control', 'no-store')
  })

  await app.register(helmet, {
    global: true,
    contentSecurityPolicy: {
      useDefaults: false,
      directives: { 'default-src': ["'none'"], 'frame-ancestors': ["'none'"] },
    },
    referrerPolicy: { policy: 'no-referrer' },
    frameguard: { action: 'deny' },
    strictTransportSecurity: { maxAge: 63_072_000, includeSubDomains: true },
  })

  const origins = app.config.CORS_ORIGINS
  if (origins.length > 0) {
    await app.register(cors, {
      origin: origins.includes('*') ? '*' : origins,
      // For cookie mode on another origin of the same site; a browser never takes it together with `*`.
      credentials: !origins.includes('*'),
      methods: ['GET', 'POST', 'PATCH', 'DELETE'],
      allowedHeaders: ['authorization', 'content-type'],
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
    })
  }
}

export default fp(securityHeaders, { name: 'security-headers' })
