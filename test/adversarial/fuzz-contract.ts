// Checks responses against the OpenAPI documents.
import { readFileSync } from 'node:fs'
import type { TSchema } from 'typebox'
import { Compile } from 'typebox/compile'
import { DOCUMENT, OPERATORS_DOCUMENT } from '../../openapi/export.ts'
import { CATALOGUE, Problem, type ProblemCode } from '../../src/errors.ts'
import type { Answer } from '../harness/problem.ts'

/** The subset of JSON Schema that request schemas use. */
export interface Schema {
  type?: string
  properties?: Record<string, Schema>
  required?: string[]
  anyOf?: Schema[]
  /** Alternative schemas of the body. */
  oneOf?: Schema[]
  minLength?: number
  maxLength?: number
}

interface Media {
  schema: Schema
  examples?: Record<string, unknown>
}

/** An operation of the document. */
export interface Operation {
  method: string
  /** The path template, with parameters in braces. */
  path: string
  bearer: boolean
  /** Content type of the body. */
  type: string
  body: Schema | undefined
  query: string[]
  responses: Record<string, { content?: Record<string, Media> }>
}

/** An operation as it appears in the document. */
interface Described {
  security: object[]
  requestBody?: { content: Record<string, Media> }
  parameters?: { in: string; name: string }[]
  responses: object
}

/** Every operation of a document. */
function operationsOf(file: string): Operation[] {
  const document = JSON.parse(readFileSync(file, 'utf8'))

  /** Schemas with their references inlined; the document has no cycles. */
  function resolved(node: unknown): unknown {
    if (Array.isArray(node)) return node.map(resolved)
    if (typeof node !== 'object' || node === null) return node
    const ref = (node as { $ref?: string }).$ref
    if (ref !== undefined) return resolved(document.components.schemas[ref.split('/').at(-1) as string])
    return Object.fromEntries(Object.entries(node).map(([key, value]) => [key, resolved(value)]))
  }

  return Object.entries(document.paths as Record<string, Record<string, Described>>).flatMap(
    ([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => {
        const [[type, media] = ['application/json', undefined]] = Object.entries(
          operation.requestBody?.content ?? {},
        )
        return {
          method: method.toUpperCase(),
          path,
          bearer: operation.security.length > 0,
          type,
          body: resolved(media?.schema) as Schema | undefined,
          query: (operation.parameters ?? []).filter(one => one.in === 'query').map(({ name }) => name),
          responses: resolved(operation.responses) as Operation['responses'],
        }
      }),
  )
}

/** Who calls: each group has a listener and an OpenAPI document. */
export type Audience = 'clients' | 'operators'

export const OPERATIONS: Record<Audience, Operation[]> = {
  clients: operationsOf(DOCUMENT),
  operators: operationsOf(OPERATORS_DOCUMENT),
}

/** Codes that any request may get (docs/errors.md); the document lists those of the operation itself. */
export const OF_HTTP: ReadonlySet<string> = new Set<ProblemCode>([
  'bad_request',
  'not_found',
  'method_not_allowed',
  'request_timeout',
  'payload_too_large',
  'unsupported_media_type',
  'malformed_json',
  'headers_too_large',
])

const validators = new Map<Schema, ReturnType<typeof Compile>>()
const problems = Compile(Problem)

function fits(schema: Schema, value: unknown): boolean {
  const validator = validators.get(schema) ?? Compile(schema as TSchema)
  validators.set(schema, validator)
  return validator.Check(value)
}

/** Returns the faults of a response. */
export function faultsOf(operation: Operation, answer: Answer): string[] {
  const { statusCode, headers, body } = answer
  if (statusCode >= 400) return faultsOfProblem(answer, operation)
  const declared = operation.responses[statusCode]
  if (declared === undefined) return [`${statusCode} is not declared`]
  const [[type, { schema }] = ['', { schema: undefined }]] = Object.entries(declared.content ?? {})
  if (schema === undefined) {
    return [
      ...(body === '' ? [] : ['a body that is not declared']),
      ...(headers['content-type'] === undefined ? [] : ['a type of nothing']),
    ]
  }
  if (!String(headers['content-type']).startsWith(type)) return [`not ${type}`]
  return fits(schema, JSON.parse(body)) ? [] : [`does not validate: ${body.slice(0, 500)}`]
}

/** The same for an error response; without an operation if the request matched none. */
export function faultsOfProblem({ statusCode, headers, body }: Answer, operation?: Operation): string[] {
  let document: Problem
  try {
    document = JSON.parse(body)
  } catch {
    return [`${statusCode} without a problem document: ${body.slice(0, 200)}`]
  }
  const faults: string[] = []
  const { code } = document
  if (!problems.Check(document)) faults.push(`no problem document: ${body.slice(0, 500)}`)
  if (!/^application\/problem\+json\b/.test(String(headers['content-type']))) faults.push('the type')
  if (CATALOGUE[code as ProblemCode]?.[0] !== statusCode) faults.push(`${statusCode} with ${code}`)
  if (headers['x-request-id'] !== document.requestId) faults.push('the request id')
  if (headers['strict-transport-security'] === undefined) faults.push('no HSTS')
  if ((code === 'validation_failed') !== (document.errors !== undefined)) faults.push('errors')
  if (document.errors?.length === 0) faults.push('validation that names no fault')
  if (statusCode >= 500 && code !== 'overloaded') faults.push(`a fault of the service: ${body}`)
  const media = operation?.responses[statusCode]?.content?.['application/problem+json']
  if (!OF_HTTP.has(code) && media?.examples?.[code] === undefined) faults.push(`${code} is not declared`)
  return faults
}
