import helmet from '@fastify/helmet'
import Fastify from 'fastify'
import t from 'tap'
import { securityFields } from '../../../src/http/security-headers.ts'

/** The headers of helmet. Its defaults are included, so that a release that adds a header is noticed. */
async function helmetFields(includeSubDomains: boolean) {
  const app = Fastify()
  await app.register(helmet, {
    contentSecurityPolicy: {
      useDefaults: false,
      directives: { 'default-src': ["'none'"], 'frame-ancestors': ["'none'"] },
    },
    referrerPolicy: { policy: 'no-referrer' },
    frameguard: { action: 'deny' },
    strictTransportSecurity: { maxAge: 63_072_000, includeSubDomains },
  })
  let fields = {}
  app.get('/', async (_request, { raw }) => {
    fields = { ...raw.getHeaders() }
    return ''
  })
  await app.inject('/')
  await app.close()
  return fields
}

t.test('the security header fields are those of helmet, and no-store', async t => {
  for (const HSTS_INCLUDE_SUBDOMAINS of [false, true]) {
    const { 'cache-control': caching, ...fields } = securityFields({ HSTS_INCLUDE_SUBDOMAINS })
    t.equal(caching, 'no-store')
    t.strictSame(fields, await helmetFields(HSTS_INCLUDE_SUBDOMAINS))
  }
})
