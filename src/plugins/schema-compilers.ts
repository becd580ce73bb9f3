/**
 * Fastify's `schemaController` option: what checks input, and what writes answers.
 *
 * Given here and not by `setValidatorCompiler()`, so that Fastify does not load Ajv, which nothing uses.
 */
import { SerializerSelector } from '@fastify/fast-json-stringify-compiler'
import type { FastifyServerOptions } from 'fastify'
import type { TSchema } from 'typebox'
import { Compile } from 'typebox/compile'

/** Strict: no coercion, no defaults, nothing removed. */
function buildValidator() {
  return ({ schema }: { schema: unknown }) => {
    const validator = Compile(schema as TSchema)
    return (value: unknown) =>
      validator.Check(value) ? { value } : { error: validator.Errors(value) as never }
  }
}

const standard = SerializerSelector()

/**
 * The error handler writes problem documents itself. To compile a serialiser for those of each status of each
 * route took a third of the time that the app takes to be built.
 */
function buildSerializer(schemas: unknown, options?: object) {
  const compile = standard(schemas, options)
  return (route: Parameters<typeof compile>[0] & { contentType?: string }) =>
    route.contentType === 'application/problem+json' ? JSON.stringify : compile(route)
}

type SchemaController = NonNullable<FastifyServerOptions['schemaController']>

/** Fastify types a validator's builder by Ajv's alone. */
export const schemaController = {
  compilersFactory: { buildValidator, buildSerializer },
} as unknown as SchemaController
