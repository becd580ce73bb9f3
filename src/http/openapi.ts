/** OpenAPI 3.1 from the schemas of the routes, and Swagger UI. Both are created at the first request. */
import { readFileSync } from 'node:fs'
import type { FastifyInstance, FastifyReply, FastifyRequest, RouteOptions } from 'fastify'
import fp from 'fastify-plugin'
import type { Config } from '../config/config.ts'
import { basePath } from '../config/urls.ts'
import { Problem, problem } from '../errors.ts'
import type { OpenapiOptions } from './documentation.ts'
import { type FixedDocument, fixedDocument, sendDocument } from './fixed-document.ts'
import type { Document } from './openapi-document.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** Returns the OpenAPI document. Call it when all routes are registered. */
    openapi(): Promise<Document>
  }
}

const DESCRIPTION = `Accounts with email and password: registration, login, sessions and password reset.

Requests and responses are JSON. Errors are problem details (RFC 9457) with a stable \`code\`. To try it here: register,
copy the token from the email, confirm the email, press *Authorize* and paste the \`accessToken\`, without \`Bearer\`.

Front ends in TypeScript call this API with \`@latchkey/client\` (\`client/README.md\` in the repository).`

const TAGS = [
  { name: 'registration', description: 'Register and confirm an email' },
  { name: 'session', description: 'Log in, refresh, list and revoke sessions, log out' },
  { name: 'account', description: 'Read, change, export and delete the account' },
  { name: 'password', description: 'Reset and change the password' },
  { name: 'keys', description: 'Verify access tokens in a back end' },
  { name: 'health', description: 'Probes for load balancers and orchestrators' },
]

const JSON_TYPE = 'application/json; charset=utf-8'

/** The large files of Swagger UI, which are served compressed. The package serves the small ones. */
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

/** Parts of the public document that do not come from its routes. */
export const publicDocument = ({ APP_URL }: Config): OpenapiOptions => ({
  title: 'latchkey',
  description: DESCRIPTION,
  tags: TAGS,
  bearer: {
    bearerFormat: 'JWT',
    description: 'Paste the accessToken of a login, without Bearer. A JWT that follows RFC9068 and RFC8725.',
  },
  base: basePath(APP_URL),
  tellsRateLimits: true,
})

async function openapi(app: FastifyInstance, options: OpenapiOptions) {
  const { base } = options
  app.addSchema(Problem)

  const routes: RouteOptions[] = []
  app.addHook('onRoute', route => {
    if (route.method !== 'HEAD' && route.schema?.hide !== true) routes.push(route)
  })
  let docs: Promise<FastifyInstance> | undefined
  const documentation = () => {
    docs ??= import('./documentation.ts').then(made => made.documentation(app, routes, options))
    return docs
  }
  app.addHook('onClose', async () => (await docs)?.close())
  app.decorate('openapi', async () => (await documentation()).swagger() as Document)

  let document: FixedDocument | undefined
  const sendOpenapi = async (request: FastifyRequest, reply: FastifyReply) => {
    document ??= fixedDocument(JSON.stringify(await app.openapi()), JSON_TYPE, { compress: true })
    return sendDocument(request, reply.header('cache-control', 'no-cache'), document)
  }
  const hidden = { schema: { hide: true } }
  app.get('/openapi.json', hidden, sendOpenapi)

  if (app.config.DOCS === 'off') return
  for (const [name, type] of Object.entries(SWAGGER_UI)) {
    app.get(`/docs/static/${name}`, hidden, (request, reply) =>
      sendDocument(request, reply.header('cache-control', 'no-cache'), swaggerUiFile(name, type)),
    )
  }
  // Swagger UI requests the document below its own path.
  app.get('/docs/json', hidden, sendOpenapi)
  // The package's own redirect ignores the base path.
  app.get('/docs/static/index.html', hidden, async (_request, reply) => reply.redirect(`${base}/docs`))
  for (const path of ['/docs', '/docs/*']) {
    app.get(path, hidden, async ({ url, headers }, reply) => {
      const page = await (await documentation()).inject({ url, headers })
      if (page.statusCode === 404) throw problem('not_found')
      return reply.code(page.statusCode).headers(page.headers).send(page.rawPayload)
    })
  }
}

export default fp(openapi, { name: 'openapi' })
