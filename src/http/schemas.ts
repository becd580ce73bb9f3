/** Schemas of properties that many requests and responses have. */
import Type from 'typebox'

export const Id = Type.String({ format: 'uuid', maxLength: 36 })

/** ISO 8601, UTC. */
export const Time = Type.String({ format: 'date-time', maxLength: 30 })

export const orNull = <Schema extends Type.TSchema>(schema: Schema, description?: string) =>
  Type.Union([schema, Type.Null()], description === undefined ? {} : { description })
