/** Rules for configured URLs: link targets, APP_URL, DATABASE_URL, Redis. */
import { BlockList, isIP } from 'node:net'
import { dirname } from 'node:path'
import { sqlitePath } from '../shared/sqlite-url.ts'

/** Schemes that execute code, read local files or reopen the current page. */
const DANGEROUS = new Set([
  ...['javascript:', 'vbscript:', 'data:', 'blob:', 'filesystem:'],
  ...['file:', 'about:', 'view-source:'],
])

export const LINK_TARGET =
  'an absolute URL without fragment, such as https://app.example.org/reset or myapp://reset'

/** Whether emails may link to it. A query is allowed; the fragment is for the token; it must be one word. */
export function isLinkTarget(text: string): boolean {
  if (/[\s\p{Cc}\p{Cf}<>"#]/u.test(text) || !URL.canParse(text)) return false
  // Some mail programs take `https:example.org` for a relative path; the URL parser accepts it.
  if (/^https?:(?!\/\/)/i.test(text)) return false
  return !DANGEROUS.has(new URL(text).protocol)
}

/** Whether a request to the URL crosses a network unencrypted. */
export function isInClear(url: string): boolean {
  const { protocol, hostname } = new URL(url)
  return protocol === 'http:' && !isLoopback(hostname)
}

/** Returns the path of the service without a trailing slash; empty at the root of the host. */
export function basePath(appUrl: string): string {
  return new URL(appUrl).pathname.replace(/\/+$/, '')
}

// Always `localhost`, because a cookie of 127.0.0.1 is not sent to localhost.
export function localUrl(host: string, port: number | string): string {
  if (/^(127\.0\.0\.1|0\.0\.0\.0|::)$/.test(host)) return `http://localhost:${port}`
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`
}

const LOOPBACK = new BlockList()
LOOPBACK.addSubnet('127.0.0.0', 8)
LOOPBACK.addAddress('::1', 'ipv6')

/**
 * Whether a host is this machine: `localhost`, or a loopback address, also an IPv4-mapped one or one in brackets. No
 * other name is: resolvers ask the network for `127.example.org`, and for `localhost.` too.
 */
export function isLoopback(host: string): boolean {
  if (/^localhost$/i.test(host)) return true
  const address = host.replace(/^\[(.*)\]$/, '$1')
  const family = isIP(address)
  return family !== 0 && LOOPBACK.check(address, family === 6 ? 'ipv6' : 'ipv4')
}

/** Returns the folder of files that are kept beside the embedded database. PostgreSQL has `data` for them. */
export function dataFolder(databaseUrl: string): string {
  return databaseUrl.startsWith('file:') ? dirname(sqlitePath(databaseUrl)) : 'data'
}

// An unencoded character in the password would end up in the host.
export function isRedisUrl(text: string): boolean {
  if (!URL.canParse(text) || text.includes('#') || text.split('@').length > 2) return false
  const { hostname, pathname, username, password } = new URL(text)
  return hostname !== '' && /^(\/\d*)?$/.test(pathname) && isDecodable(`${username}${password}`)
}

function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text)
    return true
  } catch {
    return false
  }
}
