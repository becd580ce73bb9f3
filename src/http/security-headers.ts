/** Sets the security header fields of every response, and CORS for configured origins. */
import cors from '@fastify/cors'
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import type { Config } from '../config/config.ts'
import { withLocalNames } from '../config/origins.ts'

/**
 * Most of them are what helmet sets. They are written down so that they can be set all at once, and on responses to what
 * Node's parser refuses; a test holds them against helmet.
 */
export function securityFields(config: Pick<Config, 'HSTS_INCLUDE_SUBDOMAINS'>): Record<string, string> {
  return {
    // Responses carry tokens or personal data; pages that may be kept say so themselves.
    'cache-control': 'no-store',
    'content-security-policy': "default-src 'none';frame-ancestors 'none'",
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'origin-agent-cluster': '?1',
    'referrer-policy': 'no-referrer',
    'strict-transport-security': `max-age=63072000${config.HSTS_INCLUDE_SUBDOMAINS ? '; includeSubDomains' : ''}`,
    'x-content-type-options': 'nosniff',
    'x-dns-prefetch-control': 'off',
    'x-download-options': 'noopen',
    'x-frame-options': 'DENY',
    'x-permitted-cross-domain-policies': 'none',
    'x-xss-protection': '0',
  }
}

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
