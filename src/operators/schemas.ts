/** Schemas that several routes of the operators' API share. */
import Type from 'typebox'
import type { ProblemCode } from '../errors.ts'
import { Id } from '../http/schemas.ts'

/** The path parameter of a route about one object, such as `the account`. */
export const idOf = (thing: string) =>
  Type.Object({ id: Type.String({ ...Id, description: `of ${thing}` }) }, { additionalProperties: false })

/** Responses of every route with a scope. */
export const REFUSED = ['api_key_invalid', 'insufficient_scope'] as const satisfies ProblemCode[]
