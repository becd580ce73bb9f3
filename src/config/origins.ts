/** Origins that CORS_ORIGINS may name, as browsers send them. */
import { isLoopback } from './urls.ts'

export const ORIGINS =
  'origins such as https://app.example.org or capacitor://localhost, without path or pattern'

/** Scheme, host and optional port (RFC 6454, section 4); no user, path or trailing slash. */
const FORM = /^([a-z][a-z0-9+.-]*):\/\/((?:\[[\da-f:.]+\]|[^\s/?#@:*\\[\]]+)(?::\d{1,5})?)$/i

/** Browsers send `null` for pages of these schemes. */
const OPAQUE = new Set(['about', 'blob', 'data', 'file', 'filesystem', 'javascript'])

/** Serialises an origin. Returns undefined for what no browser sends as an origin, such as a pattern. */
export function serializedOrigin(text: string): string | undefined {
  const [, scheme = '', authority = ''] = FORM.exec(text) ?? []
  if (scheme === '' || OPAQUE.has(scheme.toLowerCase()) || !URL.canParse(text)) return undefined
  const { origin } = new URL(text)
  if (origin !== 'null') return origin
  // URL knows no origin of other schemes, whose hosts are compared as text.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the whole of ASCII
  return /^[\x00-\x7f]*$/.test(authority) ? `${scheme}://${authority}`.toLowerCase() : undefined
}

const LOCAL_NAMES = ['localhost', '127.0.0.1', '[::1]']

// People open 127.0.0.1 as often as localhost, so that a local service accepts all names of this machine.
export function withLocalNames(appUrl: string, origins: readonly string[]): string[] {
  if (!isLoopback(new URL(appUrl).hostname)) return [...origins]
  return [...new Set(origins.flatMap(origin => [origin, ...localNamesOf(origin)]))]
}

function localNamesOf(origin: string): string[] {
  const [, scheme, host = '', port = ''] = /^(https?):\/\/(\[[^\]]+\]|[^:]+)(:\d+)?$/.exec(origin) ?? []
  return LOCAL_NAMES.includes(host) ? LOCAL_NAMES.map(name => `${scheme}://${name}${port}`) : []
}
