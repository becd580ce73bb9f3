/** Which proxies may name the client's address in `X-Forwarded-For`. */
import { BlockList, isIP } from 'node:net'

/** What TRUST_PROXY is, for an error message. */
export const PROXIES =
  'addresses or CIDR ranges of your proxies, by commas, such as 10.0.0.0/8, ::1 or loopback'

/** proxy-addr's names for local ranges. */
const NAMES: Record<string, readonly string[]> = {
  loopback: ['127.0.0.0/8', '::1/128'],
  linklocal: ['169.254.0.0/16', 'fe80::/10'],
  uniquelocal: ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7'],
}

/**
 * What is wrong with a list of proxies in any environment.
 *
 * @param trusted TRUST_PROXY
 * @returns undefined where nothing is
 */
export function proxyProblem(trusted: string | undefined): string | undefined {
  for (const entry of trusted?.split(',').map(item => item.trim()) ?? []) {
    // Fastify would read it as the address 0.0.0.1. As a count it would trust whoever connects.
    if (/^\d+$/.test(entry)) return 'a hop count is not supported, since it would trust whoever connects'
    if (!Object.hasOwn(NAMES, entry) && !isAddressOrRange(entry)) return 'it holds an entry of another form'
  }
  return undefined
}

/** An address, or a range with a length from 1 on or a netmask without gaps: what Fastify takes, and no more. */
function isAddressOrRange(entry: string): boolean {
  const [address = '', length, ...rest] = entry.split('/')
  const family = isIP(address)
  if (family === 0 || rest.length > 0) return false
  if (length === undefined) return true
  if (family === 4 && isIP(length) === 4) return /^1+0*$/.test(bitsOf(length))
  return /^\d{1,3}$/.test(length) && Number(length) >= 1 && Number(length) <= (family === 6 ? 128 : 32)
}

/**
 * Addresses that nobody has (RFC 5737, RFC 3849, and 0.0.0.0/8 of RFC 6890), IPv4-mapped ones too: a range
 * that holds one of them was not drawn around somebody's proxies.
 */
const NOBODY = ['0.0.0.1', '192.0.2.1', '203.0.113.1', '::ffff:192.0.2.1', '2001:db8::1']

/** @param trusted addresses and CIDR ranges by commas, or proxy-addr's names for local ranges */
export function trustsStrangers(trusted = ''): boolean {
  const list = new BlockList()
  for (const entry of trusted.split(',').map(item => item.trim())) {
    const [address = '', prefix] = entry.split('/')
    const family = isIP(address)
    // Names of local ranges; anything else Fastify refuses at the start.
    if (family === 0) continue
    const bits = prefix === undefined ? (family === 6 ? 128 : 32) : Number(prefix)
    // A netmask in place of a length is a way of writing that only hides how wide it is.
    if (!Number.isInteger(bits) || bits < 0 || bits > (family === 6 ? 128 : 32)) return true
    list.addSubnet(address, bits, family === 6 ? 'ipv6' : 'ipv4')
  }
  return NOBODY.some(address => list.check(address, address.includes(':') ? 'ipv6' : 'ipv4'))
}

/**
 * Tells trusted proxies from other peers, for header fields that Fastify's `trustProxy` does not cover.
 *
 * @param trusted TRUST_PROXY, as `proxyProblem` accepts it; undefined where nobody is trusted
 * @returns whether the address of a connection is a trusted proxy's
 */
export function trustOf(trusted: string | undefined): (peer: string | undefined) => boolean {
  if (trusted === undefined) return () => false
  const list = new BlockList()
  for (const entry of trusted
    .split(',')
    .map(item => item.trim())
    .flatMap(item => NAMES[item] ?? item)) {
    const [address = '', length] = entry.split('/')
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4'
    if (length === undefined) list.addAddress(address, family)
    else list.addSubnet(address, prefixOf(length), family)
  }
  // A mapped IPv4 address (`::ffff:10.0.0.1`) is found in IPv4 ranges.
  return peer =>
    isIP(peer ?? '') !== 0 && list.check(peer as string, isIP(peer as string) === 6 ? 'ipv6' : 'ipv4')
}

/** The length of a range that is written as a length or as a netmask. */
function prefixOf(length: string): number {
  if (!length.includes('.')) return Number(length)
  return bitsOf(length).replace(/0+$/, '').length
}

/** An IPv4 address, such as a netmask, as 32 binary digits. */
function bitsOf(address: string): string {
  const bytes = address.split('.').map(byte => Number(byte).toString(2).padStart(8, '0'))
  return bytes.join('')
}
