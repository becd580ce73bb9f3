import Type from 'typebox'

/** A token in the documentation. */
export const EXAMPLE_TOKEN = 'eyJhbGciOiJIUzI1NiJ9.eyJhdWQiOiJleGFtcGxlIn0.c2lnbmF0dXJl'

/**
 * The schema of a 202 that is the same whatever happens behind it. Its `requestToken` goes with the code of the
 * mail.
 *
 * @param status the one value of its `status`
 * @param description for the documentation
 */
export function accepted(status: string, description: string) {
  return Type.Object(
    { status: Type.Literal(status), requestToken: Type.String({ maxLength: 4096 }) },
    { additionalProperties: false, description, examples: [{ status, requestToken: EXAMPLE_TOKEN }] },
  )
}
