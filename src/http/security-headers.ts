/** Sets the security header fields of every response, and CORS for configured origins. */
import cors from '@fastify/cors'
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import type { Config } from '../config/config.ts'
import { withLocalNames } from '../config/origins.ts'

/**
 * Returns the security header fields. Most are those of helmet; a test compares the two. They are listed here so that
 * they are set in one call, and also on responses to requests that Node's parser refuses.
 */
export function securityFields(config: Pick<Config, 'HSTS_INCLUDE_SUBDOMAINS'>): Record<string, string> {
  return {
    // Responses contain tokens or personal data. Pages that may be cached set their own value.
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
  // Before the hook of CORS, which responds to preflights itself.
  app.addHook('onRequest', (request, reply, done) => {
    reply.headers(fields)
    reply.header('x-request-id', request.id)
    done()
  })

  if (!options.cors) return
  const origins = withLocalNames(app.config.APP_URL, app.config.CORS_ORIGINS)
  if (origins.length > 0) {
    const namedOrigins = origins.includes('*') ? [] : origins
    const sharedOptions = {
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
      // Otherwise the package refuses an OPTIONS request that is no preflight, without a problem document.
      strictPreflight: false,
    }
    await app.register(cors, {
      delegator: (request, done) =>
        // Only listed origins may send cookies (cookie mode on another origin of the same site), never those of `*`.
        done(null, { ...sharedOptions, credentials: namedOrigins.includes(request.headers.origin ?? '') }),
    })
  }
}

export default fp(securityHeaders, { name: 'security-headers' })
