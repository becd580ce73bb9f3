/** Schemas of properties that many requests and responses have. */
import Type from 'typebox'
import { IsDateTime, Set as setFormat } from 'typebox/format'
import { isStorableTime } from '../shared/time.ts'

// TypeBox also accepts leap seconds and the suffixes of RFC 9557, which `Date` does not read.
setFormat('date-time', text => IsDateTime(text) && isStorableTime(new Date(text)))

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
