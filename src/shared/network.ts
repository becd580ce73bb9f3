/** Networks of IP addresses, which limits count by. */
import { isIPv6 } from 'node:net'
import { normalizeIP } from '@fastify/rate-limit'

/**
 * @param ip an address; IPv4-mapped IPv6 counts as IPv4
 * @returns the IPv4 address itself, or the first address of the IPv6 /64
 */
export function networkOf(ip: string): string {
  return normalizeIP(ip)
}

/** Prefix lengths that providers assign to one customer, besides the /64 of a single link. */
const WIDER_PREFIXES = [56, 48] as const

/** Returns the network of an address and, for IPv6, the wider ones around it, narrowest first. */
export function networksOf(ip: string): string[] {
  const network = networkOf(ip)
  if (!isIPv6(network)) return [network]
  return [network, ...WIDER_PREFIXES.map(prefix => `${normalizeIP(ip, prefix)}/${prefix}`)]
}

/** Returns the wider networks of an IPv6 address, narrowest first; none for IPv4. */
export const widerNetworksOf = (ip: string): string[] => networksOf(ip).slice(1)
