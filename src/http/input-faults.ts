/** Describes the faults of an input for people: one fault for each property. */
import type { Static } from 'typebox'
import { type Fault, MAX_FAULTS } from '../errors.ts'
import { TIME_RANGE } from '../shared/time.ts'

/** An error of TypeBox's validators. */
interface SchemaError {
  keyword: string
  instancePath: string
  schemaPath: string
  params: Record<string, unknown>
}

/** The part of a JSON schema that explains a pattern. */
type Schema = { examples?: unknown[] } & Record<string, unknown>

/** Bounds of JSON pointers and messages, because the client chooses the names of unknown properties. */
const MAX_LENGTH = 1024

const FORMATS: Record<string, string> = {
  'date-time': `must be an RFC 3339 time ${TIME_RANGE}`,
  email: 'must be one plain email address',
  uuid: 'must be a UUID',
}

/** The message of each keyword. If a property has several errors, the first keyword in this list counts. */
const WORDS: Record<string, (params: Record<string, unknown>, schema: Schema) => string> = {
  type: ({ type }) => `must be ${articled(String(type))}`,
  const: ({ allowedValue }) => `must be ${JSON.stringify(allowedValue)}`,
  enum: ({ allowedValues }) => `must be one of ${(allowedValues as string[]).join(', ')}`,
  format: ({ format }, schema) => FORMATS[String(format)] ?? alike(schema),
  pattern: (_params, schema) => alike(schema),
  minLength: ({ limit }) => (limit === 1 ? 'must not be empty' : `must have at least ${limit} characters`),
  maxLength: ({ limit }) => `must have at most ${limit} characters`,
  minimum: ({ limit }) => `must be at least ${limit}`,
  maximum: ({ limit }) => `must be at most ${limit}`,
}
const ORDER = Object.keys(WORDS)

/**
 * Turns the errors of a validator into faults.
 *
 * @param errors all errors of one input, with `required` and `additionalProperties` among them
 * @param root the schema of the input
 * @returns at most `MAX_FAULTS`, each property once
 */
export function inputFaults(errors: SchemaError[], root: object): Static<typeof Fault>[] {
  const messages = new Map<string, string>()
  for (const { params } of errors.filter(({ keyword }) => keyword === 'required')) {
    for (const name of params['requiredProperties'] as string[]) messages.set(`/${name}`, 'is required')
  }
  const byPath = new Map<string, SchemaError[]>()
  for (const error of errors.filter(({ keyword }) => keyword in WORDS)) {
    byPath.set(error.instancePath, [...(byPath.get(error.instancePath) ?? []), error])
  }
  for (const [path, group] of byPath) messages.set(path, wordsOf(group, root))
  // Last, because a client may send any number of them.
  for (const { instancePath } of errors.filter(({ keyword }) => keyword === 'boolean')) {
    messages.set(instancePath, 'is not a known property')
  }
  if (messages.size === 0) messages.set('', 'does not have the expected form')
  return [...messages].slice(0, MAX_FAULTS).map(([path, message]) => ({
    path: path.slice(0, MAX_LENGTH).toWellFormed(),
    message: message.slice(0, MAX_LENGTH),
  }))
}

function wordsOf(group: SchemaError[], root: object): string {
  // In a union, a value that breaks a rule of its own type also fails all other types.
  const rules = group.filter(({ keyword }) => keyword !== 'type')
  if (rules.length === 0) {
    const types = group.map(({ params }) => articled(String(params['type'])))
    return `must be ${[...new Set(types)].join(' or ')}`
  }
  const [first] = rules.sort((a, b) => ORDER.indexOf(a.keyword) - ORDER.indexOf(b.keyword)) as [SchemaError]
  return WORDS[first.keyword]?.(first.params, schemaAt(root, first.schemaPath)) ?? ''
}

function articled(type: string): string {
  if (type === 'null') return 'null'
  return /^[aeio]/.test(type) ? `an ${type}` : `a ${type}`
}

/** People understand an example, and not a pattern. */
function alike({ examples }: Schema): string {
  return examples?.length ? `must look like ${examples[0]}` : 'does not have the expected form'
}

/** @param pointer such as `#/properties/code` */
function schemaAt(root: object, pointer: string): Schema {
  let schema = root as Record<string, unknown>
  for (const step of pointer.split('/').slice(1)) {
    schema = (schema?.[step.replaceAll('~1', '/').replaceAll('~0', '~')] ?? {}) as typeof schema
  }
  return schema as Schema
}
