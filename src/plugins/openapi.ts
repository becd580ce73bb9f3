/**
 * OpenAPI 3.1 from the routes' own schemas, and Swagger UI on top of it.
 */
import { readFileSync } from 'node:fs'
import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { Problem } from '../errors.ts'
import { TokenPair } from '../tokens/pair.ts'
import { completed, type Document } from './openapi-document.ts'

const DESCRIPTION = `Accounts with e-mail and password, and getting back in after forgetting the password.

JSON in, JSON out. Errors are problem details (RFC 9457) with a stable \`code\`. To try it here: register,
take the token from the mail, confirm, press *Authorize* and paste the \`accessToken\`.`

/** Read, not imported: a compiler that sees a JSON import copies the file into its output. */
const { version } = JSON.parse(readFileSync(new URL(import.meta.resolve('#root/package.json')), 'utf8')) as {
  version: string
}

const TAGS = [
  { name: 'registration', description: 'Becoming a user: register and confirm the address' },
  { name: 'session', description: 'Logging in, staying logged in, devices, logging out' },
  { name: 'account', description: 'Who I am, my address, my history, leaving' },
  { name: 'password', description: 'Getting back in after forgetting the password, and changing it' },
  { name: 'health', description: 'For load balancers and orchestrators' },
]

async function openapi(app: FastifyInstance) {
  app.addSchema(Problem)
  app.addSchema(TokenPair)

  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'latchkey',
        version,
        description: DESCRIPTION,
        license: { name: 'MIT', url: 'https://opensource.org/license/mit' },
      },
      servers: [
        {
          url: '/',
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

  // The schemas of routes are closed, so what they do not say is documented here: header fields that
  // every answer may carry.
  app.get('/openapi.json', { schema: { hide: true } }, async () => app.swagger())

  await app.register(async docs => {
    await docs.register(swaggerUi, {
      routePrefix: '/docs',
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
