/** The refresh cookie as a browser keeps it. Its name is spelt out: front ends and proxies know it. */
const NAME = '__Secure-latchkey-refresh'

interface Answer {
  statusCode: number
  headers: Record<string, unknown>
  body: string
}

/** The header field that shows cookies, in the order in which a browser would. */
export function showing(...values: string[]): { cookie: string } {
  return { cookie: values.map(value => `${NAME}=${value}`).join('; ') }
}

/**
 * The token in the cookie that an answer sets.
 *
 * @throws Error where it sets none
 */
export function cookieIn({ statusCode, headers, body }: Answer): string {
  const value = /^__Secure-latchkey-refresh=([\w-]+);/.exec(String(headers['set-cookie']))?.[1]
  if (value === undefined) throw new Error(`no cookie in the answer: ${statusCode} ${body}`)
  return value
}

/** What `set-cookie` is when it sets this token, or clears the cookie, to the letter. */
export function setting(value: string, seconds: number, path = '/token/refresh'): string {
  return `${NAME}=${value}; Max-Age=${seconds}; Path=${path}; HttpOnly; Secure; SameSite=Strict`
}
export function clearing(path = '/token/refresh'): string {
  return `${NAME}=; Max-Age=0; Path=${path}; Expires=Thu, 01 Jan 1970 00:00:00 GMT; HttpOnly; Secure; SameSite=Strict`
}
