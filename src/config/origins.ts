/** Which origins of front ends CORS_ORIGINS may name, in the form in which browsers send them. */
import { isLoopback } from './urls.ts'

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

/** The names of this machine, as they stand in origins. */
const LOCAL_NAMES = ['localhost', '127.0.0.1', '[::1]']

/**
 * Adds the other spellings of origins on this machine, where the service itself is local: people open
 * 127.0.0.1 as often as localhost. Anywhere else an origin is exactly the one that is named.
 *
 * @param appUrl APP_URL, which decides whether the service is local
 * @param origins in serialised form
 */
export function withLocalNames(appUrl: string, origins: readonly string[]): string[] {
  if (!isLoopback(new URL(appUrl).hostname)) return [...origins]
  return [...new Set(origins.flatMap(origin => [origin, ...localNamesOf(origin)]))]
}

/** The origin under each name of this machine; none where it is of another machine, or no web origin. */
function localNamesOf(origin: string): string[] {
  const [, scheme, host = '', port = ''] = /^(https?):\/\/(\[[^\]]+\]|[^:]+)(:\d+)?$/.exec(origin) ?? []
  return LOCAL_NAMES.includes(host) ? LOCAL_NAMES.map(name => `${scheme}://${name}${port}`) : []
}
