/** Responses with 202, which are the same whether or not there is an account. */
import Type from 'typebox'

export const EXAMPLE_TOKEN = 'eyJhbGciOiJIUzI1NiJ9.eyJhdWQiOiJleGFtcGxlIn0.c2lnbmF0dXJl'

/** Schema of a 202 that is the same in every case. The `requestToken` belongs to the code in the email. */
export function accepted(status: string, description: string) {
  return Type.Object(
    { status: Type.Literal(status), requestToken: Type.String({ maxLength: 4096 }) },
    { additionalProperties: false, description, examples: [{ status, requestToken: EXAMPLE_TOKEN }] },
  )
}
