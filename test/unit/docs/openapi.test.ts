import { readFileSync } from 'node:fs'
import t from 'tap'
import { currentDocument, DOCUMENT } from '../../../openapi/export.ts'
import { CATALOGUE } from '../../../src/errors.ts'

type Media = { schema?: unknown; example?: unknown; examples?: Record<string, { value: { code: string } }> }
type Operation = {
  security?: unknown[]
  responses: Record<string, { description: string; content?: Record<string, Media>; headers?: object }>
}

const operations = (document: { paths: Record<string, Record<string, Operation>> }) =>
  Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ name: `${method} ${path}`, operation })),
  )

t.test('the committed OpenAPI document is what the routes say', async t => {
  t.equal(readFileSync(DOCUMENT, 'utf8'), await currentDocument(), 'npm run openapi writes it anew')
})

t.test('every error status of every operation lists its codes with an example each', async t => {
  const document = JSON.parse(await currentDocument())
  t.equal(document.openapi, '3.1.0')
  for (const { name, operation } of operations(document)) {
    for (const [status, response] of Object.entries(operation.responses)) {
      if (Number(status) < 400) continue
      const examples = Object.values(response.content?.['application/problem+json']?.examples ?? {})
      t.ok(examples.length > 0, `${name} ${status}`)
      for (const { value } of examples) {
        t.equal(CATALOGUE[value.code as keyof typeof CATALOGUE][0], Number(status), `${name} ${value.code}`)
      }
    }
  }
})

t.test('exactly the routes behind the bearer ask for it', async t => {
  const document = JSON.parse(await currentDocument())
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
