/**
 * Fastify's `schemaController` option: what checks input, and what writes answers.
 *
 * Given here and not by `setValidatorCompiler()`, so that Fastify does not load Ajv, which nothing uses.
 */
import { SerializerSelector } from '@fastify/fast-json-stringify-compiler'
import type { FastifyServerOptions } from 'fastify'
import type { TSchema } from 'typebox'
import { Compile } from 'typebox/compile'

/** A compiled schema depends on nothing else, so routes, and apps of one process, share it. */
const validators = new WeakMap<object, ReturnType<typeof validatorOf>>()
const serializers = new Map<string, ReturnType<ReturnType<typeof standard>>>()

/** Strict: no coercion, no defaults, nothing removed. */
function buildValidator() {
  return ({ schema }: { schema: TSchema }) => {
    const validator = validators.get(schema) ?? validatorOf(schema)
    validators.set(schema, validator)
    return validator
  }
}

function validatorOf(schema: TSchema) {
  const validator = Compile(schema)
  return (value: unknown) =>
    validator.Check(value) ? { value } : { error: validator.Errors(value) as never }
}

const standard = SerializerSelector()

/**
 * The error handler writes problem documents itself. To compile a serialiser for those of each status of each
 * route took a third of the time that the app takes to be built.
 */
function buildSerializer(schemas: unknown, options?: object) {
  const compile = standard(schemas, options)
  const shared = JSON.stringify([schemas, options])
  return (route: Parameters<typeof compile>[0] & { contentType?: string }) => {
    if (route.contentType === 'application/problem+json') return JSON.stringify
    const key = shared + JSON.stringify(route.schema)
    const serializer = serializers.get(key) ?? compile(route)
    serializers.set(key, serializer)
    return serializer
  }
}

type SchemaController = NonNullable<FastifyServerOptions['schemaController']>

/** Fastify types a validator's builder by Ajv's alone. */
export const schemaController = {
  compilersFactory: { buildValidator, buildSerializer },
} as unknown as SchemaController
