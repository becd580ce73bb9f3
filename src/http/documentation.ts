/**
 * The OpenAPI document and Swagger UI, made by an app of their own: the first request for either loads @fastify/swagger
 * and all that it needs, a tenth of the modules and of the time of a start.
 */
import { readFileSync } from 'node:fs'
import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import Fastify, { type FastifyInstance, type RouteOptions } from 'fastify'
import { VERSION } from '../shared/version.ts'
import { completed, type Document } from './openapi-document.ts'
import { schemaController } from './schema-compilers.ts'

/** What the document of a listener says besides its routes. */
export interface OpenapiOptions {
  title: string
  description: string
  tags: { name: string; description: string }[]
  /** What is sent as the bearer. */
  bearer: { bearerFormat: string; description: string }
  /** The path that the listener is below. */
  base: string
  /** Whether responses carry the state of the nearest rate limit. */
  tellsRateLimits: boolean
}

/** Favicon and logo, in place of the package's own. */
const mark = () => readFileSync(new URL('../../web/mark.svg', import.meta.url))

/**
 * An app that describes the routes of another and calls none of them.
 *
 * @param app whose schemas the routes refer to
 * @param routes every route of that app
 * @param options what the document says besides
 * @returns an app that is ready: `swagger()` is the document, and GET /docs and what lies below it is Swagger UI
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
          // A path works under each name of the host.
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
      // Swagger UI sets style attributes and draws its icons from data: URLs.
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
