/** The security header fields of every response (OWASP REST security cheat sheet). */
import type { Config } from '../config/config.ts'

/**
 * Most of them are what helmet sets. They are written down so that they can be set all at once, and on responses to what
 * Node's parser refuses; a test holds them against helmet.
 */
export function securityFields(config: Pick<Config, 'HSTS_INCLUDE_SUBDOMAINS'>): Record<string, string> {
  return {
    // Responses carry tokens or personal data; pages that may be kept say so themselves.
    'cache-control': 'no-store',
    'content-security-policy': "default-src 'none';frame-ancestors 'none'",
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'origin-agent-cluster': '?1',
    'referrer-policy': 'no-referrer',
    'strict-transport-security': `max-age=63072000${config.HSTS_INCLUDE_SUBDOMAINS ? '; includeSubDomains' : ''}`,
    'x-content-type-options': 'nosniff',
    'x-dns-prefetch-control': 'off',
    'x-download-options': 'noopen',
    'x-frame-options': 'DENY',
    'x-permitted-cross-domain-policies': 'none',
    'x-xss-protection': '0',
  }
}
