/** Proxies that may name the client's address in `X-Forwarded-For`. */
import { BlockList, isIP } from 'node:net'

export const PROXIES =
  'addresses or CIDR ranges of your proxies, separated by commas, such as 10.0.0.0/8, ::1 or loopback'

/** Names of ranges in proxy-addr. */
const NAMES: Record<string, readonly string[]> = {
  loopback: ['127.0.0.0/8', '::1/128'],
  linklocal: ['169.254.0.0/16', 'fe80::/10'],
  uniquelocal: ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7'],
}

/** Returns the entries of TRUST_PROXY. */
export const proxiesIn = (trusted: string | undefined): string[] =>
  trusted?.split(',').map(entry => entry.trim()) ?? []

/** Returns what is wrong with TRUST_PROXY in any environment, or undefined. */
export function proxyProblem(trusted: string | undefined): string | undefined {
  for (const entry of proxiesIn(trusted)) {
    // Fastify would read a hop count as the address 0.0.0.1.
    if (/^\d+$/.test(entry)) return 'a hop count is not supported, because it would trust every peer'
    if (!Object.hasOwn(NAMES, entry) && !isAddressOrRange(entry)) return 'an entry has another form'
  }
  return undefined
}

/** What Fastify accepts: an address, or a range of at least /1 or with a contiguous netmask. */
function isAddressOrRange(entry: string): boolean {
  const [address = '', length, ...rest] = entry.split('/')
  const family = isIP(address)
  if (family === 0 || rest.length > 0) return false
  if (length === undefined) return true
  if (family === 4 && isIP(length) === 4) return /^1+0*$/.test(bitsOf(length))
  return /^\d{1,3}$/.test(length) && Number(length) >= 1 && Number(length) <= (family === 6 ? 128 : 32)
}

// Documentation addresses (RFC 5737, RFC 3849, RFC 6890): a range that holds one is too wide.
const DOCUMENTATION_ADDRESSES = ['0.0.0.1', '192.0.2.1', '203.0.113.1', '::ffff:192.0.2.1', '2001:db8::1']

/** In 10.0.0.0/8, 127.0.0.0/8, fc00::/7 or fe80::/10. */
const WIDE_PRIVATE = /^(10|127)\.|^f[cde]/i

/** Whether TRUST_PROXY includes addresses of the public internet that are no proxies. */
export function trustsPublicAddresses(trusted: string | undefined): boolean {
  const list = new BlockList()
  for (const entry of proxiesIn(trusted)) {
    const [address = '', prefix] = entry.split('/')
    const family = isIP(address)
    if (family === 0) continue
    const bits = prefix === undefined ? (family === 6 ? 128 : 32) : Number(prefix)
    // A netmask hides how wide the range is.
    if (!Number.isInteger(bits) || bits < 0 || bits > (family === 6 ? 128 : 32)) return true
    // No provider has as wide a range for its proxies.
    if (bits < (family === 6 ? 20 : 10) && !WIDE_PRIVATE.test(address)) return true
    list.addSubnet(address, bits, family === 6 ? 'ipv6' : 'ipv4')
  }
  return DOCUMENTATION_ADDRESSES.some(address => list.check(address, address.includes(':') ? 'ipv6' : 'ipv4'))
}

/**
 * Tells trusted proxies from other peers, for headers that Fastify's `trustProxy` does not cover.
 * @param trusted TRUST_PROXY, accepted by `proxyProblem`; undefined trusts nobody
 */
export function trustOf(trusted: string | undefined): (peer: string | undefined) => boolean {
  if (trusted === undefined) return () => false
  const list = new BlockList()
  for (const entry of proxiesIn(trusted).flatMap(item => NAMES[item] ?? item)) {
    const [address = '', length] = entry.split('/')
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4'
    if (length === undefined) list.addAddress(address, family)
    else list.addSubnet(address, prefixOf(length), family)
  }
  // BlockList finds IPv4-mapped addresses (`::ffff:10.0.0.1`) in IPv4 ranges.
  return peer =>
    isIP(peer ?? '') !== 0 && list.check(peer as string, isIP(peer as string) === 6 ? 'ipv6' : 'ipv4')
}

function prefixOf(length: string): number {
  if (!length.includes('.')) return Number(length)
  return bitsOf(length).replace(/0+$/, '').length
}

function bitsOf(address: string): string {
  const bytes = address.split('.').map(byte => Number(byte).toString(2).padStart(8, '0'))
  return bytes.join('')
}
