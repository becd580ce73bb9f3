// The refresh cookie as browsers see it. The name is literal, because front ends and proxies rely on it.
const NAME = '__Secure-latchkey-refresh'

interface Answer {
  statusCode: number
  headers: Record<string, unknown>
  body: string
}

/** A `cookie` header with these values. */
export function showing(...values: string[]): { cookie: string } {
  return { cookie: values.map(value => `${NAME}=${value}`).join('; ') }
}

/**
 * The token in the cookie of a response.
 *
 * @throws Error if there is none
 */
export function cookieIn({ statusCode, headers, body }: Answer): string {
  const value = /^__Secure-latchkey-refresh=([\w-]+);/.exec(String(headers['set-cookie']))?.[1]
  if (value === undefined) throw new Error(`no cookie in the answer: ${statusCode} ${body}`)
  return value
}

/** The exact `set-cookie` header for a token, or for clearing the cookie. */
export function setting(value: string, seconds: number, path = '/token/refresh'): string {
  return `${NAME}=${value}; Max-Age=${seconds}; Path=${path}; HttpOnly; Secure; SameSite=Strict`
}
export function clearing(path = '/token/refresh'): string {
  return `${NAME}=; Max-Age=0; Path=${path}; Expires=Thu, 01 Jan 1970 00:00:00 GMT; HttpOnly; Secure; SameSite=Strict`
}
