/**
 * Header fields of every answer (OWASP REST security cheat sheet), and CORS for configured origins.
 */
import cors from '@fastify/cors'
import helmet from '@fastify/helmet'
import Fastify, { type FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { withLocalNames } from '../config/origins.ts'

async function securityHeaders(app: FastifyInstance) {
  const guards = {
    ...(await helmetFields(app.config.HSTS_INCLUDE_SUBDOMAINS)),
    // Answers carry tokens or personal data; pages that may be kept say so themselves.
    'cache-control': 'no-store',
  }
  // The first hook, because CORS answers preflights in its own.
  app.addHook('onRequest', (request, reply, done) => {
    reply.headers(guards)
    reply.header('x-request-id', request.id)
    done()
  })

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

/**
 * What helmet sets, asked once: it is the same for every answer. Fields that are set one by one keep Node
 * from writing the head at once; see docs/decisions.md.
 */
async function helmetFields(includeSubDomains: boolean): Promise<Record<string, string>> {
  const probe = Fastify()
  await probe.register(helmet, {
    contentSecurityPolicy: {
      useDefaults: false,
      directives: { 'default-src': ["'none'"], 'frame-ancestors': ["'none'"] },
    },
    referrerPolicy: { policy: 'no-referrer' },
    frameguard: { action: 'deny' },
    strictTransportSecurity: { maxAge: 63_072_000, includeSubDomains },
  })
  let fields: Record<string, string> = {}
  probe.get('/', async (_request, { raw }) => {
    fields = { ...(raw.getHeaders() as Record<string, string>) }
    return ''
  })
  await probe.inject('/')
  await probe.close()
  return fields
}

export default fp(securityHeaders, { name: 'security-headers' })
