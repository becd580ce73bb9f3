import Type from 'typebox'

/**
 * The schema of a 202 that is the same whatever happens behind it.
 *
 * @param status the one value of its `status`
 * @param description for the documentation
 */
export function accepted(status: string, description: string) {
  return Type.Object(
    { status: Type.Literal(status) },
    { additionalProperties: false, description, examples: [{ status }] },
  )
}
