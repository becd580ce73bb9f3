/** Responses as everybody sees them, without what differs between any two. */
import { claimsOf } from '../unit/tokens/forge.ts'

/** Status, body and headers, less ids and date, with the shape of a request token in its place. */
export function visible(response: { statusCode: number; body: string; headers: Record<string, unknown> }) {
  const { 'x-request-id': _id, date: _date, ...headers } = response.headers
  const body = response.body
    .replace(/"requestId":"[^"]*"/, '"requestId":"…"')
    .replace(/"requestToken":"([^"]*)"/, (_, token: string) => `"requestToken":"${shapeOf(token)}"`)
  return { status: response.statusCode, body, headers }
}

/** The length of a JWT and its claims, less those that differ between any two and the address that was sent. */
function shapeOf(token: string): string {
  const { sub, iat, exp, email, ...claims } = claimsOf(token)
  const own = [typeof sub, (exp as number) - (iat as number), (email as string).length]
  return `${token.length} ${own} ${Object.entries(claims)}`
}
