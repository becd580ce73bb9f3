/** Schemas of properties that many requests and responses have. */
import Type from 'typebox'

export const Id = Type.String({ format: 'uuid', maxLength: 36 })

/** ISO 8601, UTC. */
export const Time = Type.String({ format: 'date-time', maxLength: 30 })

/** A string or null. A list of types, because fast-json-stringify validates each value for a union. */
export const orNull = (schema: Type.TString, description?: string) =>
  Type.Unsafe<string | null>({
    ...schema,
    type: ['string', 'null'],
    ...(description !== undefined && { description }),
  })
