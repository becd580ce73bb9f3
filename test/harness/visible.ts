// Responses as strangers see them, without values that differ between any two.
import { claimsOf } from '../unit/tokens/forge.ts'

/** Status, body and headers without ids and date. Request tokens are replaced by their shape. */
export function visible(response: { statusCode: number; body: string; headers: Record<string, unknown> }) {
  const { 'x-request-id': _id, date: _date, ...headers } = response.headers
  const body = response.body
    .replace(/"requestId":"[^"]*"/, '"requestId":"…"')
    .replace(/"requestToken":"([^"]*)"/, (_, token: string) => `"requestToken":"${shapeOf(token)}"`)
  return { status: response.statusCode, body, headers }
}

/** Length and claims of a JWT, without values that always differ and without the address. */
function shapeOf(token: string): string {
  const { sub, iat, exp, email, ...claims } = claimsOf(token)
  const own = [typeof sub, (exp as number) - (iat as number), (email as string).length]
  return `${token.length} ${own} ${Object.entries(claims)}`
}
