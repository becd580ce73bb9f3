/**
 * Which URLs links may lead to: pages of a front end, or an app's deep links.
 */

/** What runs code or reads files where it is opened, or leads back into the page that opens it. */
const DANGEROUS = new Set([
  ...['javascript:', 'vbscript:', 'data:', 'blob:', 'filesystem:'],
  ...['file:', 'about:', 'view-source:'],
])

/** What a link target is, for whoever has given something else. */
export const LINK_TARGET =
  'an absolute URL without fragment, such as https://app.example.org/reset or myapp://reset'

/**
 * Whether mails may lead there. A query is allowed; the fragment is the token's place. The URL must stand
 * on one line of a mail as one word.
 */
export function isLinkTarget(text: string): boolean {
  if (/[\s\p{Cc}\p{Cf}<>"#]/u.test(text) || !URL.canParse(text)) return false
  // `https:example.org` is an address to URL, and a relative path to some mail programs.
  if (/^https?:(?!\/\/)/i.test(text)) return false
  return !DANGEROUS.has(new URL(text).protocol)
}

/** Whether what a URL carries can be read on the way: plain http, but for the machine itself. */
export function isInClear(url: string): boolean {
  const { protocol, hostname } = new URL(url)
  return protocol === 'http:' && !isLoopback(hostname)
}

/**
 * The path below which the service is, without a slash at its end; empty where it has the whole host.
 *
 * @param appUrl APP_URL, which may have a path
 */
export function basePath(appUrl: string): string {
  return new URL(appUrl).pathname.replace(/\/+$/, '')
}

/**
 * The address of a local service for browsers and curl. `localhost` is the one spelling of it: a cookie of
 * 127.0.0.1 is not sent to localhost.
 *
 * @param host the address that is listened on
 * @param port number
 */
export function localUrl(host: string, port: number | string): string {
  if (/^(127\.0\.0\.1|0\.0\.0\.0|::)$/.test(host)) return `http://localhost:${port}`
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`
}

/** @param host a name or an address, IPv6 in brackets or without */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || /^\[?::1\]?$/.test(host) || /^127\./.test(host)
}

/** Whether a URL of Redis is whole: an unencoded mark in its password would end up in the host's name. */
export function isRedisUrl(text: string): boolean {
  if (!URL.canParse(text) || text.includes('#') || text.split('@').length > 2) return false
  const { hostname, pathname, username, password } = new URL(text)
  return hostname !== '' && /^(\/\d*)?$/.test(pathname) && isDecodable(`${username}${password}`)
}

/** Whether it is percent-encoded UTF-8 throughout. */
function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text)
    return true
  } catch {
    return false
  }
}
