/** Adds to the OpenAPI document what the schemas of routes do not say. */

const RATE_LIMIT_HEADERS = {
  'RateLimit-Limit': integerHeader('requests in the current window of the nearest limit', 1_000_000),
  'RateLimit-Remaining': integerHeader('requests left in this window', 1_000_000),
  'RateLimit-Reset': integerHeader('seconds until the next window', 86_400),
}
const RETRY_AFTER = { 'Retry-After': integerHeader('seconds to wait before a retry', 86_400) }
const WWW_AUTHENTICATE = {
  'WWW-Authenticate': {
    description: 'how to authenticate; with an `error` if the access token was refused (RFC 6750)',
    schema: { type: 'string', enum: ['Bearer', 'Bearer error="invalid_token"'] },
  },
}

function integerHeader(description: string, maximum: number) {
  return { description, schema: { type: 'integer', format: 'int32', minimum: 0, maximum } }
}

interface Response {
  headers?: object
}
interface Operation {
  requestBody?: {
    required: boolean
    content: Record<string, { schema: { required?: string[]; oneOf?: unknown[] } }>
  }
  responses?: Record<string, Response>
}

/** The parts of an OpenAPI document that are completed here. */
export interface Document {
  paths?: Record<string, Record<string, Operation>>
  components?: { schemas?: Record<string, object> }
}

/** Completes every operation: optional bodies, headers, named schemas. */
export function completed(document: Document, tellsRateLimits: boolean) {
  for (const path of Object.values(document.paths ?? {})) {
    for (const { requestBody, responses = {} } of Object.values(path)) {
      // @fastify/swagger marks every body as required, also one without required properties.
      const schema = requestBody?.content['application/json']?.schema
      if (requestBody && schema) requestBody.required = Boolean(schema.required ?? schema.oneOf)
      for (const [status, response] of Object.entries(responses)) {
        response.headers = {
          ...response.headers,
          ...(tellsRateLimits && status < '500' && RATE_LIMIT_HEADERS),
          ...((status === '429' || status === '503') && RETRY_AFTER),
          ...(status === '401' && WWW_AUTHENTICATE),
        }
      }
    }
  }
  const schemas: Record<string, object> = {}
  const paths = named(document.paths, schemas)
  const components = { ...document.components, schemas: { ...componentsOf(document, schemas), ...schemas } }
  return { ...document, paths, components } as never
}

function componentsOf({ components }: Document, schemas: Record<string, object>): object {
  return named(components?.schemas ?? {}, schemas) as object
}

/** Replaces each schema that has a `title` by a reference, so that generated clients have a type of that name. */
function named(node: unknown, schemas: Record<string, object>): unknown {
  if (Array.isArray(node)) return node.map(item => named(item, schemas))
  if (typeof node !== 'object' || node === null) return node
  const copy: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(node)) {
    copy[key] = /^examples?$/.test(key) ? value : named(value, schemas)
  }
  const { title, ...schema } = copy
  if (typeof title !== 'string') return copy
  const first = JSON.stringify(schemas[title] ?? schema)
  if (first !== JSON.stringify(schema)) throw new Error(`two schemas have the title ${title}`)
  schemas[title] = schema
  return { $ref: `#/components/schemas/${title}` }
}
