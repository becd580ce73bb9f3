/**
 * The OpenAPI document and Swagger UI, in a separate app. The first request loads @fastify/swagger and its
 * dependencies, which would take a tenth of the start.
 */
import { readFileSync } from 'node:fs'
import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import Fastify, { type FastifyInstance, type RouteOptions } from 'fastify'
import { ROOT } from '../shared/root.ts'
import { VERSION } from '../shared/version.ts'
import { completed, type Document } from './openapi-document.ts'
import { schemaController } from './schema-compilers.ts'

/** Parts of a listener's document that do not come from its routes. */
export interface OpenapiOptions {
  title: string
  description: string
  tags: { name: string; description: string }[]
  /** Description of the bearer token. */
  bearer: { bearerFormat: string; description: string }
  /** Base path of the listener. */
  base: string
  /** Whether responses have the headers of rate limits. */
  tellsRateLimits: boolean
}

/** Favicon and logo, instead of the package's own. */
const mark = () => readFileSync(new URL('dist/web/mark.svg', ROOT))

/**
 * Builds an app that describes the routes of another app and never calls them.
 *
 * @param app the app whose schemas the routes refer to
 * @param routes every route of that app
 * @param options further parts of the document
 * @returns an app that is ready: `swagger()` returns the document, and Swagger UI is at /docs
 */
export async function documentation(
  app: FastifyInstance,
  routes: readonly RouteOptions[],
  { title, description, tags, bearer, base, tellsRateLimits }: OpenapiOptions,
): Promise<FastifyInstance> {
  const docs = Fastify({
    exposeHeadRoutes: false,
    schemaController,
  })
  for (const schema of Object.values(app.getSchemas())) docs.addSchema(schema)
  await docs.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title,
        version: VERSION,
        description,
        license: { name: 'MIT', url: 'https://opensource.org/license/mit' },
      },
      servers: [
        {
          // A relative URL works with each name of the host.
          url: base || '/',
          description: 'The instance that serves this document, local or production',
          'x-internal': false,
        } as never,
      ],
      tags,
      components: { securitySchemes: { bearer: { type: 'http', scheme: 'bearer', ...bearer } } },
    },
    refResolver: { buildLocalReference: json => String(json['$id']) },
    transformObject: document =>
      completed(('openapiObject' in document ? document.openapiObject : {}) as Document, tellsRateLimits),
  })
  for (const { method, url, schema } of routes) {
    docs.route({ method, url, schema: schema ?? {}, handler: async () => undefined })
  }
  await docs.register(swaggerUi, {
    routePrefix: '/docs',
    logo: { type: 'image/svg+xml', content: mark() },
    theme: {
      title: 'latchkey API',
      favicon: [
        {
          filename: 'mark.svg',
          rel: 'icon',
          type: 'image/svg+xml',
          sizes: 'any',
          content: mark().toString(),
        },
      ],
    },
    indexPrefix: base,
    staticCSP: {
      'default-src': "'none'",
      'script-src': "'self'",
      // Swagger UI sets style attributes and has its icons in data: URLs.
      'style-src': ["'self'", "'unsafe-inline'"],
      'img-src': ["'self'", 'data:'],
      'font-src': "'self'",
      'connect-src': "'self'",
      'frame-ancestors': "'none'",
    },
    uiConfig: { persistAuthorization: false, tryItOutEnabled: true, displayOperationId: false },
  })
  await docs.ready()
  return docs
}
