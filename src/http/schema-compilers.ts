/**
 * Fastify's `schemaController` option: validates input and serializes responses. With `setValidatorCompiler()` Fastify
 * would also load Ajv.
 */
import { SerializerSelector } from '@fastify/fast-json-stringify-compiler'
import type { FastifyServerOptions } from 'fastify'
import type { TSchema } from 'typebox'
import { IsDateTime, Set as setFormat } from 'typebox/format'
import { Compile, Errors } from 'typebox/schema'
import { Settings } from 'typebox/system'
import { problem } from '../errors.ts'
import { isStorableTime } from '../shared/time.ts'
import { inputFaults } from './input-faults.ts'

// By default validation stops after 8 errors, and eight unknown properties hid every other fault.
Settings.Set({ maxErrors: Number.POSITIVE_INFINITY })
// `canonicalEmail` checks emails: TypeBox's own format refuses surrounding spaces and IDN domains.
setFormat('email', () => true)
// TypeBox also accepts leap seconds and the suffixes of RFC 9557, which `Date` does not read.
setFormat('date-time', text => IsDateTime(text) && isStorableTime(new Date(text)))

/** Compiled schemas depend only on their source, so all routes and apps of a process share them. */
const validators = new WeakMap<object, ReturnType<typeof validatorOf>>()
const serializers = new Map<string, ReturnType<ReturnType<typeof standardSerializer>>>()

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
  return (value: unknown) => {
    if (validator.Check(value)) return { value }
    // Fastify passes a missing body as null. The faults are those of an empty body.
    const errors = alternativesOf(schema)
      .map(alternative => inputFaults(Errors(alternative, value ?? {})[1] as never, alternative))
      // The alternative with the fewest faults is the one that the client probably meant.
      .reduce((closest, faults) => (faults.length < closest.length ? faults : closest))
    return {
      error: problem('validation_failed', { errors, detail: 'The request is invalid.' }),
    }
  }
}

/** The alternatives of a union of bodies; any other schema is the only alternative. */
function alternativesOf(schema: TSchema): TSchema[] {
  return 'oneOf' in schema ? (schema.oneOf as TSchema[]) : [schema]
}

const standardSerializer = SerializerSelector()

/**
 * The error handler serializes problem documents itself. Compiling a serializer for each status of each route took a
 * third of the time to build the app.
 */
function buildSerializer(schemas: unknown, options?: object) {
  const compile = standardSerializer(schemas, options)
  const commonKey = JSON.stringify([schemas, options])
  return (route: Parameters<typeof compile>[0] & { contentType?: string }) => {
    if (route.contentType === 'application/problem+json') return JSON.stringify
    const key = commonKey + JSON.stringify(route.schema)
    const serializer = serializers.get(key) ?? compile(route)
    serializers.set(key, serializer)
    return serializer
  }
}

type SchemaController = NonNullable<FastifyServerOptions['schemaController']>

/** Cast, because Fastify's type of `buildValidator` allows only Ajv. */
export const schemaController = {
  compilersFactory: { buildValidator, buildSerializer },
} as unknown as SchemaController
