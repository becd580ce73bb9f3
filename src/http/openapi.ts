/**
 * OpenAPI 3.1 from the routes' own schemas, and Swagger UI on top of it.
 */
import { readFileSync } from 'node:fs'
import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { basePath } from '../config/urls.ts'
import { Problem } from '../errors.ts'
import { VERSION } from '../shared/version.ts'
import { type FixedDocument, fixedDocument, sendDocument } from './fixed-document.ts'
import { completed, type Document } from './openapi-document.ts'

const DESCRIPTION = `Accounts with email and password: registration, login, sessions and password reset.

Requests and responses are JSON. Errors are problem details (RFC 9457) with a stable \`code\`. To try it here: register,
copy the token from the email, confirm the email, press *Authorize* and paste the \`accessToken\`, without \`Bearer\`.`

const TAGS = [
  { name: 'registration', description: 'Register and confirm an email' },
  { name: 'session', description: 'Log in, refresh, list and revoke sessions, log out' },
  { name: 'account', description: 'Read, change, export and delete the account' },
  { name: 'password', description: 'Reset and change the password' },
  { name: 'health', description: 'Probes for load balancers and orchestrators' },
]

const JSON_TYPE = 'application/json; charset=utf-8'

/** Favicon and logo, in place of the package's own. */
const mark = () => readFileSync(new URL('../../web/mark.svg', import.meta.url))

/** The large files of Swagger UI; the package serves the small ones itself. */
const SWAGGER_UI = {
  'swagger-ui-bundle.js': 'text/javascript; charset=utf-8',
  'swagger-ui-standalone-preset.js': 'text/javascript; charset=utf-8',
  'swagger-ui.css': 'text/css; charset=utf-8',
}

const swaggerUiFiles = new Map<string, FixedDocument>()

function swaggerUiFile(name: string, type: string): FixedDocument {
  const path = new URL(`static/${name}`, import.meta.resolve('@fastify/swagger-ui'))
  const file = swaggerUiFiles.get(name) ?? fixedDocument(readFileSync(path), type, { compress: true })
  swaggerUiFiles.set(name, file)
  return file
}

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

/** The document of the service itself. */
const publicDocument = (app: FastifyInstance): OpenapiOptions => ({
  title: 'latchkey',
  description: DESCRIPTION,
  tags: TAGS,
  bearer: {
    bearerFormat: 'JWT',
    description: 'Paste the accessToken of a login, without Bearer. A JWT that follows RFC8725.',
  },
  base: basePath(app.config.APP_URL),
  tellsRateLimits: true,
})

async function openapi(app: FastifyInstance, options: Partial<OpenapiOptions>) {
  const { title, description, tags, bearer, base, tellsRateLimits } = { ...publicDocument(app), ...options }
  app.addSchema(Problem)

  await app.register(swagger, {
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

  let document: FixedDocument | undefined
  const sendOpenapi = (request: FastifyRequest, reply: FastifyReply) => {
    // At the first request, when all routes are registered.
    document ??= fixedDocument(JSON.stringify(app.swagger()), JSON_TYPE, { compress: true })
    return sendDocument(request, reply.header('cache-control', 'no-cache'), document)
  }
  app.get('/openapi.json', { schema: { hide: true } }, sendOpenapi)

  if (app.config.DOCS === 'off') return
  await app.register(async docs => {
    for (const [name, type] of Object.entries(SWAGGER_UI)) {
      docs.get(`/docs/static/${name}`, { schema: { hide: true } }, (request, reply) =>
        sendDocument(request, reply.header('cache-control', 'no-cache'), swaggerUiFile(name, type)),
      )
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
      uiHooks: {
        preHandler: async (request, reply) => {
          const { url } = request.routeOptions
          // Swagger UI requests the document below its own path.
          if (url === '/docs/json') return sendOpenapi(request, reply)
          // The package's own redirect ignores the base path.
          return url === '/docs/static/index.html' ? reply.redirect(`${base}/docs`) : undefined
        },
      },
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
  })
}

export default fp(openapi, { name: 'openapi' })
