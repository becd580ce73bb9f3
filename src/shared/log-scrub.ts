/** Keeps secrets and email addresses out of log lines. Nothing logs them on purpose; libraries and mistakes do. */

/**
 * An escape sequence of JSON, whose letter is no part of a word behind it, or a whole word with a domain behind it if it
 * is an address. Whole words, so that it takes linear time. Not the `@` of a package's path or version, such as
 * `node_modules/@prisma` or `name@1.2.3`.
 */
const SEQUENCE_OR_WORD =
  /\\(?:u[\da-f]{4}|.)|[\p{L}\p{N}_.!#$%&'*+=?^`{|}~-]+(@(?:[\p{L}\p{M}\p{N}_-]+\.)+\p{L}[\p{L}\p{M}\p{N}_-]+)?/giu

/** The `@` of an address in a URL, encoded once or more often. */
const ENCODED_AT = /%(?:25)*40/

/** Whether a word holds an address as URLs spell it. Its domain may be encoded too, so only a dot of it is looked for. */
function hasEncodedAddress(word: string): boolean {
  const at = word.search(ENCODED_AT)
  return at > 0 && /\.[\p{L}%]/u.test(word.slice(at))
}

/**
 * @param text plain, or JSON
 * @returns the text without the email addresses in it
 */
export function withoutAddresses(text: string): string {
  if (!text.includes('@') && !ENCODED_AT.test(text)) return text
  return text.replace(SEQUENCE_OR_WORD, (found, domain) =>
    domain === undefined && !hasEncodedAddress(found) ? found : '[address]',
  )
}

/** Names of what is never readable in a log, at any depth. */
const SECRETS = new Set([
  'password',
  'newPassword',
  'currentPassword',
  'token',
  'refreshToken',
  'accessToken',
  'authorization',
  'cookie',
  'set-cookie',
])

/** A member of such a name, or a body, whose `code` is one. A quote within a string of JSON has a backslash before it. */
const SECRET_MEMBER = new RegExp(`"(?:${[...SECRETS].join('|')}|body)":`)

/**
 * Censors secrets in a line by looking at the line: pino's `redact` with wildcards looks at every value of every line
 * instead, which was 15 of the 18 µs of a line.
 *
 * @param line one object as JSON
 * @returns the line with `[redacted]` in place of every secret
 */
export function withoutSecrets(line: string): string {
  if (!SECRET_MEMBER.test(line)) return line
  return `${JSON.stringify(JSON.parse(line), censored)}\n`
}

function censored(key: string, value: unknown): unknown {
  if (SECRETS.has(key)) return '[redacted]'
  const isBody = key === 'body' && typeof value === 'object' && value !== null
  return isBody && 'code' in value ? { ...value, code: '[redacted]' } : value
}
