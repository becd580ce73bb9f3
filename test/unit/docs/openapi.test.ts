import { readFileSync } from 'node:fs'
import t from 'tap'
import type { TSchema } from 'typebox'
import { Compile } from 'typebox/compile'
import { currentDocuments, DOCUMENT, OPERATORS_DOCUMENT } from '../../../openapi/export.ts'
import { CATALOGUE } from '../../../src/errors.ts'

interface Schema {
  $ref?: string
  type?: string
  format?: string
  enum?: string[]
  allOf?: Schema[]
  oneOf?: Schema[]
  properties?: Record<string, Schema>
  description?: string
}
interface Media {
  schema: Schema
  example?: unknown
  examples?: Record<string, { value: { code: string } }>
}
type Operation = {
  security?: unknown[]
  requestBody?: { content: Record<string, Media> }
  parameters?: { name: string; schema: Schema }[]
  responses: Record<string, { description: string; content?: Record<string, Media>; headers?: object }>
}

const operations = (document: { paths: Record<string, Record<string, Operation>> }) =>
  Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ name: `${method} ${path}`, operation })),
  )

const documents = await currentDocuments()
const parsed = (path: string) => JSON.parse(documents.get(path) ?? '')

t.test('the committed OpenAPI documents match the routes', async t => {
  for (const [path, current] of documents) {
    t.equal(readFileSync(path, 'utf8'), current, 'run npm run openapi')
  }
})

t.test('every error status of every operation lists its codes with an example each', async t => {
  for (const path of documents.keys()) t.equal(parsed(path).openapi, '3.1.0')
  for (const { name, operation } of [...documents.keys()].flatMap(path => operations(parsed(path)))) {
    for (const [status, response] of Object.entries(operation.responses)) {
      if (Number(status) < 400) continue
      const { schema, examples: named = {} } = response.content?.['application/problem+json'] ?? {}
      const examples = Object.values(named)
      t.strictSame(
        schema?.allOf?.[1]?.properties?.['code']?.enum,
        Object.keys(named),
        `${name} ${status}: its codes`,
      )
      t.ok(examples.length > 0, `${name} ${status}`)
      for (const { value } of examples) {
        t.equal(CATALOGUE[value.code as keyof typeof CATALOGUE][0], Number(status), `${name} ${value.code}`)
      }
    }
  }
})

t.test('every body has examples of its operation, each of which is valid', async t => {
  for (const { name, operation } of [...documents.keys()].flatMap(path => operations(parsed(path)))) {
    const media = operation.requestBody?.content['application/json']
    if (media === undefined) continue
    const values = [media.example, ...Object.values(media.examples ?? {}).map(({ value }) => value)]
    const given = values.filter(value => value !== undefined)
    t.ok(given.length >= (media.schema.oneOf?.length ?? 1), `${name}: an example of each form`)
    const validator = Compile(media.schema as TSchema)
    for (const value of given) t.ok(validator.Check(value), name, { value })
  }
})

t.test('operations and schemas have names and types for code generators', async t => {
  const document = parsed(DOCUMENT)
  const { schemas } = document.components
  for (const name of ['User', 'Session', 'Event', 'ValidationError', 'Problem', 'TokenPair'])
    t.ok(schemas[name], name)
  t.strictSame(schemas.Problem.properties.code.enum, Object.keys(CATALOGUE))
  t.strictSame(schemas.Problem.properties.errors.items, { $ref: '#/components/schemas/ValidationError' })
  for (const path of ['/password-reset/confirm', '/token/refresh']) {
    const { schema } = document.paths[path].post.requestBody.content['application/json']
    t.equal(schema.oneOf?.length, 2, path)
  }
  const [limit] = document.paths['/me/events'].get.parameters
  t.match(limit, { name: 'limit', schema: { type: 'integer', minimum: 1, maximum: 100 } })
  t.equal(schemas.User.properties.email.format, 'email')
  for (const { name, operation } of operations(document)) {
    const { schema = {} } = operation.requestBody?.content['application/json'] ?? {}
    for (const { properties = {} } of schema.oneOf ?? [schema]) {
      for (const key of ['email', 'newEmail'])
        t.equal(properties[key]?.format ?? 'email', 'email', `${name}: ${key}`)
    }
  }
})

t.test('exactly the routes with authentication declare it', async t => {
  const document = parsed(DOCUMENT)
  const closed = operations(document)
    .filter(({ operation }) => operation.security?.length !== 0)
    .map(({ name }) => name)
  t.strictSame(closed.sort(), [
    'delete /me',
    'delete /sessions',
    'delete /sessions/{id}',
    'get /me',
    'get /me/events',
    'get /me/export',
    'get /sessions',
    'patch /me',
    'post /email-change/request',
    'post /logout',
    'post /password-change/confirm',
    'post /password-change/request',
  ])
})

t.test("of the operators' routes only the probes require no key", async t => {
  const open = operations(parsed(OPERATORS_DOCUMENT))
    .filter(({ operation }) => JSON.stringify(operation.security) !== '[{"bearer":[]}]')
    .map(({ name }) => name)
  t.strictSame(open, ['get /health/live', 'get /health/ready'])
})
