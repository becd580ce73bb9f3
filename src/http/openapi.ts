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

const DESCRIPTION = `Accounts with e-mail and password, and getting back in after forgetting the password.

JSON in, JSON out. Errors are problem details (RFC 9457) with a stable \`code\`. To try it here: register,
take the token from the mail, confirm, press *Authorize* and paste the \`accessToken\`.`

const TAGS = [
  { name: 'registration', description: 'Becoming a user: register and confirm the address' },
  { name: 'session', description: 'Logging in, staying logged in, devices, logging out' },
  { name: 'account', description: 'Who I am, my address, my history, leaving' },
  { name: 'password', description: 'Getting back in after forgetting the password, and changing it' },
  { name: 'health', description: 'For load balancers and orchestrators' },
]

const JSON_TYPE = 'application/json; charset=utf-8'

/** The large files of Swagger UI; the package serves the small ones itself. */
const SWAGGER_UI = {
  'swagger-ui-bundle.js': 'text/javascript; charset=utf-8',
  'swagger-ui-standalone-preset.js': 'text/javascript; charset=utf-8',
  'swagger-ui.css': 'text/css; charset=utf-8',
}

/** Read at the first request, once a process. */
const swaggerUiFiles = new Map<string, FixedDocument>()

function swaggerUiFile(name: string, type: string): FixedDocument {
  const path = new URL(`static/${name}`, import.meta.resolve('@fastify/swagger-ui'))
  const file = swaggerUiFiles.get(name) ?? fixedDocument(readFileSync(path), type, { compress: true })
  swaggerUiFiles.set(name, file)
  return file
}

async function openapi(app: FastifyInstance) {
  const base = basePath(app.config.APP_URL)
  app.addSchema(Problem)

  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'latchkey',
        version: VERSION,
        description: DESCRIPTION,
        license: { name: 'MIT', url: 'https://opensource.org/license/mit' },
      },
      servers: [
        {
          // By path: the same under each name of the host.
          url: base || '/',
          description: 'The instance that serves this document, local or production',
          'x-internal': false,
        } as never,
      ],
      tags: TAGS,
      components: {
        securitySchemes: {
          bearer: {
            type: 'http',
            scheme: 'bearer',
            bearerFormat: 'JWT',
            description: 'The accessToken of a log in; a JWT used as RFC8725 advises',
          },
        },
      },
    },
    refResolver: { buildLocalReference: json => String(json['$id']) },
    transformObject: document =>
      completed(('openapiObject' in document ? document.openapiObject : {}) as Document),
  })

  let document: FixedDocument | undefined
  const sendOpenapi = (request: FastifyRequest, reply: FastifyReply) => {
    // Every route is known by the first request.
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
      // In front of the addresses of its files, as the browser sees them.
      indexPrefix: base,
      uiHooks: {
        preHandler: async (request, reply) => {
          const { url } = request.routeOptions
          // Swagger UI asks for the document below its own path.
          if (url === '/docs/json') return sendOpenapi(request, reply)
          // The package's own redirect leads out of the path.
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
