/** Which origins of front ends CORS_ORIGINS may name, in the form in which browsers send them. */

/** What an entry is, for an error message. */
export const ORIGINS =
  'origins such as https://app.example.org or capacitor://localhost, without path or pattern'

/** Scheme, host and perhaps a port (RFC 6454 section 4): no user, no path, not even a slash behind it. */
const FORM = /^([a-z][a-z0-9+.-]*):\/\/((?:\[[\da-f:.]+\]|[^\s/?#@:*\\[\]]+)(?::\d{1,5})?)$/i

/** Browsers send `null` for pages with these schemes. */
const OPAQUE = new Set(['about', 'blob', 'data', 'file', 'filesystem', 'javascript'])

/**
 * The serialised form of an origin: lower case, without the scheme's default port, the host in punycode.
 *
 * @returns undefined for what no browser sends as its origin, such as a pattern
 */
export function serializedOrigin(text: string): string | undefined {
  const [, scheme = '', authority = ''] = FORM.exec(text) ?? []
  if (scheme === '' || OPAQUE.has(scheme.toLowerCase()) || !URL.canParse(text)) return undefined
  const { origin } = new URL(text)
  if (origin !== 'null') return origin
  // URL knows no origin of other schemes, whose hosts are compared as text.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the whole of ASCII
  return /^[\x00-\x7f]*$/.test(authority) ? `${scheme}://${authority}`.toLowerCase() : undefined
}
